"""Who may write to a run, and what is left when a process ends in the middle of it: nothing is lost, nobody blocked."""

import fcntl
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from mnist_pipeline import evaluate, pipeline, report, train
from mnist_pipeline.cli import app
from mnist_pipeline.config import Config, load_config
from mnist_pipeline.errors import DataError, RunError, TrainingError
from mnist_pipeline.prediction.predictor import predictor
from mnist_pipeline.runs import run as runs
from mnist_pipeline.runs.files import write_json
from mnist_pipeline.runs.provenance import environment
from mnist_pipeline.runs.run import Run, artifacts, begin, claimed
from mnist_pipeline.runs.watching import Watcher
from tests.samples import EVALUATED, HISTORY, TRAINED, pretend


def mnist(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A few images, quickly read."""
    path = tmp_path / "few.npz"
    labels = np.arange(100, dtype=np.uint8) % 10
    images = np.zeros((100, 28, 28), np.uint8)
    np.savez(path, x_train=images, y_train=labels, x_test=images, y_test=labels)
    return path


@pytest.fixture
def config(source: Path) -> Config:
    return load_config("smoke", {"data.source": str(source)}, name="run")


@pytest.fixture(autouse=True)
def _quick_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stages that write what the real ones write, without computing it."""

    def train_run(run: Run, *_: object) -> None:
        run.environment()
        write_json(run.history_file, HISTORY)
        run.add_metrics("train", TRAINED)

    def evaluate_run(run: Run, pictures: bool) -> None:
        run.add_metrics("evaluate", EVALUATED)

    for name, stage in (("training.train", train_run), ("evaluation.evaluate", evaluate_run)):
        monkeypatch.setitem(sys.modules, f"mnist_pipeline.{name}", SimpleNamespace(**{stage.__name__: stage}))
    monkeypatch.setattr(pipeline, "set_flags", lambda _: None)


def leftovers(folder: Path) -> list[Path]:
    return list(folder.rglob(".writing-*"))


# Killed


class Killed(BaseException):
    """Stands for the end of the process."""


def killing(monkeypatch: pytest.MonkeyPatch, number: int, *, late: bool) -> None:
    """End the process at its nth change to a run's folder: with a file half-written, or as soon as it is whole."""
    changes = 0

    def deadly(change: Callable[..., object]) -> Callable[..., object]:
        def wrapped(path: Path, *rest: object) -> None:
            nonlocal changes
            changes += 1
            if changes == number and not late:
                (path.parent / ".writing-half.json").write_text("{")
                raise Killed
            change(path, *rest)
            if changes == number:
                raise Killed

        return wrapped

    for name in ("write_text", "write_json", "remove"):
        monkeypatch.setattr(runs, name, deadly(getattr(runs, name)))


@pytest.mark.parametrize("late", [False, True])
def test_a_training_killed_at_any_write_goes_on_with_the_same_command(
    late: bool, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 20):
        monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path / f"{number}"))
        with monkeypatch.context() as patch:
            killing(patch, number, late=late)
            try:
                train(config)
            except Killed:
                pass
            else:
                break  # every write has been tried
        train(config)
        run = runs.open_run("run")
        assert run.environment()["versions"]
        assert not leftovers(run.path)
    assert number > 3


@pytest.mark.parametrize("late", [False, True])
def test_a_training_forced_and_killed_at_any_change_goes_on_with_the_same_command(
    late: bool, config: Config, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 40):
        monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path / f"{number}"))
        run = pretend("run", settings={"training.epochs": 2, "data.source": str(source)})
        (run.path / "notes.txt").write_text("mine")
        run.checkpoints.mkdir()
        (run.checkpoints / "epoch-00001.ckpt").touch()
        with monkeypatch.context() as patch:
            killing(patch, number, late=late)
            try:
                train(config, force=True)
            except Killed:
                assert run.state != "new"
            else:
                break
        train(config, force=True)
        assert run.config() == config
        made = {"config.yaml", "environment.json", "history.json", "metrics.json", "notes.txt", ".lock"}
        assert {path.name for path in run.path.iterdir()} == made
    assert number > 14


def test_an_unfinished_run_without_its_environment_goes_on(config: Config) -> None:
    begin(config, {}).environment_file.unlink()
    train(config)
    assert runs.open_run("run").environment()["versions"]


# Data first


def test_a_run_is_not_taken_away_for_data_that_cannot_be_read(tmp_path: Path) -> None:
    run = pretend("run")
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    config = load_config("smoke", {"data.source": str(tmp_path / "none.npz")}, name="run")
    with pytest.raises(DataError, match="does not exist"):
        train(config, force=True)
    assert {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()} == before


def test_a_slip_in_the_source_does_not_take_the_name(config: Config, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        train(load_config("smoke", {"data.source": str(tmp_path / "fwe.npz")}, name="run"))
    assert not artifacts().exists()
    train(config)


def test_a_run_is_not_taken_away_for_flags_that_come_too_late(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise TrainingError("TensorFlow was loaded in this process before")

    monkeypatch.setattr(pipeline, "set_flags", refuse)
    run = pretend("run")
    with pytest.raises(TrainingError):
        train(config, force=True)
    assert run.state == "trained"


def test_a_trained_run_is_said_to_be_one_though_its_data_are_gone(config: Config, source: Path) -> None:
    train(config)
    source.unlink()
    assert train(config)["weights_sha256"] == TRAINED["weights_sha256"]


# One process writes


def test_a_second_process_is_refused_while_the_first_lives() -> None:
    with claimed("run"), pytest.raises(RunError, match="another process"), claimed("run"):
        pass
    with claimed("run"):
        pass  # the claim ended with its holder


def test_the_lock_is_the_systems_own() -> None:
    """It must die with its process, however that ends: a file that merely exists would not."""
    with claimed("run"):
        handle = os.open(artifacts() / "run" / ".lock", os.O_RDWR)
        with pytest.raises(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(handle)


@pytest.mark.parametrize(
    "words",
    [["evaluate", "run"], ["report", "run"], ["export", "run"], ["train", "--config", "smoke", "--name", "run"]],
)
def test_no_verb_writes_where_another_process_does(words: list[str]) -> None:
    run = pretend("run")
    half = run.plots / ".writing-abc.png"
    half.touch()
    with claimed("run"):
        result = mnist(*words)
    assert result.exit_code == 2
    assert "another process" in result.stderr
    assert half.exists()


def test_reading_pictures_takes_no_claim() -> None:
    pretend("run")
    with claimed("run"):
        assert predictor("run").predict("examples/7.png").digit == 7


@pytest.mark.parametrize("stage", [evaluate, report])
def test_a_run_begun_anew_by_another_process_gets_no_numbers_of_the_old_one(
    stage: Callable[[Run], object], config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = pretend("run")
    claimed_before = runs.claimed

    @contextmanager
    def late(where: str | Path) -> Iterator[None]:
        with monkeypatch.context() as patch:
            patch.setattr(runs, "claimed", claimed_before)
            begin(config, {}, force=True)
        with claimed_before(where):
            yield

    monkeypatch.setattr(runs, "claimed", late)
    with pytest.raises(RunError, match="its training is not finished"):
        stage(run)
    assert not run.metrics_file.exists()


def test_what_a_killed_report_left_goes_with_the_next() -> None:
    run = pretend("run")
    for folder in (run.path, run.plots):
        (folder / ".writing-abc.html").touch()
    folder = run.exports / ".writing-xyz"
    folder.mkdir(parents=True)
    report("run")
    assert not leftovers(run.path)


def test_only_a_runs_own_folders_are_swept() -> None:
    run = pretend("run")
    within = run.path / "another" / ".writing-abc.png"
    within.parent.mkdir()
    within.touch()
    report("run")
    assert within.exists()


def test_a_run_that_is_trained_already_is_left_as_it_is(config: Config) -> None:
    train(config)
    half = artifacts() / "run" / ".writing-abc.html"
    half.touch()
    train(config)
    assert half.exists()


def test_a_claim_that_cannot_be_had_is_a_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(RunError, match=r"cannot be locked \(No locks available\)"), claimed("run"):
        pass


# What a run was made with


def begun_with(made_with: dict[str, Any], config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """Train in this environment as far as the first checkpoint."""

    def killed(run: Run, *_: object) -> None:
        run.checkpoints.mkdir()
        (run.checkpoints / "epoch-00001.ckpt").touch()
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "environment", lambda _: made_with)
        patch.setitem(sys.modules, "mnist_pipeline.training.train", SimpleNamespace(train_run=killed))
        with pytest.raises(Killed):
            train(config)


def test_a_training_that_goes_on_with_another_tensorflow_says_so(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = environment(1)
    begun_with(now | {"versions": now["versions"] | {"tensorflow": "1.0"}}, config, monkeypatch)
    said: list[str] = []
    train(config, watcher=Watcher(note=said.append))
    made_with = runs.open_run("run").environment()
    assert made_with["versions"] == now["versions"]
    change = f'versions.tensorflow: "1.0" → "{now["versions"]["tensorflow"]}"'
    assert made_with["changed"] == [change]
    assert said == [f"changed since this training began: {change}"]


def test_a_training_that_goes_on_in_the_same_environment_says_nothing(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun_with(environment(1), config, monkeypatch)
    train(config)
    assert "changed" not in runs.open_run("run").environment()
