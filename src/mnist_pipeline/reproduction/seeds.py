"""Recipes trained over seeds: which runs, their figures, and what those say about one more run.

Runs with different seeds are taken as independent draws from one normal distribution. That is what Student's t
assumes, by which the intervals are honest for the 5 to 20 runs that there are.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from mnist_pipeline.config.recipes import find_config, load_config, shipped_configs
from mnist_pipeline.config.schema import Config
from mnist_pipeline.errors import ConfigError
from mnist_pipeline.fleet.engine import Engine
from mnist_pipeline.fleet.pool import finished, train_all
from mnist_pipeline.reproduction.reported import Metric, ReportedNumber, load_reported
from mnist_pipeline.runs.run import Run, artifacts
from mnist_pipeline.runs.watching import FleetWatcher

_SEEDS = {"dense": 20, "cnn": 5}  # by model family, for a recipe without a band: a cnn trains for about 200 s


class Interval(NamedTuple):
    """From low to high, both included."""

    low: float
    high: float


class Summary(NamedTuple):
    """Number of values, their mean and their standard deviation (over n - 1; None for a single value)."""

    n: int
    mean: float
    sd: float | None

    @classmethod
    def of(cls, values: Sequence[float]) -> "Summary":
        """Summarise one value or more."""
        return cls(len(values), statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None)

    def next_mean(self, n: int = 1, level: float = 0.95) -> Interval | None:
        """The interval in which the mean of n more runs falls with this probability; None from a single value.

        Both the spread of the new runs and the doubt about the mean of the old ones count; the standard deviation
        is itself an estimate, hence Student's t and not the normal distribution.
        """
        if self.sd is None:
            return None
        half = student_t((1 + level) / 2, self.n - 1) * self.sd * math.sqrt(1 / n + 1 / self.n)
        return Interval(self.mean - half, self.mean + half)


@cache
def student_t(probability: float, freedom: int) -> float:
    """The quantile above the median, found by bisection; by hand, as scipy would be needed only here."""
    low, high = 0.0, 1.0
    while _t_cdf(high, freedom) < probability:
        low, high = high, 2 * high
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if _t_cdf(middle, freedom) < probability else (low, middle)
    return high


def _t_cdf(t: float, freedom: int) -> float:
    """Student's t distribution function for t >= 0: a finite sum (Abramowitz and Stegun 26.7.3 and 26.7.4)."""
    odd, angle = freedom % 2, math.atan(t / math.sqrt(freedom))
    total, term = 0.0, math.cos(angle) ** odd
    for power in range(odd, freedom - 1, 2):
        total += term
        term *= (power + 1) / (power + 2) * math.cos(angle) ** 2
    within = math.sin(angle) * total  # the probability of a value from -t to t
    return 0.5 + ((angle + within) / math.pi if odd else within / 2)


class Figure(NamedTuple):
    """How one figure of a run is named and written."""

    name: str
    better: int  # 1 where higher is better, -1 where lower is
    unit: str
    decimals: int

    def text(self, value: float) -> str:
        """A value with its unit, such as 97.05 % or 0.1482."""
        return f"{self.number(value)}{self.unit}"

    def number(self, value: float) -> str:
        """A value without its unit, such as 97.05 or 0.1482."""
        return f"{100 * value if self.unit == ' %' else value:.{self.decimals}f}"

    def spread(self, summary: Summary) -> str:
        """Mean ± standard deviation, such as 96.88 ± 0.43 %."""
        return self.text(summary.mean) if summary.sd is None else self.between(summary.mean, "±", summary.sd)

    def between(self, low: float, word: str, high: float) -> str:
        """Two values with a word between them and the unit once, such as 95.95 to 97.80 %."""
        return f"{self.number(low)} {word} {self.number(high)}{self.unit}"

    def interval(self, summary: Summary) -> Interval | None:
        """Where one more run falls with 95 %, within what is possible: a share is at most 1, nothing is below 0."""
        interval = summary.next_mean()
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
    """Every figure of a trained and evaluated run."""
    figures = run.figures("train") | run.figures("evaluate")
    figures["worst_class"] = min(row["accuracy"] for row in figures["per_class"] if row["n"])
    return {metric: float(figures[metric]) for metric in FIGURES}


class SeedPlan(NamedTuple):
    """A recipe, its config for each seed to train it with, and what is claimed of it in place of what is reported."""

    path: Path
    recipe: Config
    runs: tuple[Config, ...]
    claims: tuple[ReportedNumber, ...] = ()


class SeedResults(NamedTuple):
    """The finished runs of a recipe and the values of each figure, in the order of the seeds; and what is claimed."""

    recipe: Config
    runs: tuple[Run, ...]
    values: dict[Metric, list[float]]
    claims: tuple[ReportedNumber, ...] = ()

    def summary(self, metric: Metric) -> Summary:
        """Number of runs, mean and standard deviation of one figure."""
        return Summary.of(self.values[metric])


def all_recipes() -> list[str]:
    """The shipped recipes that can be checked on MNIST: by a reported number or by a band of their own."""
    reported = [number.recipe for number in load_reported() if number.recipe]
    shipped = [load_config(name) for name in shipped_configs()]
    banded = [config.name for config in shipped if config.expected is not None and config.data.source == "mnist"]
    return list(dict.fromkeys([*reported, *banded]))


def plan_seeds(where: str, seeds: int | None = None) -> SeedPlan:
    """Plan the runs <name>-seed0, <name>-seed1, ...; by default as many as the recipe's band was measured with."""
    path = find_config(where)
    recipe = load_config(path)
    expected = recipe.expected.n if recipe.expected else None
    count = seeds or expected or _SEEDS[recipe.model.family]
    return SeedPlan(path, recipe, tuple(load_config(path, seed=seed) for seed in range(count)))


def train_plans(
    plans: Sequence[SeedPlan], engine: Engine | None, watcher: FleetWatcher
) -> tuple[list[SeedResults], list[str]]:
    """Train the planned runs that are not finished; gives each recipe's results, if any, and a line a failure."""
    names = [config.name for plan in plans for config in plan.runs]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ConfigError(f"two of these recipes would both write the run {min(twice)}: give one another `name`")
    missing = [config for plan in plans for config in plan.runs if not finished(config)]
    watcher.begin(len(names) - len(missing), len(names))
    failed = train_all(missing, engine=engine, watcher=watcher)
    failures = [f"{name} failed: {failure}" for name, failure in failed.items()]
    return all_results(plans), failures


def all_results(plans: Sequence[SeedPlan]) -> list[SeedResults]:
    """The results of each recipe that has any."""
    return [results for results in map(_results, plans) if results.runs]


def _results(plan: SeedPlan) -> SeedResults:
    runs = tuple(Run(artifacts() / config.name) for config in plan.runs if finished(config))
    figures = [figures_of(run) for run in runs]
    values = {metric: [each[metric] for each in figures] for metric in (figures[0] if figures else ())}
    return SeedResults(plan.recipe, runs, values, plan.claims)
