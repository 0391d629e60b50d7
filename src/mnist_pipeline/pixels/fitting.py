"""Strokes to 28x28 as MNIST's were: fitted into 20x20 keeping their aspect, their mass moved into the middle."""

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.pixels.light import Grey, as_grey
from mnist_pipeline.pixels.shapes import stroke_width

SIDE = 28  # pixels; MNIST's
_BOX = 20
_THINNEST = 2.0  # pixels of stroke in the box; MNIST's pens are rarely thinner
_NEAR = np.ones((5, 5), np.uint8)
_EDGE = 40  # of 255: what is fainter does not count as part of the box


def fitted(strength: Grey, kept: Grey) -> Grey:
    """The kept strokes, with their soft edges, at 28x28."""
    ink = _soft(strength, kept)
    x, y, width, height = cv2.boundingRect((ink > _EDGE).view(np.uint8))
    if not width:  # thinner than its own soft edge
        x, y, width, height = cv2.boundingRect(kept)
    window = (slice(y, y + height), slice(x, x + width))
    return centred(_boxed(ink[window], kept[window]))


def _soft(strength: Grey, kept: Grey) -> Grey:
    """The ink in and right around the kept strokes, stretched so that the pen is white."""
    near = cv2.dilate(kept, _NEAR)
    pen = float(cv2.mean(strength, mask=kept)[0])
    return as_grey(cv2.multiply(strength, near, scale=255 / max(1.15 * pen, 1)))


def _boxed(ink: Grey, kept: Grey) -> Grey:
    by = _BOX / max(ink.shape)
    missing = round(_THINNEST / by - stroke_width(kept))
    if missing > 0:  # a pen so thin that it would be shrunk away
        pen = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (missing + 1, missing + 1))
        room = (missing + 1) // 2
        ink = as_grey(cv2.dilate(cv2.copyMakeBorder(ink, room, room, room, room, cv2.BORDER_CONSTANT), pen))
        by = _BOX / max(ink.shape)
    height, width = (min(_BOX, max(1, round(side * by))) for side in ink.shape)
    way = cv2.INTER_AREA if by < 1 else cv2.INTER_LINEAR
    small = as_grey(cv2.resize(ink, (width, height), interpolation=way))
    return as_grey(cv2.convertScaleAbs(small, alpha=255 / max(int(small.max()), 1)))


def centred(small: Grey) -> Grey:
    """A small picture on 28x28 black, its centre of mass in the middle, as far as the edges let it."""
    height, width = small.shape
    mass = cv2.moments(small)
    total = max(mass["m00"], 1)
    middle = SIDE / 2  # where MNIST's own images have it, on average to a hundredth of a pixel
    top = min(max(round(middle - mass["m01"] / total), 0), SIDE - height)
    left = min(max(round(middle - mass["m10"] / total), 0), SIDE - width)
    whole: NDArray[np.uint8] = np.zeros((SIDE, SIDE), np.uint8)
    whole[top : top + height, left : left + width] = small
    return whole
