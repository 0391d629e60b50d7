"""Many trainings at once: each ends for itself, what is finished stays, and an interruption ends all."""

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.config.schema import Config
from mnist_pipeline.errors import RunError
from mnist_pipeline.fleet import pool
from mnist_pipeline.fleet.engine import LocalEngine, reason
from mnist_pipeline.fleet.pool import finished, task_of, train_all, workers_for
from mnist_pipeline.runs.opening import begin
from mnist_pipeline.runs.run import Run, artifacts
from mnist_pipeline.runs.watching import FleetWatcher
from tests.systems import posix


def smoke(seed: int, **settings: object) -> Config:
    return load_config("smoke", settings, seed=seed)


def finish(config: Config) -> Run:
    """A run that looks trained and evaluated."""
    run = begin(config, {})
    run.add_metrics("train", {"weights_sha256": "0"})
    run.add_metrics("evaluate", {"weights_sha256": "0"})
    return run


def test_a_run_is_finished_when_it_is_trained_and_evaluated() -> None:
    config = smoke(0)
    assert not finished(config)
    run = begin(config, {})
    assert not finished(config)
    run.add_metrics("train", {})
    assert not finished(config)
    run.add_metrics("evaluate", {})
    assert finished(config)


def test_a_run_of_another_recipe_in_its_place_is_refused() -> None:
    finish(load_config("smoke", {"training.epochs": 2}, seed=0))
    with pytest.raises(RunError, match=r"training\.epochs: 2 → 1"):
        finished(smoke(0))


def test_there_are_as_many_workers_as_their_threads_leave_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "cores", lambda: 8)
    two, sixteen = smoke(0, **{"training.threads": 2}), smoke(1, **{"training.threads": 16})
    assert workers_for([smoke(0)]) == 8
    assert workers_for([two]) == 4
    assert workers_for([two, sixteen]) == 1
    assert workers_for([]) == 8


def test_what_the_fleet_trains_is_one_of_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(task_of(smoke(0), artifacts()).words.encode())))
    train = MagicMock(side_effect=lambda config, **_: finish(config))
    monkeypatch.setattr("mnist_pipeline.pipeline.train", train)
    assert pool.main() == 0
    assert train.call_args.kwargs["one_of_many"] is True


@pytest.mark.slow
def test_a_failed_training_takes_no_other_with_it(tmp_path: Path) -> None:
    missing = tmp_path / "none.npz"
    bad = smoke(1, **{"data.source": str(missing)})
    ends: dict[str, str | None] = {}
    shares: dict[str, float] = {}
    again: dict[str, str] = {}
    watcher = FleetWatcher(share=shares.__setitem__, again=again.__setitem__, end=ends.__setitem__)
    failed = train_all([bad, smoke(0)], engine=LocalEngine(2), watcher=watcher)
    assert ends == {"smoke-seed0": None, **failed}
    assert again == failed
    assert failed["smoke-seed1"].startswith(f"{missing}: does not exist")
    assert shares == {"smoke-seed0": 1}
    assert finished(smoke(0))
    assert not (artifacts() / "smoke-seed0" / "plots").exists()


def test_a_worker_that_dies_is_told_in_a_line() -> None:
    task = task_of(smoke(0), artifacts())
    assert reason(-9, "", task) == "ended by signal 9"
    bug = "Traceback (most recent call last):\n  File x\nKeyError: 'a'\n"
    assert str(reason(1, bug, task)).startswith("a bug: KeyError: 'a'")


@posix
def test_an_interruption_ends_all_and_says_how_to_go_on() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "mnist_pipeline", "reproduce", "cnn", "--seeds", "3", "--workers", "1"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ,
    )  # fmt: skip
    deadline = time.monotonic() + 30
    while not (artifacts() / "cnn-seed0" / "config.yaml").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, complaints = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "0 of 3 runs finished and kept. Go on with the same command" in complaints
    assert "Traceback" not in complaints
