"""What is shown of a training and of a fleet while they last: lines alone, or on a terminal a bar below them."""

import io
import re
import sys
from contextlib import closing

import pytest

from mnist_pipeline.cli.progress import FleetProgress, SweepProgress, TrainingProgress
from mnist_pipeline.config.recipes import load_config
from tests.reproduction.pretended import pretend

FIGURES = {"loss": 0.25, "accuracy": 0.5, "learning_rate": 0.001}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    def lines(self) -> list[str]:
        """What was written, without colours; a line ends where the cursor is moved."""
        plain = re.sub(r"\x1b\[[0-9;]*m", "", self.getvalue())
        return [line.strip() for line in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "\n", plain).splitlines()]


def train_two_epochs() -> None:
    with closing(TrainingProgress()) as progress:
        progress.watcher.begin(0, 2)
        progress.watcher.progress(0.5)
        progress.watcher.epoch(1, FIGURES)
        progress.watcher.epoch(2, FIGURES | {"val_loss": 0.5, "val_accuracy": 0.25})


def test_a_training_is_a_line_an_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    train_two_epochs()
    assert capsys.readouterr().err.splitlines() == [
        "epoch 1/2  loss 0.2500  accuracy 50.00%  rate 0.001  0 s left",
        "epoch 2/2  loss 0.2500  accuracy 50.00%  validation 0.5000 25.00%  rate 0.001  in 0 s",
    ]


def test_on_a_terminal_a_bar_stands_below_the_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    train_two_epochs()
    lines = terminal.lines()
    assert "epoch 1/2  loss 0.2500  accuracy 50.00%  rate 0.001  0 s left" in lines
    assert any(line.startswith("writing the model ━━━") for line in lines)


def train_a_fleet() -> None:
    with closing(FleetProgress()) as progress:
        progress.watcher.begin(1, 3)
        progress.watcher.share("a", 0.5)
        progress.watcher.end("a", None)
        progress.watcher.end("b", "it broke")


def test_a_fleet_is_a_line_for_each_training_that_ends(capsys: pytest.CaptureFixture[str]) -> None:
    train_a_fleet()
    assert capsys.readouterr().err.splitlines() == [
        "1 of 3 runs already finished and kept", "[2/3] a", "[2/3] b failed: it broke",
    ]  # fmt: skip


def test_on_a_terminal_a_bar_counts_the_runs_below_the_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    train_a_fleet()
    lines = terminal.lines()
    assert "[2/3] b failed: it broke" in lines
    assert "[2/3] a" not in lines
    assert any(line.startswith("2/3 runs ━━━") and "50 %" in line for line in lines)


def test_on_a_terminal_a_table_of_a_sweep_stands_above_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    for seed, accuracy in enumerate((0.97, 0.98)):
        pretend(load_config("smoke", seed=seed), accuracy)
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with closing(SweepProgress({"smoke-seed0": "smoke", "smoke-seed1": "smoke", "tiny-seed0": "tiny"})) as progress:
        progress.watcher.begin(1, 3)
        progress.watcher.end("tiny-seed0", "it broke")
    rows = [line.split() for line in terminal.lines()]
    assert ["smoke", "2/2", "97.50", "%", "±", "0.71"] in rows
    assert ["tiny", "0/1"] in rows
