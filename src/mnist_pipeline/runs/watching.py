"""What long work calls to tell how far it is; every callback must be quick, and those left out do nothing."""

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


@dataclass(frozen=True)
class FleetWatcher:
    """Callbacks of many trainings at once; called one at a time."""

    begin: Callable[[int, int], None] = ignore
    """Trainings finished before, trainings in all."""
    share: Callable[[str, float], None] = ignore
    """A training's name and the share of it that is done."""
    end: Callable[[str, str | None], None] = ignore
    """A training's name, and why it gave no result."""
