"""What long work calls to tell how far it is; every callback must be quick, and those left out do nothing."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Note = Callable[[str], None]


def ignore(*_: Any) -> None:
    """Default callback: does nothing."""


@dataclass(frozen=True)
class Watcher:
    """Callbacks of one training or export."""

    begin: Callable[[int, int], None] = ignore
    """Epochs done already, epochs in all."""
    progress: Callable[[float], None] = ignore
    """Share of the current epoch that is done."""
    epoch: Callable[[int, dict[str, float]], None] = ignore
    """Number of the epoch that ended, from 1, and its figures."""
    note: Note = ignore
    """A sentence for the user."""


def printing(epochs: int) -> Watcher:
    """A watcher that prints a line for each epoch on stderr, which a terminal and a notebook show alike."""

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)  # noqa: T201

    return Watcher(epoch=lambda number, figures: say(epoch_line(number, epochs, figures)), note=say)


def epoch_line(number: int, epochs: int, figures: dict[str, float]) -> str:
    """What is shown of an epoch while a training lasts."""
    text = (
        f"epoch {number:>{len(str(epochs))}}/{epochs}  loss {figures['loss']:.4f}  accuracy {figures['accuracy']:.2%}"
    )
    if "val_loss" in figures:
        text += f"  validation {figures['val_loss']:.4f} {figures['val_accuracy']:.2%}"
    return f"{text}  rate {figures['learning_rate']:.2g}"


@dataclass(frozen=True)
class FleetWatcher:
    """Callbacks of many trainings at once; called one at a time."""

    begin: Callable[[int, int], None] = ignore
    """Trainings finished before, trainings in all."""
    share: Callable[[str, float], None] = ignore
    """A training's name and the share of it that is done."""
    again: Callable[[str, str], None] = ignore
    """The name of a training that will be tried again, and why the first time gave no result."""
    end: Callable[[str, str | None], None] = ignore
    """A training's name, and why it gave no result."""
