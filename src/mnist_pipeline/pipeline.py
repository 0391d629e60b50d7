"""The story: load, build, fit, evaluate, report, export; from a config to a run folder.

Whatever can be refused is refused here, in milliseconds; TensorFlow and matplotlib load once a stage begins.
"""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnist_pipeline.config import Config, load_config
from mnist_pipeline.exports.forms import FORMS, missing, select_forms, unchanged
from mnist_pipeline.runs.provenance import environment, flags
from mnist_pipeline.runs.run import Run, artifacts, begin, claimed, open_run, opened, same_recipe
from mnist_pipeline.runs.watching import Watcher
from mnist_pipeline.training.xla_flags import set_flags

if TYPE_CHECKING:
    from mnist_pipeline.data import Part
    from mnist_pipeline.prediction.runtimes import RuntimeName


def train(config: Config | str | Path, *, force: bool = False, watcher: Watcher | None = None) -> dict[str, Any]:
    """Train the config's run, or go on with it, or say that it is done; gives the numbers of the training."""
    if not isinstance(config, Config):
        config = load_config(config)
    watcher = watcher or Watcher()
    run = Run(artifacts() / config.name)
    # Whatever can refuse is asked before a folder is taken, or a trained run taken away.
    part = None if _trained(run, force) else _training_images(config)
    with claimed(config.name):
        if _trained(run, force):
            same_recipe(run, config)
            run.figures("train")
            watcher.note(f"{run.path} is trained with this config already; nothing done (--force trains it again)")
        else:
            _train(config, part or _training_images(config), force, watcher)
    return numbers(run, "train")


def _trained(run: Run, force: bool) -> bool:
    return run.state == "trained" and not force


def _training_images(config: Config) -> "Part":
    from mnist_pipeline.data import load_part, validation_indices

    part = load_part(config.data.source, "train")
    validation_indices(part.labels, config.data.validation, config.data.split_seed)  # refuses a share of none
    return part


def _train(config: Config, part: "Part", force: bool, watcher: Watcher) -> None:
    """Train under the flags that the config wants, in a folder that is held."""
    tempfile.gettempdir()  # Keras saves through it: refused now, not after the last epoch, where there is none
    set_flags(config.training.numerics)
    made_with = environment(config.training.threads) | {"flags": flags(), "data_sha256": part.sha256}
    run = begin(config, made_with, force=force)
    for change in run.environment().get("changed", []):
        watcher.note(f"changed since this training began: {change}")
    from mnist_pipeline.training.train import train_run

    train_run(run, config, part, watcher)


def evaluate(where: str | Path | Run | None = None, *, pictures: bool = True) -> dict[str, Any]:
    """Judge a trained run, by default the last one, on the test images; gives the numbers."""
    with opened(where) as run:
        from mnist_pipeline.evaluation.evaluate import evaluate_run

        evaluate_run(run, pictures)
        return numbers(run, "evaluate")


def evaluate_file(path: str | Path, runtime: "RuntimeName | None" = None) -> dict[str, Any]:
    """Judge an exported file on MNIST's test images, without TensorFlow; gives the numbers."""
    from mnist_pipeline.evaluation.metrics import evaluate_file as judged

    return judged(Path(path), runtime)


def export(
    where: str | Path | Run | None = None,
    forms: Iterable[str] = ("all",),
    *,
    with_scaling: bool = False,
    watcher: Watcher | None = None,
) -> dict[str, Any]:
    """Write a trained run, by default the last one, in forms that leave the framework, each checked; gives the card."""
    wanted = select_forms(forms, with_scaling)
    with opened(where) as run:
        from mnist_pipeline.exports.export import export_run

        export_run(run, wanted, watcher or Watcher())
        return {"run": str(run.path), **run.export_card()}


def bench(where: str | Path | Run | None = None, *, watcher: Watcher | None = None) -> dict[str, Any]:
    """Measure every form of a trained run, by default the last one; those not exported yet are exported first."""
    run, watcher = open_run(where), watcher or Watcher()
    from mnist_pipeline.exports.bench import measure_run

    there = unchanged(run.export_card().get("forms", {}), run.exports)
    wanted = [name for name, form in FORMS.items() if name not in there and not missing(form)]
    if wanted:
        export(run, wanted, watcher=watcher)
    return {"run": str(run.path), "name": run.name, **measure_run(run, watcher)}


def report(where: str | Path | Run | None = None) -> Path:
    """Write an evaluated run's page; gives its path."""
    with opened(where) as run:
        from mnist_pipeline.evaluation.page import write_page

        return write_page(run)


def numbers(run: Run, stage: str) -> dict[str, Any]:
    """The numbers that one stage wrote, under the name of the run they belong to."""
    return {"run": str(run.path), "name": run.name, **run.figures(stage)}
