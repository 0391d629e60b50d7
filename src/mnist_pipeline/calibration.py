"""Scores scaled by one factor, found on validation images and folded into the last layer's weights."""

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.backend import keras

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
