"""Many pictures as they are watched: how many are read, on a terminal that does not show the answers themselves."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from mnist_pipeline.cli.console import complain
from mnist_pipeline.cli.streams import printable

_PATIENCE = 0.5  # seconds that pass without a bar


class Watched:
    """Is told how many more pictures are answered, and says what went wrong."""

    def more(self, count: int) -> None:
        """So many more."""

    def complain(self, text: str) -> None:
        """A line on stderr."""
        complain(text)


@contextmanager
def predict_progress(words: Sequence[str]) -> Iterator[Watched]:
    """A watcher that shows a bar on stderr once it has taken a while."""
    if sys.stdout.isatty() or not sys.stderr.isatty():
        yield Watched()
        return
    bar = _Bar(words)
    try:
        yield bar
    finally:
        bar.stop()


class _Bar(Watched):
    def __init__(self, words: Sequence[str]) -> None:
        self._words, self._began, self._done, self._started = words, time.monotonic(), 0, False

    def more(self, count: int) -> None:
        self._done += count
        if not self._started and time.monotonic() > self._began + _PATIENCE:
            self._start()
        if self._started:
            self._bar.update(self._task, completed=self._done, rate=self._rate())

    def complain(self, text: str) -> None:
        if self._started:
            self._bar.console.print(f"Error: {printable(text)}", markup=False, highlight=False, soft_wrap=True)
        else:
            super().complain(text)

    def stop(self) -> None:
        """Take the bar away."""
        if self._started:
            self._bar.stop()

    def _rate(self) -> str:
        return f"{self._done / (time.monotonic() - self._began):,.0f} a second"

    def _start(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        from mnist_pipeline.prediction.finding import count

        self._bar = Progress(
            TextColumn("pictures"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"),
            TextColumn("left"), TimeRemainingColumn(), console=Console(stderr=True, highlight=False),
            transient=True, redirect_stdout=False,
        )  # fmt: skip
        self._task = self._bar.add_task("", total=count(self._words), rate=self._rate())
        self._bar.start()
        self._started = True
