"""Every pixel's way into a model, for training and for a picture file alike."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.pixels.fitting import SIDE as SIDE
from mnist_pipeline.pixels.fitting import fitted
from mnist_pipeline.pixels.ink import Step as Step
from mnist_pipeline.pixels.ink import inked
from mnist_pipeline.pixels.light import Invert as Invert
from mnist_pipeline.pixels.light import working_size
from mnist_pipeline.pixels.panels import Outlined, cut_out, may_be_panel, outlined, panel, without_box
from mnist_pipeline.pixels.shapes import Shapes, gathered, is_row, others, shapes, without_surroundings

PIXEL = np.float32(1 / 255)  # one step of grey; as a factor, because a compiler would make it one anyway

_SMALL = 40  # pixels, twice the box that it is fitted into: a digit smaller than that is looked at again from closer by
NOTHING = "nothing is drawn"
SEVERAL = "several shapes: --all reads each of them"


@dataclass(frozen=True)
class Seen:
    """What a model gets to see of a picture, or why there is nothing to see."""

    pixels: NDArray[np.uint8] | None
    """(28, 28), light on dark; None when there is nothing to look at."""
    inverted: bool
    reason: str | None = None
    """Why there is no digit."""


def scale(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Bytes to 0..1: what every model here takes."""
    return np.multiply(images, PIXEL, dtype=np.float32)


def find_digit(grey: NDArray[np.uint8], invert: Invert = "auto", steps: list[Step] | None = None) -> Seen:
    """The digit of a grey picture as MNIST would hold it: found, cleaned, fitted into 20x20 and centred in 28x28."""
    steps = [] if steps is None else steps
    small = working_size(grey)
    ink = inked(small, invert, steps)
    found = shapes(ink.marks)
    if not len(found.rows):
        return Seen(None, ink.inverted, NOTHING)
    largest = _large(small, found)
    if largest and invert == "auto" and (written := _on_panel(small, largest, ink.inverted, steps)):
        return written
    alive = without_surroundings(found)
    if not alive.any():
        return Seen(None, ink.inverted, "nothing but a frame")
    chosen = gathered(found, alive)
    same = largest and (chosen == found.largest).all()  # mostly
    kept = without_box(largest if largest and same else outlined(found.drawn(chosen)))
    several = others(found, alive, chosen) or is_row(found, chosen)
    close = None if several else _closer(grey, kept)
    if close is not None:
        return find_digit(close, "yes" if ink.inverted else "no", steps)
    steps.append(("the digit alone", kept * 255))
    return Seen(fitted(ink.strength, kept), ink.inverted, SEVERAL if several else None)


def _closer(grey: NDArray[np.uint8], kept: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """A digit that is small in its picture, with some paper around it; None when it is large enough."""
    x, y, width, height = cv2.boundingRect(kept)
    size = max(width, height)
    if size >= _SMALL:
        return None
    by = grey.shape[0] / kept.shape[0]
    around = 0.35 * size
    left, top, right, bottom = (
        round(by * side) for side in (x - around, y - around, x + width + around, y + height + around)
    )
    close = grey[max(top, 0) : bottom, max(left, 0) : right]
    # Nearly the whole picture again would be looked at for ever: it is made larger once, then smaller.
    return close if max(close.shape) < 0.9 * max(grey.shape) else None


def _large(grey: NDArray[np.uint8], found: Shapes) -> Outlined | None:
    """The largest shape, when it is large enough for a panel."""
    marked = int(found.rows[:, 4].max())
    return outlined(found.drawn(found.largest)) if may_be_panel(marked, grey.size) else None


def _on_panel(grey: NDArray[np.uint8], largest: Outlined, inverted: bool, steps: list[Step]) -> Seen | None:
    """What is written on the largest shape, when that is a panel with something on it."""
    area = panel(largest)
    if area is None:
        return None
    further: list[Step] = [("a panel", largest.shape * 255)]
    seen = find_digit(cut_out(grey, area, largest.shape), "no" if inverted else "yes", further)
    if seen.reason == NOTHING:
        return None
    steps += further
    return seen


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
