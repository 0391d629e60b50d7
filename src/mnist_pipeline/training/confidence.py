"""Scores scaled by one factor, found on validation images and folded into the last layer's weights."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.config import Config
from mnist_pipeline.data import Part
from mnist_pipeline.data.rendering.pool import draw_digits, draw_non_digits
from mnist_pipeline.pixels.preprocess import scale
from mnist_pipeline.training.backend import keras

_LEAST, _MOST = 0.05, 20.0  # a factor beyond these says that something else is wrong
_GOLDEN = (5**0.5 - 1) / 2
_HALVINGS = 60  # after these the interval is below what a double tells apart


def sharpness(probabilities: NDArray[np.float32], labels: NDArray[np.uint8]) -> float:
    """The factor on the scores behind the probabilities under which the labels are likeliest."""
    scores = np.log(np.maximum(probabilities.astype(np.float64), 1e-38))
    rows = np.arange(len(labels))

    def loss(log_factor: float) -> float:
        scaled = scores * np.exp(log_factor)
        highest = scaled.max(axis=1)
        total = np.log(np.exp(scaled - highest[:, None]).sum(axis=1)) + highest
        return float((total - scaled[rows, labels]).mean())

    low, high = np.log(_LEAST), np.log(_MOST)
    for _ in range(_HALVINGS):  # the loss has one valley, so golden sections close in on its floor
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        low, high = (low, right) if loss(left) <= loss(right) else (left, high)
    return float(np.exp((low + high) / 2))


def fold(model: keras.Model, factor: float) -> None:
    """Scale the last layer's weights, so that every reader of the model sees the calibrated scores."""
    output = model.get_layer("output")
    output.set_weights([(weight * np.float32(factor)) for weight in output.get_weights()])


_LOST = 0.02  # of the drawn digits that are read right: real ones are easier, and may lose no more than that
_NEGATIVES = 4000
_VARIANT = 1000  # of the drawings: none that training uses


def choose_threshold(model: keras.Model, config: Config, part: Part, validation: NDArray[np.int64]) -> dict[str, Any]:
    """The threshold on the highest probability, and what it does."""
    settings, processes = config.data.rendering, config.training.threads
    assert settings
    images, labels = part.images[validation], part.labels[validation]
    drawings = draw_digits(images, labels, settings, [_VARIANT], processes)
    nothing = draw_non_digits(images, labels, settings.seed, _NEGATIVES, processes, held_out=True)
    sure_digits, answers = _sure(model, drawings)
    sure_nothing, _ = _sure(model, nothing)
    right = answers == labels
    threshold = highest(sure_digits[right])
    return {
        "threshold": threshold,
        "negatives_refused": float((sure_nothing < threshold).mean()),
        "digits_refused": float((sure_digits[right] < threshold).mean()),
        "digits_right": float(right.mean()),
        "negatives": len(nothing),
        "digits": len(drawings),
    }


def highest(sure: NDArray[np.float32]) -> float:
    """The highest threshold that the digits read right can bear: the more is refused that is none."""
    return round(float(np.quantile(sure, _LOST)), 4)


def _sure(model: keras.Model, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    shaped = scale(images).reshape(-1, *model.input_shape[1:])
    scores = np.concatenate([model(shaped[at : at + 1000], training=False) for at in range(0, len(shaped), 1000)])
    return scores.max(axis=1), scores.argmax(axis=1)
