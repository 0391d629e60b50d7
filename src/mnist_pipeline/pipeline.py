"""The story: train, evaluate, report; from a config to a folder with a model, its numbers and pictures.

Whatever can be refused is refused here, in milliseconds; TensorFlow and matplotlib load once a stage begins.
"""

from pathlib import Path
from typing import Any

from mnist_pipeline import runs
from mnist_pipeline.config import Config, load_config
from mnist_pipeline.provenance import environment
from mnist_pipeline.runs import Run, open_run
from mnist_pipeline.watching import Watcher
from mnist_pipeline.xla_flags import set_flags


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


def report(where: str | Path | Run | None = None) -> Path:
    """Write an evaluated run's page; gives its path."""
    run = open_run(where)
    from mnist_pipeline.report import write_report

    return write_report(run)


def numbers(run: Run, stage: str) -> dict[str, Any]:
    """The numbers that one stage wrote, under the name of the run they belong to."""
    return {"run": str(run.path), "name": run.name, **run.metrics()[stage]}
