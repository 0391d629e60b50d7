"""The proof: what counts as equal to Keras, and what is refused."""

from typing import Any

import numpy as np
import pytest

from mnist_pipeline.errors import ExportError
from mnist_pipeline.exports import proof
from mnist_pipeline.exports.forms import FORMS


def proven(**changes: Any) -> proof.Proof:
    kept = {"reader": "x", "n": 1000, "accuracy": 0.97, "keras_accuracy": 0.97, "agreement": 1.0, "ties": 0}
    return proof.Proof(**{**kept, "largest_difference": 1e-6, **changes})


@pytest.mark.parametrize(
    ("form", "changes"),
    [
        ("onnx", {"largest_difference": 1.1e-5}),
        ("onnx", {"largest_difference": float("nan")}),
        ("onnx", {"agreement": 0.999}),
        ("litert-int8", {"accuracy": 0.968}),
    ],
)
def test_what_does_not_hold_is_refused(form: str, changes: dict[str, Any]) -> None:
    with pytest.raises(ExportError, match="the model: "):
        proof.require(FORMS[form], proven(**changes))


def test_what_just_holds_is_kept() -> None:
    proof.require(FORMS["onnx"], proven(largest_difference=1e-5))
    proof.require(FORMS["litert-int8"], proven(accuracy=0.969, agreement=0.9, largest_difference=0.5))


def test_another_label_agrees_only_where_keras_scores_both_the_same() -> None:
    ours = np.zeros((3, 10), np.float32)
    ours[0, [3, 4]], ours[1, [3, 4]], ours[2, 3] = [1, 1 - 1e-6], [0.9, 0.8], 1
    theirs = ours.copy()
    theirs[:2, 4] = 1
    theirs[:2, 3] = 0.5
    reference = proof.Reference(ours, ours, np.full(3, 3, np.uint8))
    found = proof.compare(FORMS["onnx"], "x", theirs, reference)
    assert found.ties == 1
    assert found.agreement == pytest.approx(2 / 3)
    assert found.accuracy == pytest.approx(1 / 3)
