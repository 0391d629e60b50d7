"""Trainings on a Ray cluster: the same bits as here, runs that come home without a shared disk, nodes that die."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.errors import MnistError
from mnist_pipeline.fleet.engine import Engine
from mnist_pipeline.fleet.pool import engine_for, train_all
from mnist_pipeline.runs.run import Run, artifacts
from mnist_pipeline.runs.watching import FleetWatcher
from tests.commands import mnist

pytest.importorskip("ray", reason="comes with the extra ray")


@pytest.mark.parametrize("address", ["ray://somewhere:10001", "http://somewhere"])
def test_an_address_of_another_kind_is_refused(address: str) -> None:
    with pytest.raises(MnistError, match="give HOST:PORT of the cluster's head"):
        engine_for(address, None)


def test_the_number_of_workers_is_not_for_a_cluster() -> None:
    result = mnist("sweep", "smoke", "--ray", "auto", "--workers", "3")
    assert result.exit_code == 2
    assert "--workers is for trainings here" in result.stderr


class Cluster:
    """Nodes on this machine, each with a CPU and started by `ray start`."""

    def __init__(self, folder: Path) -> None:
        self.address, self._folder = f"127.0.0.1:{20000 + os.getpid() % 10000}", folder
        self._nodes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Add a node; the first is the head, which trains nothing."""
        head = not self._nodes
        place = [f"--port={self.address.partition(':')[2]}", "--head"] if head else [f"--address={self.address}"]
        bounds = [f"--num-cpus={int(not head)}", f"--object-store-memory={100 * 2**20}", "--disable-usage-stats"]
        folder = [f"--temp-dir={self._folder}", "--include-dashboard=false"] if head else []
        call = [str(Path(sys.executable).with_name("ray")), "start", "--block", *place, *bounds, *folder]
        with (self._folder / f"node{len(self._nodes)}.log").open("wb") as log:
            self._nodes.append(subprocess.Popen(call, stdout=log, stderr=log, process_group=0, env=ENVIRONMENT))

    def kill(self, number: int) -> None:
        """Kill every process of a node at once."""
        for process in reversed(descendants(self._nodes[number].pid)):
            os.kill(process, signal.SIGKILL)
        self._nodes[number].wait()

    def stop(self) -> None:
        for number, node in enumerate(self._nodes):
            if node.poll() is None:
                self.kill(number)


ENVIRONMENT = os.environ | {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}


def descendants(process: int) -> list[int]:
    """A process and all that it has started, on Linux."""
    found = [process]
    for parent in found:
        for tasks in Path(f"/proc/{parent}/task").glob("*/children"):
            found += map(int, tasks.read_text().split())
    return found


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    if sys.platform != "linux":
        pytest.skip("needs /proc")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    cluster = Cluster(tmp_path_factory.mktemp("r"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


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
    deadline = time.monotonic() + 240
    while True:
        try:
            engine = engine_for(cluster.address, None)
            break
        except MnistError:
            assert time.monotonic() < deadline
            time.sleep(1)
    assert engine
    cluster.start()
    cluster.start()
    while engine.room() < 4:
        assert time.monotonic() < deadline
        time.sleep(1)
    return engine
