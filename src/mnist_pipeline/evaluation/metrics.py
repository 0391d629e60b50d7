"""The metrics of a digit classifier from its probabilities and the true labels, without TensorFlow.

The confusion matrix holds a row for each true digit and a column for each answer; all counts are taken from it.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.data import load_part
from mnist_pipeline.prediction.foreign import vet
from mnist_pipeline.prediction.runtimes import RuntimeName, open_runtime, output_of, probabilities

CLASSES = 10
_LEAST = 1e-7  # the probability at which Keras clips before it takes the logarithm
_BINS = 15  # of confidence, for the calibration error: as many as Guo et al. (2017) and most after them
_MOST_PAIRS = 10  # of digits that are confused


@dataclass(frozen=True)
class Metrics:
    """All metrics of one evaluation, under the names that `--json` and metrics.json give them."""

    test_accuracy: float
    test_loss: float
    n: int
    per_class: list[dict[str, Any]]
    confusion: list[list[int]]
    report: dict[str, dict[str, float]]  # precision, recall and F1 of each digit and on average
    ece: float  # expected calibration error
    most_confused: list[dict[str, int]]
    calibration: list[dict[str, float]]

    def tree(self) -> dict[str, Any]:
        """The metrics as plain values."""
        return asdict(self)


def evaluate_file(path: Path, name: RuntimeName | None) -> dict[str, Any]:
    """The metrics of a model file on MNIST's test images; the loss is the cross-entropy of its probabilities."""
    vet(path, name)
    runtime = open_runtime(path, name)
    part = load_part("mnist", "test")
    found = probabilities(runtime, part.images, output_of(runtime))
    of_truth = found[np.arange(len(part)), part.labels].astype(np.float64)
    metrics = compute_metrics(found, part.labels, float(-np.log(np.maximum(of_truth, _LEAST)).mean()))
    return {"model": str(path), "runtime": runtime.name, **metrics.tree(), "data_sha256": part.sha256}


def compute_metrics(probabilities: NDArray[np.float32], labels: NDArray[np.uint8], loss: float) -> Metrics:
    """All metrics from the (n, 10) probabilities of one pass; the loss, which is the model's own, is handed on."""
    answers = probabilities.argmax(axis=1)
    confusion = np.zeros((CLASSES, CLASSES), np.int64)
    np.add.at(confusion, (labels, answers), 1)
    ece, calibration = calibration_error(probabilities, labels)
    return Metrics(
        test_accuracy=float((answers == labels).mean()),
        test_loss=loss,
        n=len(labels),
        per_class=_accuracies(confusion),
        confusion=confusion.tolist(),
        report=_precision_and_recall(confusion),
        ece=ece,
        most_confused=_most_confused(confusion),
        calibration=calibration,
    )


def _accuracies(confusion: NDArray[np.int64]) -> list[dict[str, Any]]:
    return [
        {"digit": digit, "n": int(row.sum()), "right": int(row[digit]), "accuracy": _share(row[digit], row.sum())}
        for digit, row in enumerate(confusion)
    ]


def _precision_and_recall(confusion: NDArray[np.int64]) -> dict[str, dict[str, float]]:
    """Precision, recall and F1 of each digit; `macro` averages digits alike, `weighted` by their images."""
    rows = {}
    for digit in range(CLASSES):
        right, there, answered = confusion[digit, digit], confusion[digit].sum(), confusion[:, digit].sum()
        rows[str(digit)] = {
            "precision": _share(right, answered),
            "recall": _share(right, there),
            "f1": _share(2 * right, there + answered),
            "n": int(there),
        }
    counts = confusion.sum(axis=1)
    averages = {"macro": np.ones(CLASSES), "weighted": counts}
    return rows | {name: _average(rows, weights) | {"n": int(counts.sum())} for name, weights in averages.items()}


def _average(rows: dict[str, dict[str, float]], weights: NDArray[Any]) -> dict[str, float]:
    return {
        score: float(np.average([row[score] for row in rows.values()], weights=weights))
        for score in ("precision", "recall", "f1")
    }


def _share(part: np.int64, whole: np.int64) -> float:
    return float(part / whole) if whole else 0.0


def _most_confused(confusion: NDArray[np.int64]) -> list[dict[str, int]]:
    """The pairs of true digit and wrong answer that occur, the most frequent first."""
    pairs = [
        {"true": true, "answer": answer, "n": int(confusion[true, answer])}
        for true in range(CLASSES)
        for answer in range(CLASSES)
        if true != answer and confusion[true, answer]
    ]
    return sorted(pairs, key=lambda pair: -pair["n"])[:_MOST_PAIRS]


def calibration_error(
    probabilities: NDArray[np.float32], labels: NDArray[np.uint8]
) -> tuple[float, list[dict[str, float]]]:
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
