"""Images computed together: the bits that each has alone, or one at a time."""

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_pipeline.data import load_part
from mnist_pipeline.pixels.light import SHORTEST, as_grey
from mnist_pipeline.pixels.preprocess import similar
from mnist_pipeline.prediction.predictor import Predictor, predictor
from mnist_pipeline.prediction.runtimes import BATCH, installed
from mnist_pipeline.runs.run import Run


def computed(model: Predictor, monkeypatch: pytest.MonkeyPatch, number: int) -> tuple[list[Any], list[int]]:
    """The answers for the first digits, and how many were computed at a time once it was settled how.

    The eight images that a doubtful one is reconsidered by are not counted: they are always computed together. The
    pictures are too large for further looks, each of which is computed alone.
    """
    digits = load_part("mnist", "test").images[: BATCH + number]
    images = [as_grey(cv2.resize(digit, (SHORTEST, SHORTEST))) for digit in digits]
    model.predict_many(images[:2])
    probabilities, together = model.probabilities, list[int]()

    def watched(batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        together.extend([len(batch)] if len(batch) != len(similar(images[0])) else [])
        return probabilities(batch)

    monkeypatch.setattr(model, "probabilities", watched)
    return model.predict_many(images), together


@pytest.mark.skipif(not installed("onnxruntime"), reason="comes with the extra export")
def test_the_shipped_model_computes_whole_batches_to_the_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    together, sizes = computed(predictor("shipped", "quickest"), monkeypatch, 7)
    assert sizes == [BATCH, BATCH]
    alone, sizes = computed(predictor("shipped", "onnxruntime"), monkeypatch, 7)
    assert set(sizes) == {1}
    assert together == alone


@pytest.mark.parametrize("runtime", ["opencv", "onnxruntime", "quickest"])
def test_where_a_batch_has_other_bits_each_image_is_computed_alone(
    smoke_run: Run, runtime: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = predictor(smoke_run, runtime)
    probabilities = model.probabilities
    monkeypatch.setattr(model, "probabilities", lambda batch: probabilities(batch) * np.float32(1 + len(batch) / 10**6))
    assert set(computed(model, monkeypatch, 3)[1]) == {1}
