"""How far a training, a fleet of trainings or a long row of pictures has come, shown on stderr while it lasts.

On a terminal a bar runs below the lines that are said, and is gone at the end; elsewhere there are the lines alone.
Rich, which draws the bar, loads only with it: it takes 15 ms.
"""

import math
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from mnist_pipeline.cli.console import complain, note
from mnist_pipeline.cli.streams import printable
from mnist_pipeline.numerals import counted
from mnist_pipeline.runs.watching import FleetWatcher, Watcher

_PATIENCE = 0.5  # seconds of reading pictures that pass before a bar is drawn


class _Lines:
    """Lines on stderr without a bar."""

    drawn = False

    def say(self, text: str) -> None:
        note(text)

    def complain(self, text: str) -> None:
        complain(text)

    def show(self, what: str, done: float, total: float | None, state: str) -> None:
        """There is no bar to move."""

    def stop(self) -> None:
        """There is no bar to take away."""


class _Bar(_Lines):
    """Lines on stderr above a bar."""

    drawn = True

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        texts = [TextColumn(f"{{task.{field}}}", markup=False) for field in ("description", "fields[state]")]
        console = Console(stderr=True, highlight=False)
        self._bar = Progress(texts[0], BarColumn(), texts[1], console=console, transient=True, redirect_stdout=False)
        self._task = self._bar.add_task("preparing", total=None, state="")
        self._bar.start()

    def say(self, text: str) -> None:
        self._bar.console.print(printable(text), markup=False, soft_wrap=True)

    def complain(self, text: str) -> None:
        self.say(f"Error: {text}")

    def show(self, what: str, done: float, total: float | None, state: str) -> None:
        self._bar.update(self._task, description=what, completed=done, total=total, state=state)

    def stop(self) -> None:
        self._bar.stop()


@contextmanager
def _lines_or_bar() -> Iterator[_Lines]:
    shown = _Bar() if sys.stderr.isatty() else _Lines()
    try:
        yield shown
    finally:
        shown.stop()


class _Clock:
    """Tells the time spent since some of the work was done already, and what the rest will take at that pace."""

    def __init__(self, done: float = 0) -> None:
        self._done, self._began = done, time.perf_counter()

    def spent(self) -> float:
        return time.perf_counter() - self._began

    def left(self, done: float, total: float) -> str:
        if done >= total:
            return f"in {_duration(self.spent())}"
        return f"{_duration(self.spent() / (done - self._done) * (total - done))} left" if done > self._done else ""


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60:02d} s"


@contextmanager
def training_progress() -> Iterator[Watcher]:
    """A watcher that shows a training: a line for each epoch, and a bar that fills with the current one."""
    with _lines_or_bar() as shown:
        training = _Training(shown)
        yield Watcher(training.begin, training.progress, training.epoch, shown.say)


class _Training:
    def __init__(self, shown: _Lines) -> None:
        self._shown = shown

    def begin(self, done: int, epochs: int) -> None:
        self._epochs, self._clock = epochs, _Clock(done)
        self._show(done)

    def progress(self, share: float) -> None:
        self._show(self._done, share)

    def epoch(self, number: int, figures: dict[str, float]) -> None:
        text = f"epoch {number:>{len(str(self._epochs))}}/{self._epochs}  loss {figures['loss']:.4f}"
        text += f"  accuracy {figures['accuracy']:.2%}"
        if "val_loss" in figures:
            text += f"  validation {figures['val_loss']:.4f} {figures['val_accuracy']:.2%}"
        text += f"  rate {figures['learning_rate']:.2g}"
        self._shown.say(f"{text}  {self._clock.left(number, self._epochs)}")
        self._show(number)

    def _show(self, done: int, share: float = 0.0) -> None:
        self._done = done
        if done < self._epochs:
            left = self._clock.left(done + share, self._epochs)
            self._shown.show(f"epoch {done + 1}/{self._epochs}", share, 1, left)
        else:
            self._shown.show("writing the model", 1, 1, "")


@contextmanager
def fleet_progress() -> Iterator["FleetProgress"]:
    """Progress of several trainings at once: a line for each that ends, and a bar that counts the runs."""
    with _lines_or_bar() as shown:
        yield FleetProgress(shown)


class FleetProgress:
    """Counts the runs of a fleet that are finished, and shows them."""

    def __init__(self, shown: _Lines) -> None:
        self.say = shown.say
        self.watcher = FleetWatcher(self._begin, self._share, self._end)
        self.done, self.total = 0, 0
        self._shown, self._shares = shown, dict[str, float]()

    def _begin(self, done: int, total: int) -> None:
        self.done, self.total, self._kept, self._clock = done, total, done, _Clock(done)
        if done:
            self.say(f"{done} of {counted(total, 'run')} already finished and kept")
        self._show()

    def _share(self, name: str, share: float) -> None:
        self._shares[name] = min(share, 0.99)  # a run is evaluated after its training
        self._show()

    def _end(self, name: str, failure: str | None) -> None:
        self._shares.pop(name, None)
        self.done += not failure
        if failure or not self._shown.drawn:
            count = f"[{self.done:>{len(str(self.total))}}/{self.total}]"
            self.say(f"{count} {name} failed: {failure}" if failure else f"{count} {name}")
        self._show()

    def _show(self) -> None:
        names = ", ".join(sorted(self._shares))
        what = f"{self.done}/{self.total} runs" + (f"  {names}" if names else "")
        done = self.done + sum(self._shares.values())
        share = (done - self._kept) / max(1, self.total - self._kept)
        self._shown.show(what, share, 1, f"{100 * share:.0f} %  {self._clock.left(done, self.total)}")


@contextmanager
def predict_progress(words: Sequence[str]) -> Iterator["PictureProgress"]:
    """Progress of reading the pictures that the words mean: a bar, once that has taken a while.

    There is none where the answers themselves run over the terminal.
    """
    progress = PictureProgress(words, _PATIENCE if sys.stderr.isatty() and not sys.stdout.isatty() else math.inf)
    try:
        yield progress
    finally:
        progress.stop()


class PictureProgress:
    """Counts the pictures that are answered, and says what went wrong."""

    def __init__(self, words: Sequence[str], patience: float) -> None:
        self._words, self._patience, self._clock = words, patience, _Clock()
        self._shown, self._done = _Lines(), 0

    def more(self, count: int) -> None:
        """Count answered pictures."""
        self._done += count
        spent = self._clock.spent()
        if spent <= self._patience:
            return
        if not self._shown.drawn:
            from mnist_pipeline.prediction.finding import count as count_files

            self._shown, self._total = _Bar(), count_files(self._words)
        state = f"{self._done:,} pictures"
        if self._total:
            state = f"{self._done}/{self._total}  {self._clock.left(self._done, self._total)}"
        self._shown.show("pictures", self._done, self._total, f"{state}  {self._done / spent:,.0f} a second")

    def complain(self, text: str) -> None:
        """Say that a picture could not be read."""
        self._shown.complain(text)

    def stop(self) -> None:
        """Take the bar away."""
        self._shown.stop()
