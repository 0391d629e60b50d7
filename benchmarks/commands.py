"""The two kinds of commands that are compared, and the figures that are read from a run of each."""

import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

from benchmarks.processes import Outcome, run

Figures = dict[str, float]


@dataclass(frozen=True)
class Variant:
    """A command as it stands in the results, and what runs it in an empty folder and reads its figures."""

    command: str
    measure: Callable[[Path], Figures]


def plain(script: str, *words: str) -> Variant:
    """One of the scripts here that train with plain Keras and say in their last line what it took."""

    def measure(folder: Path) -> Figures:
        outcome = run([sys.executable, "-m", f"benchmarks.{script}", str(folder), *words])
        said = json.loads(outcome.output.splitlines()[-1])
        # Training here does not evaluate, so its whole process is compared with the script's without that.
        trained = {"training": outcome.seconds - said["evaluate"], "fit": said["fit"], "epoch": later(said["epochs"])}
        return _process(outcome) | trained

    return Variant(" ".join(["python -m", f"benchmarks.{script}", "FOLDER", *words]), measure)


def plain_predict(model: Path, picture: str) -> Variant:
    """The script that reads a picture with plain Keras."""
    words = (sys.executable, "-m", "benchmarks.plain_predict", str(model), picture)
    return Variant(f"python -m benchmarks.plain_predict {model.name} {picture}", lambda _: _process(run(words)))


def mnist_train(config: str, *settings: str) -> Variant:
    """`mnist train`."""
    words = ["train", "--config", config, *(word for setting in settings for word in ("--set", setting))]

    def measure(folder: Path) -> Figures:
        outcome = _mnist(folder, *words, "--json")
        fit = json.loads(outcome.output)["train_seconds"]
        ends = epoch_ends(outcome.notes)
        later_epochs = [end - start for start, end in pairwise(ends)]
        return _process(outcome) | {
            "training": outcome.seconds,
            "fit": fit,
            "epoch": later([fit - sum(later_epochs), *later_epochs]),
            "after": outcome.seconds - ends[-1],
        }

    return Variant(" ".join(["mnist", *words]), measure)


def mnist_predict(folder: Path, count: int, trained: str | Path) -> Variant:
    """`mnist predict` over a folder of so many pictures; the whole process counts."""
    words = ("predict", str(folder), "--json", "--run", str(trained))

    def measure(work: Path) -> Figures:
        outcome = _mnist(work, *words)
        assert outcome.output.count("\n") == count
        return _process(outcome) | {"rate": count / outcome.seconds}

    return Variant(f"mnist predict {folder.name}/ --json --run {Path(trained).name}", measure)


def many(folder: Path, trained: str | Path, runtime: str) -> Variant:
    """The same pictures through a runtime of our choice, without the command line around it."""
    words = (sys.executable, "-m", "benchmarks.many", str(folder), str(trained), runtime)

    def measure(_: Path) -> Figures:
        outcome = run(words)
        return _process(outcome) | {"rate": json.loads(outcome.output)["rate"]}

    return Variant(f"python -m benchmarks.many {folder.name}/ {Path(trained).name} {runtime}", measure)


def mnist(*words: str) -> Variant:
    """Any other verb, of which only the process is measured."""
    shown = (Path(word).name if Path(word).is_absolute() else word for word in words)
    return Variant(" ".join(["mnist", *shown]), lambda folder: _process(_mnist(folder, *words)))


def epoch_ends(notes: list[tuple[float, str]]) -> list[float]:
    """When `mnist train` said that an epoch was done."""
    return [seconds for seconds, line in notes if re.match(r"epoch +\d+/", line)]


def later(epochs: list[float]) -> float:
    """A usual epoch: not the first, in which there is tracing and compiling, unless it is the only one."""
    return median(epochs[1:] or epochs)


def _mnist(folder: Path, *words: str) -> Outcome:
    return run([sys.executable, "-m", "mnist_pipeline", *words], {"MNIST_ARTIFACTS": str(folder)})


def _process(outcome: Outcome) -> Figures:
    return {"whole": outcome.seconds, "processor": outcome.processor_seconds, "peak": outcome.peak_gb}
