"""Every pixel's way into a model, for training and for a picture file alike."""

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 28  # pixels; MNIST's
PIXEL = np.float32(1 / 255)  # one step of grey; as a factor, because a compiler would make it one anyway
Invert = Literal["auto", "yes", "no"]


def scale(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Bytes to 0..1: what every model here takes."""
    return np.multiply(images, PIXEL, dtype=np.float32)


def plain(grey: NDArray[np.uint8], invert: Invert = "auto") -> tuple[NDArray[np.uint8], bool]:
    """A grey picture at 28x28, light on dark as MNIST is, and whether it had to be inverted."""
    inverted = invert == "yes" or (invert == "auto" and _light_border(grey))
    small = _resized(grey)
    return (255 - small if inverted else small), inverted


def _resized(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    # Averaging keeps thin strokes where a side shrinks; where it grows, averaging would draw blocks.
    height, width = grey.shape
    shrunk = cv2.resize(grey, (min(width, SIDE), min(height, SIDE)), interpolation=cv2.INTER_AREA)
    return cv2.resize(shrunk, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)


def _light_border(grey: NDArray[np.uint8]) -> bool:
    """True for dark ink on light paper, judged by the outermost pixels."""
    border = np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])
    return float(border.mean()) > 127.5
