"""What is left when a process ends in the middle of a run, or a training cannot begin: nothing is lost."""

import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mnist_pipeline import pipeline, train
from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.config.schema import Config
from mnist_pipeline.errors import DataError, TrainingError
from mnist_pipeline.runs import opening
from mnist_pipeline.runs import run as run_module
from mnist_pipeline.runs.opening import begin, open_run
from mnist_pipeline.runs.provenance import environment
from mnist_pipeline.runs.run import Run, artifacts
from mnist_pipeline.runs.watching import Watcher
from tests.samples import TRAINED, pretend

pytestmark = pytest.mark.usefixtures("quick_stages")


def leftovers(folder: Path) -> list[Path]:
    return list(folder.rglob(".writing-*"))


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

    for module, names in ((opening, ("write_text", "write_json", "remove")), (run_module, ("write_json",))):
        for name in names:
            monkeypatch.setattr(module, name, deadly(getattr(module, name)))


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
        run = open_run("run")
        assert run.environment()["versions"]
        assert not leftovers(run.path)
    assert number > 3


@pytest.mark.parametrize("late", [False, True])
def test_one_of_many_killed_at_any_write_never_becomes_the_default(
    late: bool, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = 0
    for number in range(1, 20):
        monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path / f"{number}"))
        run = Run(artifacts() / "run")
        with monkeypatch.context() as patch, suppress(Killed):
            killing(patch, number, late=late)
            train(config, one_of_many=True)
        trained += run.state == "trained"
        assert run.state != "trained" or run.sweep_file.exists()
        train(config, one_of_many=True)
        assert run.sweep_file.exists()
    assert trained > 10


def test_one_of_many_that_its_name_goes_on_with_is_a_run_like_any_other(config: Config) -> None:
    begin(config, {}, one_of_many=True)
    train(config)
    assert open_run().name == "run"


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
    assert open_run("run").environment()["versions"]


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
    made_with = open_run("run").environment()
    assert made_with["versions"] == now["versions"]
    change = f'versions.tensorflow: "1.0" → "{now["versions"]["tensorflow"]}"'
    assert made_with["changed"] == [change]
    assert said == [f"changed since this training began: {change}"]


def test_a_training_that_goes_on_in_the_same_environment_says_nothing(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun_with(environment(1), config, monkeypatch)
    train(config)
    assert "changed" not in open_run("run").environment()
