"""What a handful of runs says about the next one: mean, spread, and Student's t for honest intervals."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from mnist_pipeline.config import Config, find_config, load_config, shipped_configs
from mnist_pipeline.errors import ConfigError, RunError
from mnist_pipeline.fleet.pool import Outcome, finished, train_all
from mnist_pipeline.reproduction.reported import Metric, load_reports
from mnist_pipeline.runs.run import Run, artifacts
from mnist_pipeline.runs.watching import FleetWatcher


class Interval(NamedTuple):
    """From low to high, both included."""

    low: float
    high: float

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int | float) and self.low <= value <= self.high


class Summary(NamedTuple):
    """Mean and standard deviation (over n - 1) of n measured values; one value has no spread."""

    n: int
    mean: float
    sd: float | None

    @classmethod
    def of(cls, values: Sequence[float]) -> "Summary":
        """Of at least one value."""
        return cls(len(values), statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None)

    def next_mean(self, n: int = 1, level: float = 0.95) -> Interval | None:
        """Where the mean of n more runs falls with this probability; None from one value alone.

        Both the spread of the new runs and the doubt about the mean of the old ones count; the standard deviation
        is itself an estimate, hence Student's t and not the normal distribution.
        """
        if self.sd is None:
            return None
        half = student_t((1 + level) / 2, self.n - 1) * self.sd * math.sqrt(1 / n + 1 / self.n)
        return Interval(self.mean - half, self.mean + half)


@cache
def student_t(probability: float, freedom: int) -> float:
    """The quantile of Student's t distribution, found by halving."""
    if not 0 < probability < 1 or freedom < 1:
        raise ValueError("needs a probability between 0 and 1 and at least one degree of freedom")
    if probability < 0.5:
        return -student_t(1 - probability, freedom)
    low, high = 0.0, 1.0
    while _share_below(high, freedom) < probability:
        low, high = high, 2 * high
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if _share_below(middle, freedom) < probability else (low, middle)
    return high


def _share_below(t: float, freedom: int) -> float:
    """Student's t distribution function for t >= 0."""
    return 1 - _beta_share(freedom / (freedom + t * t), freedom / 2, 0.5) / 2


def _beta_share(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function."""
    if x in (0.0, 1.0):
        return x
    if x > (a + 1) / (a + b + 2):  # beyond it the fraction converges slowly, and its mirror image fast
        return 1 - _beta_share(1 - x, b, a)
    scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(scale) / (a * _fraction(x, a, b))


def _fraction(x: float, a: float, b: float) -> float:
    """Its continued fraction (Abramowitz and Stegun 26.5.8), from the inside out."""
    value = 1.0
    for m in range(200, 0, -1):
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        value = 1 + even / (1 + odd / value)
    return 1 - (a + b) * x / (a + 1) / value


class Figure(NamedTuple):
    """One figure as people speak of it."""

    words: str
    better: int
    """1 where more is better, -1 where less is."""
    unit: str
    decimals: int

    def text(self, value: float) -> str:
        """A value such as 97.05 % or 0.1482."""
        return f"{self.number(value)}{self.unit}"

    def number(self, value: float) -> str:
        """The same without its unit."""
        return f"{100 * value if self.unit == ' %' else value:.{self.decimals}f}"

    def possible(self, interval: Interval | None) -> Interval | None:
        """The part of an interval that the figure can take: a share is at most one, nothing is below zero."""
        if interval is None:
            return None
        return Interval(max(interval.low, 0.0), min(interval.high, 1.0) if self.unit == " %" else interval.high)


FIGURES: Mapping[Metric, Figure] = {
    "test_accuracy": Figure("test accuracy", 1, " %", 2),
    "test_loss": Figure("test loss", -1, "", 4),
    "worst_class": Figure("worst digit's accuracy", 1, " %", 2),
    "train_accuracy": Figure("training accuracy", 1, " %", 2),
    "train_loss": Figure("training loss", -1, "", 4),
    "train_seconds": Figure("training time", -1, " s", 1),
}


def figures_of(run: Run) -> dict[Metric, float]:
    """All of them, of a trained and evaluated run."""
    train, test = run.figures("train"), run.figures("evaluate")
    try:
        values: dict[Metric, Any] = {
            "test_accuracy": test["test_accuracy"],
            "test_loss": test["test_loss"],
            "worst_class": min(row["accuracy"] for row in test["per_class"] if row["n"]),
            "train_accuracy": train["train_accuracy"],
            "train_loss": train["train_loss"],
            "train_seconds": train["train_seconds"],
        }
    except KeyError as missing:
        raise RunError(f"{run.path}: its metrics.json lacks {missing}: train it again under another --name") from None
    return {metric: float(value) for metric, value in values.items()}


_SEEDS = {"dense": 20, "cnn": 5}  # where no band says with how many it was measured


@dataclass(frozen=True)
class SeedPlan:
    """A recipe and the seeds to train it with."""

    path: Path
    recipe: Config
    runs: tuple[Config, ...]


@dataclass(frozen=True)
class Measured:
    """What a recipe gave over seeds, in the order of the seeds."""

    recipe: Config
    runs: tuple[Run, ...]
    values: dict[Metric, list[float]]

    @property
    def n(self) -> int:
        """How many runs there are."""
        return len(self.runs)

    def summary(self, metric: Metric) -> Summary:
        """Mean and spread of one figure."""
        return Summary.of(self.values[metric])


def plan(where: str, seeds: int | None = None) -> SeedPlan:
    """The runs <name>-seed0, <name>-seed1, ...; by default as many as the recipe's band was measured with."""
    path = find_config(where)
    recipe = load_config(path)
    expected = recipe.expected.n if recipe.expected else None
    count = seeds or expected or _SEEDS[recipe.model.family]
    configs = tuple(load_config(path, seed=seed) for seed in range(count))
    return SeedPlan(path, recipe, configs)


def all_recipes() -> list[str]:
    """The shipped recipes that have something to be held against: a reported number or a band."""
    reported = [report.recipe for report in load_reports() if report.recipe]
    banded = [name for name in shipped_configs() if load_config(name).expected is not None]
    return list(dict.fromkeys([*reported, *banded]))


def measure(
    plans: Sequence[SeedPlan], workers: int | None = None, watcher: FleetWatcher | None = None
) -> tuple[list[Measured], list[Outcome]]:
    """Train what is not finished; the figures of each recipe that gave any, and the trainings that failed."""
    names = [config.name for plan in plans for config in plan.runs]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ConfigError(f"two of these recipes are called the same: both want {min(twice)}")
    watcher = watcher or FleetWatcher()
    missing = [config for plan in plans for config in plan.runs if not finished(config)]
    watcher.begin(len(names) - len(missing), len(names))
    failed = [outcome for outcome in train_all(missing, workers=workers, watcher=watcher) if outcome.failure]
    return [measured for plan in plans if (measured := measured_of(plan)).n], failed


def measured_of(plan: SeedPlan) -> Measured:
    """The figures of those of its runs that are finished."""
    runs = tuple(Run(artifacts() / config.name) for config in plan.runs if finished(config))
    figures = [figures_of(run) for run in runs]
    return Measured(
        plan.recipe, runs, {metric: [each[metric] for each in figures] for metric in (figures[0] if figures else ())}
    )
