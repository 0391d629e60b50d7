"""Trains many configs at once: each a task for an engine, whose process is this module run by itself.

The process reads a config as JSON from stdin, prints what it has done as JSON, a line an epoch or more, and leaves the
result in the run folder.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from mnist_pipeline import pipeline
from mnist_pipeline.config.schema import Config
from mnist_pipeline.errors import MnistError
from mnist_pipeline.fleet.engine import Engine, Event, LocalEngine, Task, run_all
from mnist_pipeline.process import cores
from mnist_pipeline.runs.opening import same_recipe
from mnist_pipeline.runs.run import Run, artifacts
from mnist_pipeline.runs.watching import FleetWatcher, Watcher


def finished(config: Config) -> bool:
    """True when the config's run is trained and evaluated; a run of another recipe in its place is refused."""
    run = Run(artifacts() / config.name)
    if run.state == "new":
        return False
    same_recipe(run, config)
    return run.state == "trained" and "evaluate" in run.metrics()


def workers_for(configs: Iterable[Config]) -> int:
    """The number of processes that keep the cores busy with the threads that each training is allowed."""
    return max(1, cores() // max((config.training.threads for config in configs), default=1))


def engine_for(address: str | None, workers: int | None) -> Engine | None:
    """The Ray cluster at an address, or so many processes here; None for as many as the cores can carry."""
    if address and workers:
        raise MnistError("--workers is for trainings here; with --ray the cluster has as many as it has CPUs")
    if address:
        from mnist_pipeline.fleet.cluster import RayEngine

        return RayEngine(address)
    return LocalEngine(workers) if workers else None


def train_all(
    configs: Sequence[Config], *, watcher: FleetWatcher, engine: Engine | None = None, folder: Path | None = None
) -> dict[str, str]:
    """Train and evaluate every config that is not finished, in the artifacts folder or another one.

    Gives the names of those without a result, and why in a line; a failed training is tried once more and takes no
    other with it. An interruption ends all, and the same call goes on. By default as many are trained at a time as
    the cores can carry.
    """
    failures: dict[str, str] = {}

    def hear(event: Event) -> None:
        if not event.ended:
            watcher.share(event.task.name, float(event.told["share"]))
            return
        if event.failure:
            failures[event.task.name] = event.failure
        watcher.end(event.task.name, event.failure)

    tasks = (task_of(config, folder or artifacts()) for config in configs)
    run_all(
        tasks, engine or LocalEngine(workers_for(configs)), hear,
        lambda event: watcher.again(event.task.name, event.failure or ""),
    )  # fmt: skip
    return {config.name: failures[config.name] for config in configs if config.name in failures}


def task_of(config: Config, around: Path, *, test: bool = True) -> Task:
    """The training of a config as a task; with `test`, it is also evaluated on the test images."""
    words = json.dumps({"config": config.tree(), "test": test})
    alone = f"mnist train --config RECIPE --seed {config.training.seed}"
    return Task(config.name, words, around, config.training.threads, alone)


def main() -> int:
    """Train and evaluate, each unless it is done, without pictures; an expected failure is one line on stderr."""
    try:
        task = json.loads(sys.stdin.buffer.read())
        config = Config.of(task["config"])
        run = Run(artifacts() / config.name)
        pipeline.train(config, one_of_many=True, watcher=_telling(config.training.epochs))
        if task["test"] and "evaluate" not in run.metrics():
            pipeline.evaluate(run, pictures=False)
    except MnistError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


def _telling(epochs: int) -> Watcher:
    """Callbacks that print the share of the work that is done; early stopping may end before the last epoch."""
    done = 0

    def progress(share: float, figures: dict[str, float] | None = None) -> None:
        line = {"share": round((done + share) / epochs, 4)} | ({"epoch": done, "figures": figures} if figures else {})
        print(json.dumps(line), flush=True)  # noqa: T201 - the engine reads it

    def epoch(number: int, figures: dict[str, float]) -> None:
        nonlocal done
        done = number
        progress(0, figures)

    return Watcher(progress=progress, epoch=epoch)


if __name__ == "__main__":
    sys.exit(main())
