"""Two runs side by side: config, environment, data, numbers and weights, and what differs."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mnist_pipeline.config import Config, load_config, shipped_configs
from mnist_pipeline.errors import RunError, TrainingError
from mnist_pipeline.fleet.pool import train_all
from mnist_pipeline.reproduction.reported import Metric
from mnist_pipeline.reproduction.seeds import figures_of
from mnist_pipeline.reproduction.verdicts import BandCheck, check_band
from mnist_pipeline.runs.opening import differences
from mnist_pipeline.runs.run import Run, artifacts
from mnist_pipeline.runs.watching import FleetWatcher

# What is told apart from the rest, or differs between any two runs and says nothing.
_NOT_ENVIRONMENT = {"data_sha256"}
_NUMBERS = {
    "train": ("epochs", "best_epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy"),
    "evaluate": ("test_accuracy", "test_loss"),
}


def compare(ours: Run, theirs: Run) -> dict[str, list[str]]:
    """What differs, a line each, under the five heads; an empty list where nothing does."""
    return {
        "config": differences(ours.config().recipe(), theirs.config().recipe()),
        "environment": differences(surroundings(ours.environment()), surroundings(theirs.environment())),
        "data": _differing(ours, theirs, "data_sha256"),
        "numbers": differences(_numbers(ours), _numbers(theirs)),
        "weights": _differing(ours, theirs, "weights_sha256"),
    }


def surroundings(environment: dict[str, Any]) -> dict[str, Any]:
    """The part of environment.json that is about machine and software."""
    return {key: value for key, value in environment.items() if key not in _NOT_ENVIRONMENT}


def _differing(ours: Run, theirs: Run, name: str) -> list[str]:
    return differences({name: ours.figures("train").get(name)}, {name: theirs.figures("train").get(name)})


def _numbers(run: Run) -> dict[str, Any]:
    """Those of the stages that the run has."""
    stages = {stage: run.figures(stage) for stage in _NUMBERS if stage in run.metrics()}
    return {name: numbers.get(name) for stage, numbers in stages.items() for name in _NUMBERS[stage]}


Likeness = Literal["same bits", "same within the band", "different"]


@dataclass(frozen=True)
class Repeated:
    """How a repetition compares with the run that it repeats."""

    likeness: Likeness
    differences: dict[str, list[str]]
    """As `mnist runs diff` has them: from the run to its repetition."""
    checks: dict[str, list[BandCheck]]
    """The run and its repetition against the recipe's band; empty when the bits are the same or there is none."""


def repeat(run: Run, watcher: FleetWatcher | None = None) -> Repeated:
    """Train its config again in a folder that is gone afterwards."""
    run.require_trained()
    config, weights = run.config(), run.figures("train")["weights_sha256"]
    run.environment()
    watcher = watcher or FleetWatcher()
    with tempfile.TemporaryDirectory(prefix="mnist-") as folder:
        watcher.begin(0, 1)
        (outcome,) = train_all([config], folder=Path(folder), watcher=watcher)
        if outcome.failure:
            raise TrainingError(f"{run.path}: cannot be repeated: {outcome.failure}")
        found = compare(run, outcome.run)
        if outcome.run.figures("train")["weights_sha256"] == weights:
            return Repeated("same bits", found, {})
        recipe = _with_band(config)
        checks = {name: check_band(recipe, _figures(each)) for name, each in (("run", run), ("repeated", outcome.run))}
    met = [check.met for each in checks.values() for check in each]
    near = bool(met) and all(met) and not found["data"]
    return Repeated("same within the band" if near else "different", found, checks if met else {})


def _figures(run: Run) -> dict[Metric, list[float]]:
    return {metric: [value] for metric, value in figures_of(run).items()}


def _with_band(config: Config) -> Config:
    """The config itself, or the shipped recipe that differs from it in nothing but seed and words."""
    if config.expected and config.expected.n:
        return config
    for path in shipped_configs().values():
        shipped = load_config(path, {"training.seed": config.training.seed})
        if shipped.recipe() == config.recipe() and shipped.expected and shipped.expected.n:
            return shipped
    return config


def run_at(where: str) -> Run | None:
    """The run of this name, or whose folder or config.yaml is at this path; None when it is something else."""
    path = Path(where)
    if path.is_file() and path.name == "config.yaml" and (path.parent / "metrics.json").is_file():
        return Run(path.parent)
    named = Run(artifacts() / path)
    if path.is_dir() or (len(path.parts) == 1 and named.state != "new"):
        run = Run(path) if Run(path).state != "new" else named
        if run.state == "new":
            raise RunError(f"{path}: holds no run (there is no config.yaml in it)")
        return run
    return None
