"""What ensembles of k of n runs are worth in the mean: subsets are drawn, and their members' probabilities averaged.

No ensemble is written: each run answers for the test images once, from its ONNX file.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.data import Part, load_part, validation_indices
from mnist_pipeline.errors import MnistError
from mnist_pipeline.prediction.foreign import vet
from mnist_pipeline.prediction.runtimes import open_runtime, probabilities
from mnist_pipeline.reproduction.seeds import Summary
from mnist_pipeline.runs.run import Run
from mnist_pipeline.runs.watching import Note

_Probabilities = NDArray[np.float64]
_Answering = Callable[[Part], _Probabilities]


class Draws(NamedTuple):
    """The accuracies of runs by themselves, and of each ensemble that was drawn; of validation images where shared."""

    runs: list[str]
    drawn: list[tuple[int, ...]]  # numbers of runs
    accuracies: dict[str, tuple[list[float], list[float]]]  # of test or validation images: of each run, of each draw

    def summaries(self, images: str) -> tuple[Summary, Summary]:
        """Mean and standard deviation over the runs, and over the draws."""
        alone, together = self.accuracies[images]
        return Summary.of(alone), Summary.of(together)

    def tree(self) -> dict[str, Any]:
        """Everything as plain values for JSON."""
        found: dict[str, Any] = {"runs": self.runs, "of": len(self.drawn[0])}
        for images, (alone, together) in self.accuracies.items():
            single, ensemble = (summary._asdict() for summary in self.summaries(images))
            found[images] = {
                "single": {**single, "values": alone}, "ensemble": {**ensemble, "values": together},
            }  # fmt: skip
        return found | {"draws": [[self.runs[number] for number in members] for members in self.drawn]}


def draw(runs: Sequence[Run], of: int, count: int, note: Note) -> Draws:
    """Draw so many different ensembles of `of` of these runs, always the same ones, and measure each."""
    drawn = subsets(len(runs), of, count)
    parts = _parts(runs[0], shared=all(run.config().data == runs[0].config().data for run in runs))
    found: dict[str, list[_Probabilities]] = {images: [] for images in parts}
    for run in runs:
        note(f"{run.path}: answering")
        ask = _answering(run)
        for images, part in parts.items():
            found[images].append(ask(part))
    accuracies = {}
    for images, part in parts.items():
        each = found[images]
        together = [_accuracy(np.mean([each[number] for number in members], axis=0), part) for members in drawn]
        accuracies[images] = ([_accuracy(answers, part) for answers in each], together)
    return Draws([run.name for run in runs], drawn, accuracies)


def subsets(n: int, of: int, count: int) -> list[tuple[int, ...]]:
    """So many different choices of `of` among n, by chance, and the same ones every time."""
    if not 1 < of < n:
        raise MnistError(f"--of {of}: draw at least 2 members, and fewer than the {n} runs, or all draws are the same")
    if count > math.comb(n, of):
        raise MnistError(f"--draws {count}: {of} of {n} runs can be chosen in {math.comb(n, of)} ways: use as many")
    random, found = np.random.default_rng(0), dict[tuple[int, ...], None]()
    while len(found) < count:
        found[tuple(sorted(random.choice(n, of, replace=False).tolist()))] = None
    return list(found)


def _parts(run: Run, *, shared: bool) -> dict[str, Part]:
    """The test images, and where all runs kept the same images from training, those."""
    data, parts = run.config().data, {}
    if shared and data.validation:
        train = load_part(data.source, "train", run.classes, transposed=data.transposed)
        rows = validation_indices(train.labels, data.validation, data.split_seed)
        parts["validation"] = Part(train.images[rows], train.labels[rows], train.classes)
    return {**parts, "test": load_part(data.source, "test", run.classes, transposed=data.transposed)}


def _answering(run: Run) -> _Answering:
    vet(run.onnx_file, "quickest")
    runtime, output = open_runtime(run.onnx_file, "quickest", classes=run.classes), run.scores().output
    return lambda part: probabilities(runtime, part.images, output).astype(np.float64)


def _accuracy(answers: _Probabilities, part: Part) -> float:
    return float((answers.argmax(axis=1) == part.labels).mean())
