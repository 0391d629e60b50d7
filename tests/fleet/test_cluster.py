"""Trainings on a Ray cluster: the same bits as here, runs that come home without a shared disk, nodes that die."""

import time
from pathlib import Path
from statistics import median

import pytest

from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.errors import MnistError
from mnist_pipeline.fleet.engine import Engine, Event, Task, run_all
from mnist_pipeline.fleet.pool import engine_for, train_all
from mnist_pipeline.runs.run import Run, artifacts
from mnist_pipeline.runs.watching import FleetWatcher
from tests.commands import mnist
from tests.fleet.nodes import Cluster

pytest.importorskip("ray", reason="comes with the extra ray")


@pytest.mark.parametrize("address", ["ray://somewhere:10001", "http://somewhere"])
def test_an_address_of_another_kind_is_refused(address: str) -> None:
    with pytest.raises(MnistError, match="give HOST:PORT of the cluster's head"):
        engine_for(address, None)


def test_the_number_of_workers_is_not_for_a_cluster() -> None:
    result = mnist("sweep", "smoke", "--ray", "auto", "--workers", "3")
    assert result.exit_code == 2
    assert "--workers is for trainings here" in result.stderr


def digests(names: list[str]) -> list[str]:
    return [Run(artifacts() / name).figures("train")["weights_sha256"] for name in names]


@pytest.mark.slow
def test_a_node_that_is_killed_loses_only_its_unfinished_runs_which_go_elsewhere(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configs = [load_config("smoke", {"training.epochs": 10}, seed=seed) for seed in range(4)]
    names, again, ended = [config.name for config in configs], dict[str, str](), list[str]()
    killed: list[bool] = []

    def share(name: str, share: float) -> None:
        if ended and share and not killed:
            killed.append(True)
            cluster.kill(2)

    watcher = FleetWatcher(share=share, again=again.__setitem__, end=lambda name, _: ended.append(name))
    engine = joined(cluster)
    assert train_all(configs, watcher=watcher, engine=engine) == {}
    assert killed
    assert len(again) == 1
    assert "was lost" in next(iter(again.values()))
    assert sorted(ended) == names
    on_the_cluster = digests(names)
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path / "here"))
    assert train_all(configs[:2], watcher=FleetWatcher()) == {}
    assert digests(names[:2]) == on_the_cluster[:2]


def joined(cluster: Cluster) -> Engine:
    """The engine, once two nodes that train have joined the cluster."""
    engine = engine_for(cluster.address, None)
    assert engine
    cluster.start()
    cluster.start()
    deadline = time.monotonic() + 60
    while engine.room() < 4:
        assert time.monotonic() < deadline
        time.sleep(1)
    return engine


def spent(engine: Engine, tasks: list[Task]) -> list[float]:
    """The seconds that each of the tasks takes, one after the other."""
    seconds = []
    engine.room()
    for task in tasks:
        began = time.perf_counter()
        engine.submit(task)
        while not engine.next().ended:
            pass
        seconds.append(time.perf_counter() - began)
    return seconds


@pytest.mark.slow
def test_a_task_on_a_cluster_costs_half_a_second_at_most_and_a_thousand_waiting_ones_no_memory(tmp_path: Path) -> None:
    # No config, which its process refuses as soon as it is there: all that is left is the engines' own time.
    tasks = [Task(f"none{number}", "null", tmp_path, 1, "") for number in range(1000)]
    here = engine_for(None, 1)
    there = engine_for("local", None)
    assert here
    assert there
    try:
        spent(there, tasks[:4])  # the first ones start Ray's workers
        overhead = median(spent(there, tasks[4:14])) - median(spent(here, tasks[4:14]))
        assert overhead <= 0.5, overhead
        held, ended = [memory()], 0

        def hear(_: Event) -> None:
            nonlocal ended
            ended += 1
            held.append(memory())
            if ended == 60:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run_all(iter(tasks), there, hear, again=hear)
        assert held[-1] - held[10] < 20, held
    finally:
        here.stop()
        there.stop()


def memory() -> int:
    """The megabytes that this process has in memory, on Linux."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 // 10**6
