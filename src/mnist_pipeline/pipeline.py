"""The story: train, evaluate, report; from a config to a folder with a model, its numbers and pictures.

Whatever can be refused is refused here, in milliseconds; TensorFlow and matplotlib load once a stage begins.
"""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnist_pipeline import runs
from mnist_pipeline.config import Config, load_config
from mnist_pipeline.exports.card import still_there
from mnist_pipeline.exports.forms import chosen, makeable
from mnist_pipeline.provenance import environment
from mnist_pipeline.runs import Run, open_run
from mnist_pipeline.watching import Watcher
from mnist_pipeline.xla_flags import set_flags

if TYPE_CHECKING:
    from mnist_pipeline.runtimes import Name


def train(config: Config | str | Path, *, force: bool = False, watcher: Watcher | None = None) -> dict[str, Any]:
    """Train the config's run, or go on with it, or say that it is done; gives the numbers of the training."""
    if not isinstance(config, Config):
        config = load_config(config)
    watcher = watcher or Watcher()
    with runs.claimed(config.name):
        run = runs.begin(config, environment(config.training.threads), force=force)
        if run.state == "trained":
            watcher.note(f"{run.path} is trained with this config already; nothing done (--force trains it again)")
        else:
            tempfile.gettempdir()  # Keras saves through it: refused now, not after the last epoch, where there is none
            set_flags(config.training.numerics)
            from mnist_pipeline.stages.train import train_run

            train_run(run, config, watcher)
    return numbers(run, "train")


def evaluate(where: str | Path | Run | None = None, *, pictures: bool = True) -> dict[str, Any]:
    """Judge a trained run, by default the last one, on the test images; gives the numbers."""
    run = open_run(where)
    from mnist_pipeline.stages.evaluate import evaluate_run

    evaluate_run(run, pictures)
    return numbers(run, "evaluate")


def evaluate_file(path: str | Path, runtime: "Name | None" = None) -> dict[str, Any]:
    """Judge an exported file on MNIST's test images, without TensorFlow; gives the numbers."""
    from mnist_pipeline.stages.evaluate_file import evaluate_file as judged

    return judged(Path(path), runtime)


def export(
    where: str | Path | Run | None = None,
    forms: Iterable[str] = ("all",),
    *,
    with_scaling: bool = False,
    watcher: Watcher | None = None,
) -> dict[str, Any]:
    """Write a trained run, by default the last one, in forms that leave the framework, each checked; gives the card."""
    run = open_run(where)
    wanted = chosen(forms, with_scaling)
    from mnist_pipeline.stages.export import export_run

    with runs.claimed(run.path.resolve()):
        export_run(run, wanted, watcher or Watcher())
    return {"run": str(run.path), **run.export_card()}


def bench(where: str | Path | Run | None = None, *, watcher: Watcher | None = None) -> dict[str, Any]:
    """Measure every form of a trained run, by default the last one; those not exported yet are exported first."""
    run, watcher = open_run(where), watcher or Watcher()
    from mnist_pipeline.benching.measuring import measure_run

    there = still_there(run.export_card().get("forms", {}), run.exports)
    wanted = [form.name for form in makeable() if form.name not in there]
    if wanted:
        export(run, wanted, watcher=watcher)
    return {"run": str(run.path), "name": run.name, **measure_run(run, watcher)}


def report(where: str | Path | Run | None = None) -> Path:
    """Write an evaluated run's page; gives its path."""
    run = open_run(where)
    from mnist_pipeline.report import write_report

    return write_report(run)


def numbers(run: Run, stage: str) -> dict[str, Any]:
    """The numbers that one stage wrote, under the name of the run they belong to."""
    return {"run": str(run.path), "name": run.name, **run.metrics()[stage]}
