"""Drawings to look at: the first digits of a set drawn once each, and pictures of no digit in rows of their own."""

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.config.schema import Rendering
from mnist_pipeline.rendering.crew import NONE, digits, negatives

_DIGITS = 250  # enough for a dozen of each class
_NONE, _ROWS = 12, 4


def drawn_sample(
    images: NDArray[np.uint8], labels: NDArray[np.uint8], settings: Rendering
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Drawings and their classes; those of no digit count on from NONE, a row of a sheet each."""
    images, labels = images[:_DIGITS], labels[:_DIGITS]
    drawings = digits(images, labels, settings, [1], processes=1)
    if not settings.negatives:
        return drawings, labels
    rest = negatives(images, labels, settings.seed, _ROWS * _NONE, processes=1)
    rows = np.repeat(np.arange(NONE, NONE + _ROWS, dtype=np.uint8), _NONE)
    return np.concatenate([drawings, rest]), np.concatenate([labels, rows])
