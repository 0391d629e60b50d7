"""Takes ruled and squared lines out of the marks, as staves out of music: along the line, but not across a stroke."""

from dataclasses import dataclass

import cv2
import numpy as np

from mnist_pipeline.pixels.light import Grey, as_grey
from mnist_pipeline.pixels.shapes import stroke_width

_LEAN = 0.09  # the steepest slope of a line, about five degrees
_QUICK = 400  # pixels of the longer side at which the slope is looked for
_STEPS = 61  # slopes tried
_NEAR = 8  # pixels from the border within which a line that crosses it is seen


@dataclass(frozen=True)
class Ruling:
    """What counts as a ruled line, in shares of the picture."""

    long: float
    """Of the side along the line."""
    longer: float
    """Of the longer side: no stroke is as long, not on a strip of paper one digit high."""
    thickest: float
    """Of the longer side."""
    drawn: float
    """Of the line's length; rows of digits reach 0.6 only where they all but touch."""
    near: float
    """Of its length: how far from a line that is drawn another one may be interrupted."""
    several: int
    """So many lines are no accident of a digit's shape."""


# Of one digit, whose own strokes are long: lines go from border to border.
BEHIND_A_DIGIT = Ruling(0.9, 0.0, 0.025, 0.8, 0.01, 3)
# Without what has to be drawn, 27 of 300 digits in rows and columns were misread or missing, since taken out as lines.
ON_A_PAGE = Ruling(0.4, 0.25, 0.008, 0.6, 1 / 12, 1)


def without_lines(marks: Grey, ruling: Ruling) -> Grey:
    """The marks less the thin straight lines that run along the picture or across it; the same array if none do."""
    level, lines = _without_level(marks, ruling)
    turned, more = _without_level(np.ascontiguousarray(level.T), ruling)
    clean = np.ascontiguousarray(turned.T)
    gone = lines + more
    return clean if gone and (gone >= ruling.several or _leaves_strokes(marks, clean)) else marks


def _leaves_strokes(marks: Grey, clean: Grey) -> bool:
    """Whether strokes are left without the lines, not the rest of a digit of which a part looked like a line."""
    _, _, width, height = cv2.boundingRect(clean)
    large = max(width, height) >= 0.15 * max(marks.shape)
    return large and stroke_width(clean) > 1.1 * stroke_width(marks - clean)


def _without_level(marks: Grey, ruling: Ruling) -> tuple[Grey, int]:
    height, width = marks.shape
    least = _least(width, max(marks.shape), ruling)
    if np.count_nonzero(marks.any(axis=0)) < least:
        return marks, 0
    if ruling.long > 0.5 and not (marks[:, :_NEAR].any() and marks[:, -_NEAR:].any()):
        return marks, 0
    slope = _slope(marks)
    level = _sheared(marks, slope)
    lines = _lines(level, least, ruling)
    if not lines.any():
        return marks, 0
    thickest = max(3, round(ruling.thickest * max(marks.shape)))
    # Marks above or below a line, in a column of it, are a stroke that crosses it.
    strokes = cv2.morphologyEx(level, cv2.MORPH_OPEN, np.ones((_thickness(lines, thickest) + 2, 1), np.uint8))
    kept = as_grey(cv2.subtract(level, cv2.bitwise_and(lines, as_grey(1 - strokes))))
    number = int(np.count_nonzero(np.diff(lines.any(axis=1).astype(np.int8), prepend=0) == 1))
    return as_grey(cv2.bitwise_and(_sheared(kept, -slope, height), marks)), number


def _slope(marks: Grey) -> float:
    """The slope of the lines: sheared level by it, rows of pixels are fullest."""
    by = min(1.0, _QUICK / max(marks.shape))
    small = cv2.resize(marks * 255, None, fx=by, fy=by, interpolation=cv2.INTER_AREA) if by < 1 else marks * 255
    slopes = np.linspace(-_LEAN, _LEAN, _STEPS)
    fullness = [float((_sheared(as_grey(small), slope).sum(axis=1, dtype=np.float64) ** 2).sum()) for slope in slopes]
    return float(slopes[int(np.argmax(fullness))])


def _sheared(marks: Grey, slope: float, height: int | None = None) -> Grey:
    """The marks with each column moved so that lines of a slope become level: on a higher page, or cut to a height."""
    rows, width = marks.shape
    reach = round(_LEAN * width) + 1
    down = reach if height is None else -reach
    matrix = np.array([[1, 0, 0], [-slope, 1, down + slope * width / 2]], np.float64)
    size = (width, rows + 2 * reach if height is None else height)
    return as_grey(cv2.warpAffine(marks, matrix, size, flags=cv2.INTER_NEAREST))


def _lines(level: Grey, length: int, ruling: Ruling) -> Grey:
    """The pixels of long level runs, small gaps and wavering allowed, that are mostly drawn or near one that is.

    Digits that stand in rows make long runs too, which are mostly gaps. On squared paper the lines across make such
    runs as well; these are near a line that is drawn.
    """
    gap = max(3, length // 12)
    wider = cv2.dilate(level, np.ones((3, 1), np.uint8))
    closed = cv2.morphologyEx(wider, cv2.MORPH_CLOSE, np.ones((1, gap), np.uint8))
    along = np.ones((1, length), np.uint8)
    runs = cv2.morphologyEx(closed, cv2.MORPH_OPEN, along, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    drawn = (as_grey(cv2.blur(wider * 255, (length, 1), borderType=cv2.BORDER_CONSTANT)) > 255 * ruling.drawn) & (
        as_grey(runs) > 0
    )
    beside = np.ones((2 * round(ruling.near * length) + 1, 1), np.uint8)
    near = as_grey(cv2.dilate(as_grey(drawn.any(axis=1, keepdims=True)), beside))
    runs = as_grey(runs) * near
    return as_grey(cv2.bitwise_and(cv2.dilate(runs, np.ones((3, 1), np.uint8)), level))


def _least(side: int, longest: int, ruling: Ruling) -> int:
    """The pixels that a line is long at least."""
    return max(8, round(max(ruling.long * side, min(0.95 * side, ruling.longer * longest))))


def _thickness(lines: Grey, most: int) -> int:
    """The pixels that lines are thick in most places."""
    for thickness in range(1, most):
        thick = cv2.morphologyEx(lines, cv2.MORPH_OPEN, np.ones((thickness + 1, 1), np.uint8))
        if np.count_nonzero(thick) < 0.3 * np.count_nonzero(lines):
            return thickness
    return most
