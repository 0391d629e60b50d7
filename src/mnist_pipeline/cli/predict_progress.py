"""Many pictures as they are watched: how many are read, on a terminal that does not show the answers themselves."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

_PATIENCE = 0.5  # seconds that pass without a bar


@contextmanager
def predict_progress(words: Sequence[str]) -> Iterator[Callable[[int], None]]:
    """Tell it how many more pictures are answered; nothing is shown before it has taken a while."""
    if sys.stdout.isatty() or not sys.stderr.isatty():
        yield lambda _: None
        return
    bar = _Bar(words)
    try:
        yield bar.more
    finally:
        bar.stop()


class _Bar:
    def __init__(self, words: Sequence[str]) -> None:
        self._words, self._began, self._done = words, time.monotonic(), 0
        self._stop: Callable[[], None] | None = None

    def more(self, count: int) -> None:
        """So many more are answered."""
        self._done += count
        if self._stop is None and time.monotonic() > self._began + _PATIENCE:
            self._start()
        if self._stop is not None:
            self._bar.update(self._task, completed=self._done, rate=self._rate())

    def stop(self) -> None:
        """Take the bar away."""
        if self._stop is not None:
            self._stop()

    def _rate(self) -> str:
        return f"{self._done / (time.monotonic() - self._began):,.0f} a second"

    def _start(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        from mnist_pipeline.finding import count

        self._bar = Progress(
            TextColumn("pictures"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"),
            TextColumn("left"), TimeRemainingColumn(), console=Console(stderr=True, highlight=False),
            transient=True, redirect_stdout=False,
        )  # fmt: skip
        self._task = self._bar.add_task("", total=count(self._words), rate=self._rate())
        self._bar.start()
        self._stop = self._bar.stop
