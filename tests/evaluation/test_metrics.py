"""The figures against small cases counted by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_pipeline.config.schema import Output
from mnist_pipeline.evaluation.metrics import calibrate, measure
from mnist_pipeline.prediction.runtimes import normalised


def sure_of(digits: list[int], confidence: float = 1.0) -> NDArray[np.float32]:
    """Rows that give a digit this confidence and share the rest."""
    rows = np.full((len(digits), 10), (1 - confidence) / 9, np.float32)
    rows[np.arange(len(digits)), digits] = confidence
    return rows


def labels(*digits: int) -> NDArray[np.uint8]:
    return np.array(digits, np.uint8)


def test_confusion_counts_true_labels_in_rows_and_answers_in_columns() -> None:
    metrics = measure(sure_of([4, 9, 9, 9]), labels(4, 4, 4, 9), loss=0.5)
    assert metrics.confusion[4][4] == 1
    assert metrics.confusion[4][9] == 2
    assert metrics.confusion[9][9] == 1
    assert sum(map(sum, metrics.confusion)) == metrics.n == 4
    assert metrics.test_accuracy == 0.5
    assert metrics.test_loss == 0.5


def test_report_gives_precision_recall_and_f1() -> None:
    nine = measure(sure_of([4, 9, 9, 9]), labels(4, 4, 4, 9), loss=0).report["9"]
    assert nine == {"precision": pytest.approx(1 / 3), "recall": 1.0, "f1": pytest.approx(0.5), "n": 1}


def test_averages_weigh_classes_alike_or_by_their_images() -> None:
    report = measure(sure_of([0, 0, 0, 0]), labels(0, 0, 0, 1), loss=0).report
    assert report["macro"]["recall"] == pytest.approx(0.1)
    assert report["weighted"]["recall"] == pytest.approx(0.75)
    assert report["weighted"]["n"] == 4


def test_a_class_that_never_occurs_counts_zero_and_does_not_divide_by_it() -> None:
    metrics = measure(sure_of([1]), labels(1), loss=0)
    assert metrics.report["7"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "n": 0}
    assert metrics.per_class[7] == {"digit": 7, "n": 0, "right": 0, "accuracy": 0.0}


def test_most_confused_pairs_come_largest_first() -> None:
    metrics = measure(sure_of([9, 9, 3, 5]), labels(4, 4, 5, 5), loss=0)
    assert metrics.most_confused == [{"true": 4, "answer": 9, "n": 2}, {"true": 5, "answer": 3, "n": 1}]


def test_calibration_error_is_the_gap_between_sure_and_right() -> None:
    error, bins = calibrate(sure_of([1, 1, 1, 1], confidence=0.8), labels(1, 1, 1, 2))
    assert error == pytest.approx(0.05, abs=1e-6)
    assert bins == [
        {"from": 0.8, "to": 0.8667, "n": 4, "confidence": pytest.approx(0.8), "accuracy": pytest.approx(0.75)}
    ]


def test_full_confidence_falls_into_the_last_bin() -> None:
    assert calibrate(sure_of([1]), labels(1))[1][0]["to"] == 1.0


def test_softmax_outputs_stay_what_they_are() -> None:
    rows = sure_of([3], confidence=0.7)
    np.testing.assert_allclose(normalised(rows, "softmax"), rows, rtol=1e-6)


def test_sigmoid_outputs_become_the_softmax_of_what_is_behind_them() -> None:
    logits = np.random.default_rng(0).normal(0, 4, (50, 10))
    outputs = (1 / (1 + np.exp(-logits))).astype(np.float32)
    softmax = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(normalised(outputs, "sigmoid"), softmax, atol=1e-3)


def test_sigmoid_outputs_keep_their_order_however_near_to_one() -> None:
    near = np.full((1, 10), 0.5, np.float32)
    near[0, :3] = np.float32(1) - np.array([3, 1, 2], np.float32) * np.float32(2**-24)
    assert normalised(near, "sigmoid").argmax() == 1
    near[0, 4] = 1
    assert normalised(near, "sigmoid").argmax() == 4


@pytest.mark.parametrize("output", ["softmax", "sigmoid"])
def test_scores_that_are_all_zero_become_even_odds(output: Output) -> None:
    np.testing.assert_allclose(normalised(np.zeros((1, 10), np.float32), output), np.full((1, 10), 0.1))
