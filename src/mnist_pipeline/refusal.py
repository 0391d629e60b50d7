"""How sure a model must be to answer: chosen on drawn validation digits, tried on pictures of no digit."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.backend import keras
from mnist_pipeline.config import Config
from mnist_pipeline.data import Part, rendering
from mnist_pipeline.pixels.preprocess import scale

_LOST = 0.02  # of the drawn digits that are read right: real ones are easier, and may lose no more than that
_NEGATIVES = 4000
_VARIANT = 1000  # of the drawings: none that training uses


def chosen(model: keras.Model, config: Config, part: Part, validation: NDArray[np.int64]) -> dict[str, Any]:
    """The threshold on the highest probability, and what it does."""
    settings, processes = config.data.rendering, config.training.threads
    assert settings
    images, labels = part.images[validation], part.labels[validation]
    drawings = rendering.digits(images, labels, settings, [_VARIANT], processes)
    nothing = rendering.negatives(images, labels, settings.seed, _NEGATIVES, processes, held_out=True)
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
