"""Which pixels a pen marked, and how strongly, whatever the paper, its light and its lines."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.pixels.light import (
    Grey,
    Invert,
    as_grey,
    as_marks,
    border_length,
    levelled,
    lightness,
    locally_levelled,
    marked_border,
)
from mnist_pipeline.pixels.lines import without_lines
from mnist_pipeline.pixels.shapes import shapes

_VALUES = np.arange(256, dtype=np.float64)
_FAINTEST = 10  # steps of grey between paper and pen
_CROWDED = 0.08  # share of the border that is marked
_WIDE = 0.36  # of the picture's longer side
_FAINT = 0.45  # of a pen's strength
_CLEAREST = 3.5  # times the paper's own unevenness


def marked(strength: Grey) -> Grey:
    """Ink as 1, the rest as 0; all 0 when nothing stands out of the paper."""
    counts = cv2.calcHist([strength], [0], None, [256], [0, 256]).ravel().astype(np.float64)
    many = _Cumulated.of(counts)
    middle = many.parted()
    if not _stands_out(counts, many, middle):
        return np.zeros_like(strength)
    if middle + 1 < _FAINT * int(np.flatnonzero(counts)[-1]):  # else no kind of marks is that much fainter than another
        above = many.above(middle)
        second = above.parted()
        if _is_fainter(above, second):
            middle = second
    return as_marks(strength > middle)


def is_crowded(marks: Grey) -> bool:
    """Whether what is marked comes in from the border and is wider than strokes: shadow, or a table."""
    if marked_border(marks) < _CROWDED * border_length(marks):
        return False
    depth = cv2.distanceTransform(marks, cv2.DIST_L2, 3)
    return bool(depth.max() > _WIDE / 2 * max(marks.shape))


def between(counts: NDArray[np.float64]) -> int:
    """Otsu's threshold: the value up to which one kind of pixel goes."""
    return _Cumulated.of(counts).parted()


class _Cumulated(NamedTuple):
    """How many pixels there are up to each value, and their sum: whole numbers, so that no order rounds them."""

    number: NDArray[np.float64]
    total: NDArray[np.float64]

    @classmethod
    def of(cls, counts: NDArray[np.float64]) -> "_Cumulated":
        return cls(counts.cumsum(), (counts * _VALUES).cumsum())

    def above(self, value: int) -> "_Cumulated":
        """Only those above the value."""
        number, total = self.number - self.number[value], self.total - self.total[value]
        number[:value] = total[:value] = 0
        return _Cumulated(number, total)

    def parted(self) -> int:
        number, total = self.number[-1], self.total[-1]
        weight = self.number * (number - self.number)
        apart = (total * self.number - self.total * number) ** 2 / np.maximum(weight, 1)
        return int(apart.argmax()) if weight.any() else 255

    def means(self, value: int) -> tuple[float, float]:
        """The mean of those up to a value, and of those above it."""
        below, of_below = float(self.number[value]), float(self.total[value])
        above, of_above = float(self.number[-1]) - below, float(self.total[-1]) - of_below
        return of_below / below if below else 0.0, of_above / above if above else 0.0


def _stands_out(counts: NDArray[np.float64], many: _Cumulated, middle: int) -> bool:
    paper, pen = many.means(middle)
    spread = float(((_VALUES[: middle + 1] - paper) ** 2) @ counts[: middle + 1])
    deviation = math.sqrt(spread / max(float(many.number[middle]), 1))
    return pen - paper > max(_FAINTEST, _CLEAREST * deviation)


def _is_fainter(above: _Cumulated, second: int) -> bool:
    """Whether the marks up to the second threshold are another kind: printed lines or shadow beneath a pen."""
    faint, pen = above.means(second)
    return bool(above.number[-1] - above.number[second] > 0.15 * above.number[-1] and faint < _FAINT * pen)


_DARKEST, _LIGHTEST = 0.5, 1.25  # of lightness: between them shadow can have made a sheet look like a board
Step = tuple[str, Grey]  # what was done, and the picture after it


@dataclass(frozen=True)
class Ink:
    """The ink of a picture."""

    strength: Grey
    """From 0, paper, to at most 255."""
    marks: Grey
    """1 where there is ink."""
    inverted: bool
    """Whether the ink is what is dark in the picture."""


def inked(grey: Grey, invert: Invert, steps: list[Step]) -> Ink:
    """The ink of a grey picture, ruled lines left out; the steps on the way are added to the list."""
    light = lightness(grey) if invert == "auto" else 2.0 * (invert == "yes")
    ink = _levelled(grey, light > 1)
    if not ink.marks.any() or is_crowded(ink.marks):
        ways = (True, False) if _DARKEST < light < _LIGHTEST else (ink.inverted,)
        near = max((_locally(grey, way) for way in ways), key=_prominence)
        ink = near if near.marks.any() else ink
    steps.append(("ink, evenly lit", ink.strength))
    steps.append(("above the threshold", ink.marks * 255))
    clean = without_lines(ink.marks)
    if clean is not ink.marks:
        steps.append(("without ruled lines", clean * 255))
    return Ink(ink.strength, clean, ink.inverted)


def _levelled(grey: Grey, inverted: bool) -> Ink:
    strength = levelled(grey, inverted)
    return Ink(strength, marked(strength), inverted)


def _locally(grey: Grey, inverted: bool) -> Ink:
    strength = locally_levelled(grey, inverted)
    return Ink(strength, marked(strength), inverted)


def _prominence(ink: Ink) -> float:
    """How large and strong the foremost shape is: strokes go around their own counters, and a halo is weak."""
    found = shapes(ink.marks)
    free = found.free
    if not free.any():
        return 0.0
    foremost = np.flatnonzero(free)[0]  # they are sorted by size
    strength = cv2.mean(ink.strength, mask=as_grey(found.labels == found.numbers[foremost]))[0]
    return float(found.sizes[foremost] * strength) ** 2
