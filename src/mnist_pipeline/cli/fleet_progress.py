"""A fleet as it is watched: one bar over all trainings on a terminal, a line for each elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from mnist_pipeline.cli.console import note
from mnist_pipeline.cli.streams import printable
from mnist_pipeline.numerals import counted
from mnist_pipeline.runs.watching import FleetWatcher


class Watched:
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


class _Live(Watched):
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
def fleet_progress() -> Iterator[tuple[FleetWatcher, Watched]]:
    """A watcher that shows a fleet on stderr, and the count behind it."""
    console = Console(stderr=True, highlight=False)
    if console.is_terminal:
        live = _Live(console)
        with live.bar:
            yield FleetWatcher(live.begin, live.share, live.end), live
    else:
        plain = Watched()
        yield FleetWatcher(plain.begin, plain.share, plain.end), plain
