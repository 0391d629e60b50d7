"""mnist tune: what is looked for, tried, stopped and gone on with, and what is written in the end."""

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import cv2
import pytest

from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.config.schema import Config
from mnist_pipeline.errors import ConfigError, MnistError
from mnist_pipeline.fleet import tuning
from mnist_pipeline.fleet.engine import STOPPED, Event, Task
from mnist_pipeline.runs.run import artifacts
from mnist_pipeline.runs.watching import FleetWatcher
from tests.commands import mnist
from tests.reproduction.pretended import pretend

pytest.importorskip("optuna", reason="comes with the extra tune")

RATE = "training.optimizer.learning_rate"
RATES = {RATE: {"low": 0.001, "high": 0.1, "log": True}}


def searching(search: dict[str, Any], **settings: Any) -> Config:
    return load_config("smoke", {"tune": {"search": search}, "training.epochs": 3, **settings})


class Trainer:
    """An engine that pretends to train: the nearer the learning rate is to 0.02, the better every epoch."""

    def __init__(self, fail: Callable[[Config], str | None] = lambda _: None) -> None:
        self.fail, self.events = fail, list[Event]()
        self.tried: list[Config] = []
        self.stopped: set[str] = set()

    def room(self) -> int:
        return 1

    def submit(self, task: Task) -> None:
        words = json.loads(task.words)
        assert words["test"] is False
        config = Config.model_validate_json(json.dumps(words["config"]))
        self.tried.append(config)
        score = 1 / (1 + abs(config.training.optimizer.learning_rate - 0.02))
        for epoch in (1, 2, 3):
            figures = {"val_accuracy": score * epoch / 3, "val_loss": 1 - score * epoch / 3}
            self.events.append(Event(task, {"share": epoch / 3, "epoch": epoch, "figures": figures}))
        failure = self.fail(config)
        if failure is None:
            with mock.patch.dict(os.environ, {"MNIST_ARTIFACTS": str(task.around)}):
                run = pretend(config, 0.9)
                run.add_metrics("train", run.figures("train") | {"val_accuracy": score, "val_loss": 1 - score})
        self.events.append(Event(task, ended=True, failure=failure))

    def next(self) -> Event:
        event = self.events.pop(0)
        return event._replace(failure=STOPPED) if event.ended and event.task.name in self.stopped else event

    def stop(self, name: str | None = None) -> None:
        self.stopped |= {name} if name else set()


def tune(config: Config, trials: int, engine: Any = None, **options: Any) -> tuning.Found:
    settings: dict[str, Any] = {"storage": None, "name": None, "watcher": FleetWatcher(), "note": lambda _: None}
    return tuning.tune(config, trials, engine=engine or Trainer(), **settings | options)


@pytest.mark.parametrize(
    ("search", "says"),
    [
        ({RATE: {"low": 0.1}}, "must have either low and high, or choices"),
        ({RATE: {"low": 0.1, "high": 0.2, "choices": [1, 2]}}, "must have either low and high, or choices"),
        ({RATE: {"low": 0.1, "high": 0.01}}, r"low \(0.1\) must be below high \(0.01\)"),
        ({RATE: {"low": 0.0, "high": 0.01, "log": True}}, "log is for a range whose low is above 0"),
        ({"name": {"choices": ["a", "b"]}}, "is no setting of data, model or training"),
    ],
)
def test_a_search_that_is_none_is_refused(search: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        searching(search)


def test_there_must_be_images_to_validate_on() -> None:
    with pytest.raises(ConfigError, match=r"set data\.validation=0\.1"):
        searching(RATES, **{"data.validation": 0.0})


@pytest.mark.parametrize(
    ("search", "says"),
    [
        ({"training.rate": {"low": 0.1, "high": 0.2}}, "no such setting"),
        ({RATE: {"low": 0.1, "high": 99.0}}, "less than or equal to 10"),
        ({"model.hidden": {"choices": [[10], 20]}}, "be a list"),
    ],
)
def test_every_end_of_a_search_must_be_a_setting_that_the_config_can_have(search: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says) as refused:
        tuning.tuned_part(searching(search))
    assert f"tune.search {next(iter(search))}" in str(refused.value)


def test_a_config_without_a_search_is_refused_before_anything_is_tried() -> None:
    result = mnist("tune", "smoke")
    assert result.exit_code == 2
    assert "has no `tune` block" in result.stderr
    assert not artifacts().exists()


def test_the_best_config_is_written_whole_and_beats_what_was_drawn_at_random() -> None:
    search = RATES | {"model.hidden": {"choices": [[16], [24, 24]]}, "training.batch_size": {"low": 100, "high": 200}}
    engine = Trainer()
    found = tune(searching(search), 15, engine)
    best = load_config(found.config)
    assert found.trials == {"complete": found.trials["complete"], "pruned": found.trials["pruned"], "failed": 0}
    assert sum(found.trials.values()) == 15 == len(engine.tried)
    assert best.recipe() == engine.tried[found.number].recipe()
    assert (best.name, best.tune, best.expected) == ("smoke-tuned", None, None)
    assert abs(best.training.optimizer.learning_rate - 0.02) < 0.01
    folder = found.config.parent
    rows = list(csv.DictReader((folder / "trials.csv").read_text().splitlines()))
    assert rows[found.number]["val_accuracy"] == str(found.best)
    assert rows[found.number]["model.hidden"] == str(list(best.network.hidden))
    assert {cv2.imread(str(folder / name)) is None for name in ("history.png", "importance.png")} == {False}
    assert set(found.importance) == set(search)
    assert sum(found.importance.values()) == pytest.approx(1)


def test_a_bad_trial_is_stopped_at_the_end_of_an_epoch() -> None:
    engine, notes = Trainer(), list[str]()
    found = tune(searching(RATES), 15, engine, note=notes.append)
    assert found.trials["pruned"] == len(engine.stopped) > 0
    assert any("stopped after epoch 2" in note for note in notes)


def test_the_same_call_tries_the_same_settings_and_goes_on_where_it_was_interrupted() -> None:
    whole, first, second = Trainer(), Trainer(), Trainer()
    tune(searching(RATES), 6, whole, name="whole")

    def interrupt(config: Config) -> None:
        if len(first.tried) == 4:
            raise KeyboardInterrupt

    first.fail = interrupt
    with pytest.raises(KeyboardInterrupt):
        tune(searching(RATES), 6, first, name="halves")
    tune(searching(RATES), 6, second, name="halves")

    def rates(*engines: Trainer) -> list[float]:
        return [config.training.optimizer.learning_rate for engine in engines for config in engine.tried]

    assert rates(first) == rates(whole)[:4]
    assert rates(second)[0] == rates(first)[3]  # which was under way
    assert len(rates(second)) == 3
    assert tune(searching(RATES), 6, Trainer(), name="halves").trials["complete"] > 0


def test_a_failed_trial_counts_and_the_others_go_on() -> None:
    engine = Trainer(fail=lambda config: "it broke" if config.name == "smoke-trial1" else None)
    found = tune(searching(RATES), 3, engine)
    assert found.trials == {"complete": 2, "pruned": 0, "failed": 1}


def test_where_every_trial_fails_the_reason_is_told() -> None:
    with pytest.raises(MnistError, match=r"no trial was trained to the end \(it broke\)"):
        tune(searching(RATES), 2, Trainer(fail=lambda _: "it broke"))


def test_a_study_of_another_config_is_not_gone_on_with() -> None:
    tune(searching(RATES), 1)
    with pytest.raises(MnistError, match=r"training\.batch_size: 200 → 100\nChoose another --study-name"):
        tune(searching(RATES, **{"training.batch_size": 100}), 2)


@pytest.mark.parametrize(
    "storage", ["study.log", pytest.param("sqlite:///study.db", marks=pytest.mark.slow, id="database")]
)
def test_a_study_is_kept_where_it_is_wanted(storage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tune(searching(RATES), 1, storage=storage)
    engine = Trainer()
    tune(searching(RATES), 2, engine, storage=storage)
    assert len(engine.tried) == 1
    assert (tmp_path / storage.rpartition("/")[2]).is_file()
    assert not (artifacts() / "tune" / "smoke" / "journal.log").exists()


def test_a_storage_that_cannot_be_used_is_a_line() -> None:
    with pytest.raises(MnistError, match=r"^nonsense://x: cannot be used"):
        tune(searching(RATES), 1, storage="nonsense://x")
