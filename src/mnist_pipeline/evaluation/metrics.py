"""The metrics of a classifier from its probabilities and the true labels, without TensorFlow.

The confusion matrix holds a row for each true class and a column for each answer; all counts are taken from it.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.data import Part, load_part
from mnist_pipeline.numerals import DIGITS, digit_of
from mnist_pipeline.prediction.foreign import vet
from mnist_pipeline.prediction.predictor import classes_of, home_of
from mnist_pipeline.prediction.runtimes import RuntimeName, open_runtime, output_of, probabilities
from mnist_pipeline.runs.results import Evaluated
from mnist_pipeline.runs.run import Run

_LEAST = 1e-7  # the probability at which Keras clips before it takes the logarithm
_BINS = 15  # of confidence, for the calibration error: as many as Guo et al. (2017) and most after them
_MOST_PAIRS = 10  # of classes that are confused


def evaluate_file(path: Path, name: RuntimeName | None) -> tuple[Evaluated, Part, NDArray[np.float32]]:
    """The metrics of a model file, the test images, and the probabilities that it gives for each.

    The images are MNIST's, or for a model of other classes those of the run that it was exported from. The loss is the
    cross-entropy of the probabilities.
    """
    vet(path, name)
    part = images_for(path)
    runtime = open_runtime(path, name, classes=part.classes)
    found = probabilities(runtime, part.images, output_of(runtime))
    of_truth = found[np.arange(len(part)), part.labels].astype(np.float64)
    loss = float(-np.log(np.maximum(of_truth, _LEAST)).mean())
    metrics = compute_metrics(found, part.labels, loss, part.classes)
    return replace(metrics, model=str(path), runtime=runtime.name, data_sha256=part.sha256), part, found


def images_for(path: Path) -> Part:
    """The test images for a model file: MNIST's, or for a model of other classes those of its run."""
    run = home_of(path)
    return images_of(run) if run and classes_of(run) != DIGITS else load_part("mnist", "test")


def images_of(run: Run) -> Part:
    """The test images of the source that a run was trained on."""
    data = run.config().data
    return load_part(data.source, "test", run.classes, transposed=data.transposed)


def compute_metrics(
    probabilities: NDArray[np.float32], labels: NDArray[np.uint8], loss: float, classes: Sequence[str] = DIGITS
) -> Evaluated:
    """All metrics from the probabilities of one pass, a row an image; the loss, the model's own, is handed on."""
    answers, count = probabilities.argmax(axis=1), len(classes)
    confusion = np.zeros((count, count), np.int64)
    np.add.at(confusion, (labels, answers), 1)
    report, right = _precision_and_recall(confusion, classes), confusion.diagonal().tolist()
    ece, calibration = calibration_error(probabilities, labels)
    return Evaluated(
        test_accuracy=float((answers == labels).mean()), test_loss=loss, n=len(labels),
        per_class=[
            {
                "label": label, "digit": digit_of(label), "n": int(report[label]["n"]), "right": hits,
                "accuracy": report[label]["recall"],
            }
            for label, hits in zip(classes, right, strict=True)
        ],
        confusion=confusion.tolist(), report=report, ece=ece,
        most_confused=_most_confused(confusion), calibration=calibration,
    )  # fmt: skip


def _shares(parts: NDArray[np.int64], wholes: NDArray[np.int64]) -> NDArray[np.float64]:
    """The share of each part in its whole; 0 where that is nothing."""
    return np.divide(parts, wholes, out=np.zeros(len(parts)), where=wholes > 0)


def _precision_and_recall(confusion: NDArray[np.int64], classes: Sequence[str]) -> dict[str, dict[str, float]]:
    """Precision, recall and F1 of each class; `macro` averages classes alike, `weighted` by their images."""
    right, there, answered = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    shares = [_shares(right, answered), _shares(right, there), _shares(2 * right, there + answered)]
    scores = dict(zip(("precision", "recall", "f1"), shares, strict=True))
    rows: dict[str, dict[str, float]] = {
        label: {**{name: float(values[number]) for name, values in scores.items()}, "n": int(there[number])}
        for number, label in enumerate(classes)
    }
    for average, weights in {"macro": np.ones(len(classes)), "weighted": there}.items():
        means = {name: float(np.average(values, weights=weights)) for name, values in scores.items()}
        rows[average] = {**means, "n": int(there.sum())}
    return rows


def _most_confused(confusion: NDArray[np.int64]) -> list[dict[str, int]]:
    """The pairs of true class and wrong answer, as numbers of classes, that occur, the most frequent first."""
    wrong = confusion - np.diag(confusion.diagonal())
    places = np.argwhere(wrong).tolist()
    pairs = [{"true": true, "answer": answer, "n": int(wrong[true, answer])} for true, answer in places]
    return sorted(pairs, key=lambda pair: -pair["n"])[:_MOST_PAIRS]


def calibration_error(probabilities: NDArray[np.float32], labels: NDArray[np.uint8]) -> tuple[float, list[Any]]:
    """The expected calibration error, and for each bin that holds answers their mean confidence and their accuracy."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    error, table = 0.0, []
    for number in np.unique(bins):
        inside = bins == number
        sure, accuracy = float(confidence[inside].mean()), float(right[inside].mean())
        error += float(inside.mean()) * abs(sure - accuracy)
        edges = {"from": round(number / _BINS, 4), "to": round((number + 1) / _BINS, 4)}
        table.append({**edges, "n": int(inside.sum()), "confidence": sure, "accuracy": accuracy})
    return error, table
