"""One run repeated from its folder alone, and two runs compared: config, environment, data, numbers and weights."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

from mnist_pipeline.config.recipes import shipped_configs
from mnist_pipeline.config.schema import Config
from mnist_pipeline.errors import RunError, TrainingError
from mnist_pipeline.fleet.pool import train_all
from mnist_pipeline.reproduction.seeds import figures_of
from mnist_pipeline.reproduction.verdicts import BandCheck, check_band
from mnist_pipeline.runs.opening import differences
from mnist_pipeline.runs.run import Run, artifacts
from mnist_pipeline.runs.shapes import NUMBERS
from mnist_pipeline.runs.watching import FleetWatcher

Likeness = Literal["same bits", "same within the band", "different"]


class Repetition(NamedTuple):
    """How the repetition of a run compares with the run."""

    likeness: Likeness
    differences: dict[str, list[str]]  # from the run to its repetition, under the heads of compare_runs
    checks: dict[str, list[BandCheck]]  # of both against the recipe's band; empty for the same bits, or without a band


def run_at(where: str) -> Run | None:
    """The run of this name, or whose folder or config.yaml is at this path; None for a recipe or anything else."""
    path = Path(where)
    if where.removesuffix(".yaml") in shipped_configs():
        return None
    if path.is_file() and path.name == "config.yaml" and (path.parent / "metrics.json").is_file():
        return Run(path.parent)
    found = next((run for run in (Run(path), Run(artifacts() / path)) if run.state != "new"), None)
    if found is None and path.is_dir():
        raise RunError(f"{path}: holds no run (there is no config.yaml in it)")
    return found


def repeat_run(run: Run, watcher: FleetWatcher) -> Repetition:
    """Train a run's config again, in a temporary folder, and compare."""
    run.require_trained()
    compared(run)  # what cannot be read is refused now, not after the training
    config = run.config()
    with trained_again(config, str(run.path), watcher) as repeated:
        found = compare_runs(run, repeated)
        if not found["weights"]:
            return Repetition("same bits", found, {})
        checks = {
            name: check_band(config, {metric: [value] for metric, value in figures_of(each).items()})
            for name, each in (("run", run), ("repeated", repeated))
        }
    met = [check.met for each in checks.values() for check in each]
    near = bool(met) and all(met) and not found["data"]
    return Repetition("same within the band" if near else "different", found, checks if met else {})


@contextmanager
def trained_again(config: Config, what: str, watcher: FleetWatcher) -> Iterator[Run]:
    """A run of this config, trained and evaluated in a folder that is there only for the block.

    The members of an ensemble are trained first, and then joined.
    """
    with tempfile.TemporaryDirectory(prefix="mnist-") as folder:
        watcher.begin(0, len(config.members) + 1)
        for configs in filter(None, (config.members, [config])):
            for failure in train_all(configs, folder=Path(folder), watcher=watcher).values():
                raise TrainingError(f"{what}: cannot be repeated: {failure}")
        yield Run(Path(folder) / config.name)


def compare_runs(ours: Run, theirs: Run) -> dict[str, list[str]]:
    """What differs, a line each, under the heads config, environment, data, numbers and weights."""
    left, right = compared(ours), compared(theirs)
    return {head: differences(left[head], right[head]) for head in left}


def compared(run: Run) -> dict[str, dict[str, Any]]:
    """What of a run is compared, under its heads; the numbers of the stages that the run has been through."""
    config, train = run.config().recipe(), run.figures("train")
    numbers = train | (run.figures("evaluate") if "evaluate" in run.metrics() else {})
    return {
        "config": config,
        "environment": {key: value for key, value in run.environment().items() if key != "data_sha256"},
        "data": {"data_sha256": train["data_sha256"]},
        "numbers": {name: numbers[name] for name in NUMBERS if name in numbers},
        "weights": {"weights_sha256": train["weights_sha256"]},
    }
