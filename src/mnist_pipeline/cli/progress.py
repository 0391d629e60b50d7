"""How far a training, a fleet of trainings or a long row of pictures has come, shown on stderr while it lasts.

On a terminal a bar runs below the lines that are told, and is gone at the end; elsewhere there are the lines alone.
Rich draws the bar and puts what is printed on stderr above it; it takes 15 ms to load, so only a bar loads it.
"""

import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from statistics import fmean, stdev
from typing import TYPE_CHECKING

import typer

from mnist_pipeline.cli.console import note, table, watched
from mnist_pipeline.numerals import counted, percent
from mnist_pipeline.prediction.finding import count
from mnist_pipeline.runs.run import Run, artifacts
from mnist_pipeline.runs.watching import FleetWatcher, Watcher, epoch_line

if TYPE_CHECKING:
    from rich.progress import Progress

_MOST_ROWS = 15  # of a table above a bar, which has to fit on a terminal with it
_PATIENCE = 0.5  # seconds of reading pictures that pass before a bar is drawn


class _Display:
    """A bar on stderr, below what is told there meanwhile; knows how long the rest takes at the pace so far."""

    def __init__(self, *, at_once: bool = True) -> None:
        self.bar: Progress | None = None
        self.begin()
        if at_once and watched():
            self.draw()

    def begin(self, kept: int = 0) -> None:
        """Begin to measure the time; what is kept was done before."""
        self._kept, self._began = kept, time.perf_counter()

    def draw(self) -> None:
        from rich.console import Console, RenderableType
        from rich.progress import BarColumn, Progress, TextColumn
        from rich.text import Text

        what, state = TextColumn("{task.description}", markup=False), TextColumn("{task.fields[state]}", markup=False)
        console, above = Console(stderr=True, highlight=False), self.above

        class WithLinesAbove(Progress):
            def get_renderables(self) -> Iterator[RenderableType]:
                yield from (Text(line, no_wrap=True) for line in above())
                yield from super().get_renderables()

        self.bar = WithLinesAbove(what, BarColumn(), state, console=console, transient=True, redirect_stdout=False)
        self._task = self.bar.add_task("preparing", total=None, state="")
        self.bar.start()

    def above(self) -> list[str]:
        """Lines that stand above the bar and change with it."""
        return []

    def close(self) -> None:
        if self.bar:
            self.bar.stop()

    def show(self, what: str, done: float, total: int | None, state: str = "") -> None:
        """Fill the bar with what is done of what was not done before, and say how long the rest takes."""
        if self.bar:
            rest, left = (total - self._kept, self.left(done, total)) if total else (None, "")
            self.bar.update(self._task, description=what, completed=done - self._kept, total=rest, state=state + left)

    def spent(self) -> float:
        return time.perf_counter() - self._began

    def left(self, done: float, total: int) -> str:
        """How long the rest takes, or all has taken."""
        if done >= total:
            return f"in {_duration(self.spent())}"
        return f"{_duration(self.spent() / (done - self._kept) * (total - done))} left" if done > self._kept else ""


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60:02d} s"


class TrainingProgress(_Display):
    """Shows a training: a line for each epoch, and a bar that fills with them."""

    def __init__(self) -> None:
        super().__init__()
        self.watcher = Watcher(self._begin, self._share, self._epoch, note)

    def _begin(self, done: int, epochs: int) -> None:
        self.begin(done)
        self._done, self._epochs = done, epochs
        self._share(0)

    def _share(self, share: float) -> None:
        what = f"epoch {self._done + 1}/{self._epochs}" if self._done < self._epochs else "writing the model"
        self.show(what, self._done + share, self._epochs)

    def _epoch(self, number: int, figures: dict[str, float]) -> None:
        note(f"{epoch_line(number, self._epochs, figures)}  {self.left(number, self._epochs)}")
        self._done = number
        self._share(0)


class FleetProgress(_Display):
    """Shows several trainings at once: a line for each that ends, and a bar that counts the runs."""

    def __init__(self) -> None:
        super().__init__()
        self.watcher = FleetWatcher(self._begin, self._share, self._again, self._end)
        self.done, self.total = 0, 0
        self._shares = dict[str, float]()

    def _begin(self, done: int, total: int) -> None:
        self.begin(done)
        self.done, self.total = done, total
        if done:
            note(f"{done} of {counted(total, 'run')} already finished and kept")
        self._show()

    def _share(self, name: str, share: float) -> None:
        self._shares[name] = min(share, 0.99)  # a run is evaluated after its training
        self._show()

    def _again(self, name: str, failure: str) -> None:
        self._shares.pop(name, None)
        note(f"{name} failed and will be tried again: {failure}")
        self._show()

    def _end(self, name: str, failure: str | None) -> None:
        self._shares.pop(name, None)
        self.done += not failure
        if failure or not self.bar:
            line = f"[{self.done:>{len(str(self.total))}}/{self.total}] {name}"
            note(f"{line} failed: {failure}" if failure else line)
        self._show()

    def _show(self) -> None:
        names, done = ", ".join(sorted(self._shares)), self.done + sum(self._shares.values())
        percent = 100 * (done - self._kept) / max(1, self.total - self._kept)
        self.show(f"{self.done}/{self.total} runs  {names}".rstrip(), done, self.total, f"{percent:.0f} %  ")


@contextmanager
def going_on(progress: FleetProgress, noun: str = "run") -> Iterator[FleetProgress]:
    """Show what a fleet does in the block; an interruption is told with what is kept."""
    with closing(progress):
        try:
            yield progress
        except KeyboardInterrupt:
            kept = f"{progress.done} of {counted(progress.total, noun)} finished and kept"
            note(f"interrupted; {kept}. Go on with the same command")
            raise typer.Exit(130) from None


class SweepProgress(FleetProgress):
    """Shows a sweep: as a fleet, and on a terminal with a table of what each config has given so far."""

    def __init__(self, runs: Mapping[str, str]) -> None:
        self._config_of = runs  # by the run's name
        self._accuracies: dict[str, list[float]] = {config: [] for config in runs.values()}
        super().__init__()

    def above(self) -> list[str]:
        """A row for each config; those that are done are the first to have no room."""
        of = Counter(self._config_of.values())
        rows = [[config, f"{len(found)}/{of[config]}", _spread(found)] for config, found in self._accuracies.items()]
        unfinished_first = sorted(rows, key=lambda row: len(self._accuracies[row[0]]) == of[row[0]])
        return table(["config", "runs", "test accuracy"], unfinished_first[:_MOST_ROWS]).splitlines()

    def _begin(self, done: int, total: int) -> None:
        for name in self._config_of if done else ():
            self._count(name)
        super()._begin(done, total)

    def _end(self, name: str, failure: str | None) -> None:
        if not failure:
            self._count(name)
        super()._end(name, failure)

    def _count(self, name: str) -> None:
        run = Run(artifacts() / name)
        if self.bar and run.state == "trained" and "evaluate" in run.metrics():
            self._accuracies[self._config_of[name]].append(run.figures("evaluate")["test_accuracy"])


def _spread(values: list[float]) -> str:
    """Mean and standard deviation of shares in percent, as far as there are values for them."""
    if not values:
        return ""
    return percent(fmean(values)) + (f" ± {100 * stdev(values):.2f}" if len(values) > 1 else "")


class PictureProgress(_Display):
    """Counts the pictures that are answered: a bar, once that has taken a while.

    There is none where the answers themselves run over the terminal.
    """

    def __init__(self, words: Sequence[str]) -> None:
        super().__init__(at_once=False)
        self._words, self._done = words, 0

    def more(self, number: int, total: int | None = None) -> None:
        """Count answered pictures; of how many, where the words do not tell."""
        self._done += number
        if not self.bar and self.spent() > _PATIENCE and watched() and not sys.stdout.isatty():
            self._total = total or count(self._words)
            self.draw()
        if self.bar:
            of = f"{self._done}/{self._total}" if self._total else f"{self._done:,}"
            pace = f"{self._done / self.spent():,.0f} a second"
            self.show("pictures", self._done, self._total, f"{of}  {pace}  ")


class FetchProgress(_Display):
    """Shows a download: a bar that fills with the bytes of each file."""

    _name = ""

    def more(self, name: str, done: int, total: int | None) -> None:
        """Show how many bytes of a file are here."""
        if name != self._name:
            self._name = name
            self.begin(done)
        of = f"{done / 1e6:,.1f}" + (f" of {total / 1e6:,.1f} MB  " if total else " MB  ")
        self.show(name, done, total, of)
