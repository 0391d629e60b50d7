"""A recipe over many seeds: which runs that needs, trained by the fleet, and the figures they gave."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mnist_pipeline.config import Config, find_config, load_config, shipped_configs
from mnist_pipeline.config.reported import Metric, load_reports
from mnist_pipeline.errors import ConfigError
from mnist_pipeline.fleet import Outcome, finished, train_all
from mnist_pipeline.reproduction.figures import figures_of
from mnist_pipeline.runs.run import Run, artifacts
from mnist_pipeline.runs.watching import FleetWatcher
from mnist_pipeline.statistics import Summary

_SEEDS = {"dense": 20, "cnn": 5}  # where no band says with how many it was measured


@dataclass(frozen=True)
class Plan:
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


def plan(where: str, seeds: int | None = None) -> Plan:
    """The runs <name>-seed0, <name>-seed1, ...; by default as many as the recipe's band was measured with."""
    path = find_config(where)
    recipe = load_config(path)
    expected = recipe.expected.n if recipe.expected else None
    count = seeds or expected or _SEEDS[recipe.model.family]
    configs = tuple(load_config(path, seed=seed) for seed in range(count))
    return Plan(path, recipe, configs)


def all_recipes() -> list[str]:
    """The shipped recipes that have something to be held against: a reported number or a band."""
    reported = [report.recipe for report in load_reports() if report.recipe]
    banded = [name for name in shipped_configs() if load_config(name).expected is not None]
    return list(dict.fromkeys([*reported, *banded]))


def measure(
    plans: Sequence[Plan], workers: int | None = None, watcher: FleetWatcher | None = None
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


def measured_of(plan: Plan) -> Measured:
    """The figures of those of its runs that are finished."""
    runs = tuple(Run(artifacts() / config.name) for config in plan.runs if finished(config))
    figures = [figures_of(run) for run in runs]
    return Measured(
        plan.recipe, runs, {metric: [each[metric] for each in figures] for metric in (figures[0] if figures else ())}
    )
