"""`python -m benchmarks.seconds`: seconds from the start of `mnist train` to 99.0, 99.2 and 99.4 % of the test images.

The recipe is trained for one epoch, for two, for three and for four, each a training of its own whose schedule ends
with it, in a fresh process of which all counts: its start, the data, the files it writes. A goal is reached by the
shortest training whose mean over the seeds is no lower. Seeds go round in turns, so that a busy moment hits all alike.
"""

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.commands import mnist_train, run

GOALS = (0.990, 0.992, 0.994)


class Trained(NamedTuple):
    """A training: the test accuracy, and the seconds of its whole process and of its epochs."""

    accuracy: float
    whole: float
    fit: float


def main() -> None:
    """Print a row for each number of epochs, then one for each goal."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.seconds", description=__doc__)
    parser.add_argument("--recipe", default="cnn-fast")
    parser.add_argument("--epochs", type=int, nargs="+", default=[1, 2, 3, 4])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--set", action="append", default=[], dest="settings", metavar="KEY=VALUE")
    options = parser.parse_args()
    found: dict[int, list[Trained]] = {epochs: [] for epochs in options.epochs}
    for seed in range(options.seeds):
        for epochs, trained in found.items():
            settings = [f"training.epochs={epochs}", f"training.seed={seed}", *options.settings]
            trained.append(_trained(options.recipe, settings))
            print(f"seed {seed}, epochs {epochs}: {trained[-1]}", file=sys.stderr, flush=True)
    print("\n".join(tables(found)))


def _trained(recipe: str, settings: Sequence[str]) -> Trained:
    with tempfile.TemporaryDirectory() as folder:
        figures = mnist_train(recipe, *settings).measure(Path(folder))
        words = [sys.executable, "-P", "-m", "mnist_pipeline", "evaluate", recipe, "--json"]
        accuracy = json.loads(run(words, {"MNIST_ARTIFACTS": folder}).output)["test_accuracy"]
    return Trained(accuracy, figures["whole"], figures["fit"])


def tables(found: dict[int, list[Trained]]) -> list[str]:
    """Both tables in Markdown: what each number of epochs gives, and what reaches each goal first."""
    lines = ["| epochs | n | test accuracy | whole process | of it the epochs |", f"|{' --- |' * 5}"]
    for epochs, runs in found.items():
        accuracy, whole, fit = ([getattr(each, name) for each in runs] for name in Trained._fields)
        lines.append(
            f"| {epochs} | {len(runs)} | {100 * statistics.fmean(accuracy):.2f} ± {100 * _spread(accuracy):.2f} % "
            f"| {statistics.fmean(whole):.1f} ± {_spread(whole):.1f} s | {statistics.fmean(fit):.1f} s |"
        )
    return [*lines, "", "| in the mean | seconds |", f"|{' --- |' * 2}", *(_reached(goal, found) for goal in GOALS)]


def _reached(goal: float, found: dict[int, list[Trained]]) -> str:
    enough = [runs for runs in found.values() if statistics.fmean(each.accuracy for each in runs) >= goal]
    means = [statistics.fmean(each.whole for each in runs) for runs in enough]
    return f"| {100 * goal:.1f} % | {f'{min(means):.1f}' if means else 'not reached'} |"


def _spread(values: Sequence[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else 0.0


if __name__ == "__main__":
    main()
