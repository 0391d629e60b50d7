"""Which pixels of a digit an answer hangs on, found by occlusion: what is covered, and what the answer loses by it."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.pixels.light import Grey

# Pixels of a patch's side. One of 3 hardly moves the answer for a clear digit, one of 7 takes most of the digit away.
_PATCH = 5


def occlusion(
    pixels: Grey, digit: int, probabilities: Callable[[NDArray[np.uint8]], NDArray[np.float32]]
) -> list[list[float]]:
    """What the probability of a digit loses by a patch of paper over each pixel, averaged over all that cover it."""
    patch = np.ones((_PATCH, _PATCH), np.uint8)
    ys, xs = np.nonzero(cv2.dilate(pixels, patch))  # a patch elsewhere covers no ink
    covered = np.repeat(pixels[np.newaxis], 1 + len(ys), axis=0)
    for picture, y, x in zip(covered[1:], ys, xs, strict=True):
        picture[max(0, y - _PATCH // 2) : y + _PATCH // 2 + 1, max(0, x - _PATCH // 2) : x + _PATCH // 2 + 1] = 0
    found = probabilities(covered)[:, digit].astype(np.float64)
    losses = np.zeros(pixels.shape)
    losses[ys, xs] = found[0] - found[1:]
    blurred = cv2.blur(losses, (_PATCH, _PATCH), borderType=cv2.BORDER_CONSTANT)
    return [[round(value, 4) for value in row] for row in blurred.tolist()]
