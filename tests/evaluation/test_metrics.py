"""The metrics against small cases counted by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_pipeline.evaluation.metrics import calibration_error, compute_metrics


def sure_of(digits: list[int], confidence: float = 1.0) -> NDArray[np.float32]:
    """Rows that give a digit this confidence and share the rest."""
    rows = np.full((len(digits), 10), (1 - confidence) / 9, np.float32)
    rows[np.arange(len(digits)), digits] = confidence
    return rows


def labels(*digits: int) -> NDArray[np.uint8]:
    return np.array(digits, np.uint8)


def test_confusion_counts_true_labels_in_rows_and_answers_in_columns() -> None:
    metrics = compute_metrics(sure_of([4, 9, 9, 9]), labels(4, 4, 4, 9), loss=0.5)
    assert metrics.confusion[4][4] == 1
    assert metrics.confusion[4][9] == 2
    assert metrics.confusion[9][9] == 1
    assert sum(map(sum, metrics.confusion)) == metrics.n == 4
    assert metrics.test_accuracy == 0.5
    assert metrics.test_loss == 0.5


def test_report_gives_precision_recall_and_f1() -> None:
    nine = compute_metrics(sure_of([4, 9, 9, 9]), labels(4, 4, 4, 9), loss=0).report["9"]
    assert nine == {"precision": pytest.approx(1 / 3), "recall": 1.0, "f1": pytest.approx(0.5), "n": 1}


def test_averages_weigh_classes_alike_or_by_their_images() -> None:
    report = compute_metrics(sure_of([0, 0, 0, 0]), labels(0, 0, 0, 1), loss=0).report
    assert report["macro"]["recall"] == pytest.approx(0.1)
    assert report["weighted"]["recall"] == pytest.approx(0.75)
    assert report["weighted"]["n"] == 4


def test_a_class_that_never_occurs_counts_zero_and_does_not_divide_by_it() -> None:
    metrics = compute_metrics(sure_of([1]), labels(1), loss=0)
    assert metrics.report["7"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "n": 0}
    assert metrics.per_class[7] == {"label": "7", "digit": 7, "n": 0, "right": 0, "accuracy": 0.0}


def test_most_confused_pairs_come_largest_first() -> None:
    metrics = compute_metrics(sure_of([9, 9, 3, 5]), labels(4, 4, 5, 5), loss=0)
    assert metrics.most_confused == [{"true": 4, "answer": 9, "n": 2}, {"true": 5, "answer": 3, "n": 1}]


def test_calibration_error_is_the_gap_between_sure_and_right() -> None:
    error, bins = calibration_error(sure_of([1, 1, 1, 1], confidence=0.8), labels(1, 1, 1, 2))
    assert error == pytest.approx(0.05, abs=1e-6)
    assert bins == [
        {"from": 0.8, "to": 0.8667, "n": 4, "confidence": pytest.approx(0.8), "accuracy": pytest.approx(0.75)}
    ]


def test_full_confidence_falls_into_the_last_bin() -> None:
    assert calibration_error(sure_of([1]), labels(1))[1][0]["to"] == 1.0
