"""How far a training, a fleet of trainings or a long row of pictures has come, shown on stderr while it lasts.

On a terminal a bar runs below the lines that are said, and is gone at the end; elsewhere there are the lines alone.
Rich, which draws the bar, loads only with it: it takes 15 ms.
"""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from mnist_pipeline.cli.console import complain, note
from mnist_pipeline.cli.streams import printable
from mnist_pipeline.numerals import counted
from mnist_pipeline.runs.watching import FleetWatcher, Watcher

if TYPE_CHECKING:
    from rich.progress import Progress

_PATIENCE = 0.5  # seconds of reading pictures that pass before a bar is drawn


class _Display:
    """Lines on stderr, and where there is a bar, the bar below them."""

    def __init__(self, *, bar: bool) -> None:
        self.bar: Progress | None = None
        if bar:
            self.draw()

    def draw(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        what, state = TextColumn("{task.description}", markup=False), TextColumn("{task.fields[state]}", markup=False)
        console = Console(stderr=True, highlight=False)
        self.bar = Progress(what, BarColumn(), state, console=console, transient=True, redirect_stdout=False)
        self._task = self.bar.add_task("preparing", total=None, state="")
        self.bar.start()

    def say(self, text: str) -> None:
        if self.bar:
            self.bar.console.print(printable(text), markup=False, soft_wrap=True)
        else:
            note(text)

    def show(self, what: str, done: float, total: float | None, state: str) -> None:
        if self.bar:
            self.bar.update(self._task, description=what, completed=done, total=total, state=state)

    def close(self) -> None:
        if self.bar:
            self.bar.stop()


class _Clock:
    """The time spent since a start at which some of the work was done already, and the time left at that pace."""

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
    with closing(_Display(bar=sys.stderr.isatty())) as display:
        training = _Training(display)
        yield Watcher(training.begin, training.progress, training.epoch, display.say)


class _Training:
    def __init__(self, display: _Display) -> None:
        self._display = display

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
        self._display.say(f"{text}  {self._clock.left(number, self._epochs)}")
        self._show(number)

    def _show(self, done: int, share: float = 0.0) -> None:
        self._done = done
        if done < self._epochs:
            left = self._clock.left(done + share, self._epochs)
            self._display.show(f"epoch {done + 1}/{self._epochs}", share, 1, left)
        else:
            self._display.show("writing the model", 1, 1, "")


@contextmanager
def fleet_progress() -> Iterator["FleetProgress"]:
    """Progress of several trainings at once: a line for each that ends, and a bar that counts the runs."""
    with closing(_Display(bar=sys.stderr.isatty())) as display:
        yield FleetProgress(display)


class FleetProgress:
    """Counts the runs of a fleet that are finished, and shows them."""

    def __init__(self, display: _Display) -> None:
        self.say = display.say
        self.watcher = FleetWatcher(self._begin, self._share, self._end)
        self.done, self.total = 0, 0
        self._display, self._shares = display, dict[str, float]()

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
        if failure or not self._display.bar:
            count = f"[{self.done:>{len(str(self.total))}}/{self.total}]"
            self.say(f"{count} {name} failed: {failure}" if failure else f"{count} {name}")
        self._show()

    def _show(self) -> None:
        names = ", ".join(sorted(self._shares))
        what = f"{self.done}/{self.total} runs" + (f"  {names}" if names else "")
        done = self.done + sum(self._shares.values())
        share = (done - self._kept) / max(1, self.total - self._kept)
        self._display.show(what, share, 1, f"{100 * share:.0f} %  {self._clock.left(done, self.total)}")


def predict_progress(words: Sequence[str]) -> "closing[PictureProgress]":
    """Progress of reading the pictures that the words mean: a bar, once that has taken a while.

    There is none where the answers themselves run over the terminal.
    """
    return closing(PictureProgress(words, bar=sys.stderr.isatty() and not sys.stdout.isatty()))


class PictureProgress:
    """Counts the pictures that are answered, and says what went wrong."""

    def __init__(self, words: Sequence[str], *, bar: bool) -> None:
        self._words, self._wanted = words, bar
        self._display, self._clock, self._done = _Display(bar=False), _Clock(), 0

    def more(self, count: int) -> None:
        """Count answered pictures."""
        self._done += count
        spent = self._clock.spent()
        if self._wanted and not self._display.bar and spent > _PATIENCE:
            from mnist_pipeline.prediction.finding import count as count_files

            self._total = count_files(self._words)
            self._display.draw()
        if self._display.bar:
            of, left = f"{self._done:,}", ""
            if self._total:
                of, left = f"{self._done}/{self._total}", self._clock.left(self._done, self._total)
            self._display.show("pictures", self._done, self._total, f"{of}  {self._done / spent:,.0f} a second  {left}")

    def complain(self, text: str) -> None:
        """Say that a picture could not be read."""
        if self._display.bar:
            self._display.say(f"Error: {text}")
        else:
            complain(text)

    def close(self) -> None:
        """Take the bar away."""
        self._display.close()
