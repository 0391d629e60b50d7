"""Training as it is watched: a live line on a terminal, a plain line an epoch elsewhere."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from mnist_pipeline.cli.console import complain, note
from mnist_pipeline.cli.streams import printable
from mnist_pipeline.numerals import counted
from mnist_pipeline.runs.watching import FleetWatcher, Watcher


@contextmanager
def training_progress() -> Iterator[Watcher]:
    """A watcher that shows training on stderr."""
    console = Console(stderr=True, highlight=False)
    if console.is_terminal:
        with _LiveTraining(console) as live:
            yield live.watcher()
    else:
        lines = _TrainingLines()
        yield Watcher(begin=lines.begin, epoch=lines.epoch, note=note)


class _TrainingLines:
    """One line an epoch, with what is left to wait."""

    def begin(self, done: int, epochs: int) -> None:
        self.first, self.epochs, self.started = done, epochs, time.perf_counter()

    def epoch(self, number: int, figures: dict[str, float]) -> None:
        note(self.line(number, figures))

    def line(self, number: int, figures: dict[str, float]) -> str:
        text = f"epoch {number:>{len(str(self.epochs))}}/{self.epochs}  loss {figures['loss']:.4f}"
        text += f"  accuracy {figures['accuracy']:.2%}"
        if "val_loss" in figures:
            text += f"  validation {figures['val_loss']:.4f} {figures['val_accuracy']:.2%}"
        text += f"  rate {figures['learning_rate']:.2g}"
        return f"{text}  {self.left(number)}"

    def left(self, done: float) -> str:
        """What is left after so many epochs, going by those that this process trained."""
        spent = time.perf_counter() - self.started
        if done >= self.epochs:
            return f"in {_duration(spent)}"
        return f"{_duration(spent / (done - self.first) * (self.epochs - done))} left" if done > self.first else ""


class _LiveTraining(_TrainingLines):
    """The same lines, above a bar that shows how far the current epoch is."""

    def __init__(self, console: Console) -> None:
        self.bar = Progress(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[left]}"),
            console=console, transient=True,
        )  # fmt: skip
        self.task = self.bar.add_task("preparing", total=None, left="")
        self.current = 0

    def __enter__(self) -> "_LiveTraining":
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def watcher(self) -> Watcher:
        return Watcher(self.begin, self.progress, self.epoch, self._note)

    def _note(self, text: str) -> None:
        self.bar.console.print(printable(text), markup=False, soft_wrap=True)

    def begin(self, done: int, epochs: int) -> None:
        super().begin(done, epochs)
        self._show(done)

    def progress(self, share: float) -> None:
        self.bar.update(self.task, completed=share, left=self.left(self.current + share))

    def epoch(self, number: int, figures: dict[str, float]) -> None:
        self.bar.console.print(self.line(number, figures))
        self._show(number)

    def _show(self, done: int) -> None:
        self.current = done
        if done < self.epochs:
            self.bar.reset(self.task, total=1, description=f"epoch {done + 1}/{self.epochs}", left=self.left(done))
        else:
            self.bar.reset(self.task, total=None, description="writing the model", left="")


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60:02d} s"


class FleetProgress:
    """Counts what the watcher is told; says each end in a line."""

    def __init__(self) -> None:
        self.done, self.total = 0, 0
        self.shares: dict[str, float] = {}

    def begin(self, done: int, total: int) -> None:
        """So many of so many runs are finished before it starts."""
        self.done, self.total = done, total
        if done:
            self.say(f"{done} of {counted(total, 'run')} already finished and kept")

    def share(self, name: str, share: float) -> None:
        """So much of a training is done."""
        self.shares[name] = min(share, 0.99)  # evaluation comes after

    def end(self, name: str, failure: str | None) -> None:
        """A training has ended; with a reason when it failed."""
        self.shares.pop(name, None)
        self.done += not failure
        width = len(str(self.total))
        self.say(f"[{self.done:>{width}}/{self.total}] {name}{f' failed: {failure}' if failure else ''}")

    def say(self, text: str) -> None:
        """A line on stderr."""
        note(text)


class _LiveFleet(FleetProgress):
    """The bar counts every training's share; only failures and what was kept are said in lines above it."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self.bar = Progress(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(), console=console, transient=True,
        )  # fmt: skip
        self.task = self.bar.add_task("preparing", total=None)

    def begin(self, done: int, total: int) -> None:
        super().begin(done, total)
        self.bar.reset(self.task, total=total - done)
        self.kept = done
        self.show()

    def share(self, name: str, share: float) -> None:
        super().share(name, share)
        self.show()

    def end(self, name: str, failure: str | None) -> None:
        self.shares.pop(name, None)
        self.done += not failure
        if failure:
            self.say(f"{name} failed: {failure}")
        self.show()

    def show(self) -> None:
        working = ", ".join(sorted(self.shares))
        self.bar.update(
            self.task,
            completed=self.done - self.kept + sum(self.shares.values()),
            description=f"{self.done}/{self.total} runs" + (f"  {working}" if working else ""),
        )

    def say(self, text: str) -> None:
        self.bar.console.print(printable(text), markup=False, soft_wrap=True)


@contextmanager
def fleet_progress() -> Iterator[tuple[FleetWatcher, FleetProgress]]:
    """A watcher that shows a fleet on stderr, and the count behind it."""
    console = Console(stderr=True, highlight=False)
    if console.is_terminal:
        live = _LiveFleet(console)
        with live.bar:
            yield FleetWatcher(live.begin, live.share, live.end), live
    else:
        plain = FleetProgress()
        yield FleetWatcher(plain.begin, plain.share, plain.end), plain


_PATIENCE = 0.5  # seconds that pass without a bar


class Counter:
    """Is told how many more pictures are answered, and says what went wrong."""

    def more(self, count: int) -> None:
        """So many more."""

    def complain(self, text: str) -> None:
        """A line on stderr."""
        complain(text)


@contextmanager
def predict_progress(words: Sequence[str]) -> Iterator[Counter]:
    """A watcher that shows a bar on stderr once it has taken a while."""
    if sys.stdout.isatty() or not sys.stderr.isatty():
        yield Counter()
        return
    bar = _CounterBar(words)
    try:
        yield bar
    finally:
        bar.stop()


class _CounterBar(Counter):
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
