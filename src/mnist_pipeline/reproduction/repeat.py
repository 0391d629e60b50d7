"""One run repeated from its folder alone, and two runs compared: config, environment, data, numbers and weights."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mnist_pipeline.config import Config, load_config, shipped_configs
from mnist_pipeline.errors import RunError, TrainingError
from mnist_pipeline.fleet import train_all
from mnist_pipeline.reproduction.seeds import figures_of
from mnist_pipeline.reproduction.verdicts import BandCheck, check_band
from mnist_pipeline.runs.run import Run, artifacts, differences
from mnist_pipeline.runs.watching import FleetWatcher

Likeness = Literal["same bits", "same within the band", "different"]


@dataclass(frozen=True)
class Repetition:
    """How the repetition of a run compares with the run."""

    likeness: Likeness
    differences: dict[str, list[str]]
    """From the run to its repetition, under the heads of compare_runs."""
    checks: dict[str, list[BandCheck]]
    """The run and its repetition against the recipe's band; empty when the bits are the same or there is no band."""


def run_at(where: str) -> Run | None:
    """The run of this name, or whose folder or config.yaml is at this path; None for a recipe or anything else."""
    path = Path(where)
    if where.removesuffix(".yaml") in shipped_configs():
        return None
    if path.is_file() and path.name == "config.yaml" and (path.parent / "metrics.json").is_file():
        return Run(path.parent)
    named = Run(artifacts() / path)
    if path.is_dir() or (len(path.parts) == 1 and named.state != "new"):
        run = Run(path) if Run(path).state != "new" else named
        if run.state == "new":
            raise RunError(f"{path}: holds no run (there is no config.yaml in it)")
        return run
    return None


def repeat_run(run: Run, watcher: FleetWatcher | None = None) -> Repetition:
    """Train a run's config again, in a temporary folder, and compare."""
    run.require_trained()
    config, weights = run.config(), run.figures("train")["weights_sha256"]
    run.environment()  # refused now if it cannot be read, not after the training
    watcher = watcher or FleetWatcher()
    with tempfile.TemporaryDirectory(prefix="mnist-") as folder:
        watcher.begin(0, 1)
        (outcome,) = train_all([config], folder=Path(folder), watcher=watcher)
        if outcome.failure:
            raise TrainingError(f"{run.path}: cannot be repeated: {outcome.failure}")
        found = compare_runs(run, outcome.run)
        if outcome.run.figures("train")["weights_sha256"] == weights:
            return Repetition("same bits", found, {})
        recipe = _with_band(config)
        checks = {name: _check(recipe, each) for name, each in (("run", run), ("repeated", outcome.run))}
    met = [check.met for each in checks.values() for check in each]
    near = bool(met) and all(met) and not found["data"]
    return Repetition("same within the band" if near else "different", found, checks if met else {})


def _with_band(config: Config) -> Config:
    """The config if it has a band, or else a shipped recipe with a band that differs from it only in seed and words."""
    if config.expected and config.expected.n:
        return config
    for path in shipped_configs().values():
        shipped = load_config(path, {"training.seed": config.training.seed})
        if shipped.recipe() == config.recipe() and shipped.expected and shipped.expected.n:
            return shipped
    return config


def _check(recipe: Config, run: Run) -> list[BandCheck]:
    return check_band(recipe, {metric: [value] for metric, value in figures_of(run).items()})


_NUMBERS = {
    "train": ("epochs", "best_epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy"),
    "evaluate": ("test_accuracy", "test_loss"),
}


def compare_runs(ours: Run, theirs: Run) -> dict[str, list[str]]:
    """What differs, a line each, under the heads config, environment, data, numbers and weights."""
    return {
        "config": differences(ours.config().recipe(), theirs.config().recipe()),
        "environment": differences(_machine_and_software(ours), _machine_and_software(theirs)),
        "data": _differing(ours, theirs, "data_sha256"),
        "numbers": differences(_numbers(ours), _numbers(theirs)),
        "weights": _differing(ours, theirs, "weights_sha256"),
    }


def _machine_and_software(run: Run) -> dict[str, Any]:
    return {key: value for key, value in run.environment().items() if key != "data_sha256"}  # data has its own head


def _differing(ours: Run, theirs: Run, name: str) -> list[str]:
    return differences({name: ours.figures("train").get(name)}, {name: theirs.figures("train").get(name)})


def _numbers(run: Run) -> dict[str, Any]:
    """The numbers to compare, from the stages that the run has been through."""
    stages = {stage: run.figures(stage) for stage in _NUMBERS if stage in run.metrics()}
    return {name: numbers.get(name) for stage, numbers in stages.items() for name in _NUMBERS[stage]}
