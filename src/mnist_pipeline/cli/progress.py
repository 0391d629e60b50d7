"""Training as it is watched: a live line on a terminal, a plain line an epoch elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from mnist_pipeline.cli.console import note
from mnist_pipeline.cli.streams import printable
from mnist_pipeline.runs.watching import Watcher


@contextmanager
def training_progress() -> Iterator[Watcher]:
    """A watcher that shows training on stderr."""
    console = Console(stderr=True, highlight=False)
    if console.is_terminal:
        with _Live(console) as live:
            yield live.watcher()
    else:
        lines = _Lines()
        yield Watcher(begin=lines.begin, epoch=lines.epoch, note=note)


class _Lines:
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


class _Live(_Lines):
    """The same lines, above a bar that shows how far the current epoch is."""

    def __init__(self, console: Console) -> None:
        self.bar = Progress(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[left]}"),
            console=console, transient=True,
        )  # fmt: skip
        self.task = self.bar.add_task("preparing", total=None, left="")
        self.current = 0

    def __enter__(self) -> "_Live":
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
