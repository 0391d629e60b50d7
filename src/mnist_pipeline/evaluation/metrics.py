"""Class scores and labels to the numbers that judge a model: plain arithmetic, no framework."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.data import load_part
from mnist_pipeline.prediction.foreign import vet
from mnist_pipeline.prediction.runtimes import RuntimeName, open_runtime, output_of, probabilities

CLASSES = 10
_LEAST = 1e-7  # as Keras clips a probability before it takes the logarithm
_BINS = 15  # of confidence, for the calibration error, as the literature has it


@dataclass(frozen=True)
class Metrics:
    """What evaluate reports, as `--json` and metrics.json have it."""

    test_accuracy: float
    test_loss: float
    n: int
    per_class: list[dict[str, Any]]
    confusion: list[list[int]]
    report: dict[str, dict[str, float]]
    ece: float
    most_confused: list[dict[str, int]]
    calibration: list[dict[str, float]]

    def tree(self) -> dict[str, Any]:
        """The numbers as plain values."""
        return asdict(self)


def measure(probabilities: NDArray[np.float32], labels: NDArray[np.uint8], loss: float) -> Metrics:
    """Every figure from one pass of probabilities; the loss is the model's own."""
    answers = probabilities.argmax(axis=1)
    confusion = np.zeros((CLASSES, CLASSES), np.int64)
    np.add.at(confusion, (labels, answers), 1)
    ece, calibration = calibrate(probabilities, labels)
    return Metrics(
        test_accuracy=float((answers == labels).mean()),
        test_loss=loss,
        n=len(labels),
        per_class=_per_class(confusion),
        confusion=confusion.tolist(),
        report=_report(confusion),
        ece=ece,
        most_confused=_most_confused(confusion),
        calibration=calibration,
    )


def calibrate(probabilities: NDArray[np.float32], labels: NDArray[np.uint8]) -> tuple[float, list[dict[str, float]]]:
    """Expected calibration error, and for each used bin how sure the model was and how often right."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    error, table = 0.0, []
    for number in np.unique(bins):
        here = bins == number
        sure, hit = float(confidence[here].mean()), float(right[here].mean())
        error += float(here.mean()) * abs(sure - hit)
        edges = {"from": round(number / _BINS, 4), "to": round((number + 1) / _BINS, 4)}
        table.append({**edges, "n": int(here.sum()), "confidence": sure, "accuracy": hit})
    return error, table


def _per_class(confusion: NDArray[np.int64]) -> list[dict[str, Any]]:
    return [
        {
            "digit": digit,
            "n": int(row.sum()),
            "right": int(row[digit]),
            "accuracy": _share(row[digit], row.sum()),
        }
        for digit, row in enumerate(confusion)
    ]


def _report(confusion: NDArray[np.int64]) -> dict[str, dict[str, float]]:
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
    return rows | {
        "macro": _average(rows, np.ones(CLASSES), counts),
        "weighted": _average(rows, counts, counts),
    }


def _average(rows: dict[str, dict[str, float]], weights: NDArray[Any], counts: NDArray[np.int64]) -> dict[str, float]:
    mean = {
        figure: float(np.average([row[figure] for row in rows.values()], weights=weights))
        for figure in ("precision", "recall", "f1")
    }
    return {**mean, "n": int(counts.sum())}


def _most_confused(confusion: NDArray[np.int64], most: int = 10) -> list[dict[str, int]]:
    pairs = [
        {"true": true, "answer": answer, "n": int(confusion[true, answer])}
        for true in range(CLASSES)
        for answer in range(CLASSES)
        if true != answer and confusion[true, answer]
    ]
    return sorted(pairs, key=lambda pair: -pair["n"])[:most]


def _share(part: np.int64, whole: np.int64) -> float:
    return float(part / whole) if whole else 0.0


def evaluate_file(path: Path, name: RuntimeName | None) -> dict[str, Any]:
    """The figures of a model file; its loss is the cross-entropy of the normalised probabilities."""
    vet(path, name)
    runtime = open_runtime(path, name)
    part = load_part("mnist", "test")
    found = probabilities(runtime, part.images, output_of(runtime))
    sure = found[np.arange(len(part)), part.labels].astype(np.float64)
    metrics = measure(found, part.labels, float(-np.log(np.maximum(sure, _LEAST)).mean()))
    return {"model": str(path), "runtime": runtime.name, **metrics.tree(), "data_sha256": part.sha256}
