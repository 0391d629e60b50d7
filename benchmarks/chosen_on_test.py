"""`python -m benchmarks.chosen_on_test dense`: what an epoch and a seed are worth that are chosen on the test images.

Each recipe is trained over seeds as `mnist train` does it, and every epoch's weights are tried on the 10,000 test
images. The epoch and the seed that are best there are no result, and nothing else looks at them: the table shows how
much better they look than what the recipe gives honestly.
"""

import argparse
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.config.schema import Config
from mnist_pipeline.data import load_part, validation_indices
from mnist_pipeline.runs.watching import Watcher
from mnist_pipeline.training.checkpoints import Checkpoints, TrainingState
from mnist_pipeline.training.material import gather
from mnist_pipeline.training.xla_flags import set_flags

HEAD = ("recipe", "n", "honest", "best epoch of each seed", "best epoch of the best seed", "chosen, it looks better by")


def main() -> None:
    """Print one row for each recipe."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chosen_on_test", description=__doc__)
    parser.add_argument("recipes", nargs="+", help="recipes, or files of yours")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    print(_line(HEAD), _line(["---"] * len(HEAD)), sep="\n", flush=True)
    for recipe in options.recipes:
        seeds = [tried(load_config(recipe, seed=seed)) for seed in range(options.seeds)]
        print(_line(row(load_config(recipe).name, seeds)), flush=True)


class EveryEpoch(Checkpoints):
    """The weights with which each epoch would answer, in memory and in the place of files."""

    def __init__(self) -> None:
        super().__init__(Path())
        self.epochs: list[list[NDArray[np.float32]]] = []

    def save(self, state: TrainingState) -> None:
        """Keep the weights, or their average where the recipe averages them."""
        self.epochs.append(state.average or state.weights)

    def latest(self, note: Callable[[str], object]) -> None:
        """Begin anew."""


def tried(config: Config) -> tuple[float, list[float]]:
    """The test accuracy of the weights that a training gave, and of every epoch's."""
    set_flags(config.training.numerics)
    from mnist_pipeline.training import backend, scoring
    from mnist_pipeline.training.fit import fit
    from mnist_pipeline.training.train import split

    backend.start(config.training.threads)
    material, store = gather(config, print), EveryEpoch()
    rows = validation_indices(material.images.labels, config.data.validation, config.data.split_seed)
    training, validation = split(material.images, rows)
    fitted = fit(config, training, validation, store, Watcher(), material.start)
    test = load_part(config.data.source, "test", config.data.classes, transposed=config.data.transposed)

    def accuracy() -> float:
        outputs, _ = scoring.outputs(fitted.model, config, test)
        return float((outputs.argmax(axis=1) == test.labels).mean())

    honest, epochs = accuracy(), []
    for weights in store.epochs:
        fitted.model.set_weights(weights)
        epochs.append(accuracy())
    return honest, epochs


def row(name: str, seeds: list[tuple[float, list[float]]]) -> list[str]:
    """The cells of a recipe: its honest mean, and what was chosen with the test images."""
    honest, best = [each for each, _ in seeds], [max(epochs) for _, epochs in seeds]
    mean = statistics.fmean(honest)
    spread = f"{100 * mean:.2f} ± {100 * statistics.stdev(honest):.2f} %" if len(seeds) > 1 else f"{mean:.2%}"
    return [
        name, f"{len(seeds)}", spread, f"{100 * statistics.fmean(best):.2f} %", f"{100 * max(best):.2f} %",
        f"{100 * (max(best) - mean):.2f} points",
    ]  # fmt: skip


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
