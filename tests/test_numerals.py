"""Counts and shares as people read them, and the texts that are made of them."""

import pytest

from mnist_pipeline import packages
from mnist_pipeline.errors import PackageError
from mnist_pipeline.exports import forms
from mnist_pipeline.numerals import counted, percent, sure
from mnist_pipeline.prediction.prediction import Prediction


@pytest.mark.parametrize(("number", "text"), [(0, "0 epochs"), (1, "1 epoch"), (2, "2 epochs"), (1234, "1,234 epochs")])
def test_one_is_singular(number: int, text: str) -> None:
    assert counted(number, "epoch") == text


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0.00 %"), (0.0166, "1.66 %"), (0.99994, "99.99 %"), (0.99999, ">99.99 %"), (1, "100.00 %")]
)
def test_almost_everything_does_not_read_as_everything(share: float, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(
    ("confidence", "text"), [(0.12345, "12.3%"), (0.9994, "99.9%"), (0.9995, ">99.9%"), (1, ">99.9%")]
)
def test_no_model_is_said_to_be_wholly_sure(confidence: float, text: str) -> None:
    assert sure(confidence) == text


@pytest.mark.parametrize(("digit", "said"), [(8, "this is an 8 (98.0% sure)"), (1, "this is a 1 (98.0% sure)")])
def test_an_answer_has_its_article(digit: int, said: str) -> None:
    assert Prediction("x.png", digit, str(digit), digit, str(digit), 0.98).sentence() == f"x.png: {said}"


def test_several_packages_that_are_lacking_are_named_without_a_wrong_verb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda _: None)
    with pytest.raises(PackageError, match="exporting onnx-int8, c-array takes ai-edge-litert and onnxruntime: "):
        forms.select_forms(["onnx-int8", "c-array"], with_scaling=False)
