"""How a long stage tells whoever watches it what it is doing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


def _nothing(*_: Any) -> None:
    """What a watcher does who does not care."""


@dataclass(frozen=True)
class Watcher:
    """Functions that are told how training goes; each must be quick."""

    begin: Callable[[int, int], None] = _nothing
    """Epochs done already, epochs in all."""
    progress: Callable[[float], None] = _nothing
    """Share of the current epoch that is done."""
    epoch: Callable[[int, dict[str, float]], None] = _nothing
    """Number of the epoch that ended, from 1, and its figures."""
    note: Callable[[str], None] = _nothing
    """A sentence for the user."""


@dataclass(frozen=True)
class FleetWatcher:
    """Functions that are told how many trainings at once are doing; called one at a time."""

    begin: Callable[[int, int], None] = _nothing
    """Trainings finished before, trainings in all."""
    share: Callable[[str, float], None] = _nothing
    """A training's name and the share of it that is done."""
    end: Callable[[str, str | None], None] = _nothing
    """A training's name, and why it gave no result."""
