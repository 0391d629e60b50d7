"""Ruled and squared lines of a page, many at once: sheared level, and taken out where nothing crosses them."""

import cv2
import numpy as np

from mnist_pipeline.pixels.light import Grey, as_grey

_LEAN = 0.09  # of a line's slope, about five degrees
_LONG = 0.4  # of the page's side along the line, and
_LONGER = 0.25  # of its longer side: no stroke is as long, not on a strip of paper one digit high
_QUICK = 400  # pixels of the longer side in which the slope is looked for
_THICKEST = 0.008  # of the page's longer side
_DRAWN = 0.6  # of a line's length; rows of digits reach 0.6 only where they all but touch


def without_ruling(marks: Grey) -> Grey:
    """The marks less thin straight lines that run along the page or across it."""
    level = _less_level(marks)
    return np.ascontiguousarray(_less_level(np.ascontiguousarray(level.T)).T)


def _less_level(marks: Grey) -> Grey:
    height, width = marks.shape
    if np.count_nonzero(marks.any(axis=0)) < _least(width, max(marks.shape)):
        return marks
    slope = _slope(marks)
    level = _sheared(marks, slope)
    lines = _lines(level, max(marks.shape))
    if not lines.any():
        return marks
    thickest = max(3, round(_THICKEST * max(marks.shape)))
    # What a line's own column holds beside the line is a stroke that crosses it.
    strokes = cv2.morphologyEx(level, cv2.MORPH_OPEN, np.ones((_thickness(lines, thickest) + 2, 1), np.uint8))
    kept = as_grey(cv2.subtract(level, cv2.bitwise_and(lines, as_grey(1 - strokes))))
    return as_grey(cv2.bitwise_and(_sheared(kept, -slope, height), marks))


def _slope(marks: Grey) -> float:
    """The slope at which rows are fullest."""
    by = min(1.0, _QUICK / max(marks.shape))
    small = cv2.resize(marks * 255, None, fx=by, fy=by, interpolation=cv2.INTER_AREA) if by < 1 else marks * 255
    slopes = np.linspace(-_LEAN, _LEAN, 61)
    fullness = [float((_sheared(as_grey(small), slope).sum(axis=1, dtype=np.float64) ** 2).sum()) for slope in slopes]
    return float(slopes[int(np.argmax(fullness))])


def _sheared(marks: Grey, slope: float, height: int | None = None) -> Grey:
    """Every column moved down so that lines of the slope become level; back to the height by the opposite slope."""
    rows, width = marks.shape
    reach = round(_LEAN * width) + 1
    down = reach if height is None else -reach
    matrix = np.array([[1, 0, 0], [-slope, 1, down + slope * width / 2]], np.float64)
    size = (width, rows + 2 * reach if height is None else height)
    return as_grey(cv2.warpAffine(marks, matrix, size, flags=cv2.INTER_NEAREST))


def _lines(level: Grey, longest: int) -> Grey:
    """Long level runs, small gaps and wavering allowed, of which one is mostly drawn or near one that is.

    Digits that stand in rows make long runs too, which are mostly gaps. On squared paper the lines across make such
    runs; these are near a line that is drawn.
    """
    length = _least(level.shape[1], longest)
    gap = max(3, length // 12)
    wider = cv2.dilate(level, np.ones((3, 1), np.uint8))
    closed = cv2.morphologyEx(wider, cv2.MORPH_CLOSE, np.ones((1, gap), np.uint8))
    runs = cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((1, length), np.uint8))
    drawn = (as_grey(cv2.blur(wider * 255, (length, 1))) > 255 * _DRAWN) & (as_grey(runs) > 0)
    near = as_grey(cv2.dilate(as_grey(drawn.any(axis=1, keepdims=True)), np.ones((2 * gap + 1, 1), np.uint8)))
    runs = as_grey(runs) * near
    return as_grey(cv2.bitwise_and(cv2.dilate(runs, np.ones((3, 1), np.uint8)), level))


def _least(side: int, longest: int) -> int:
    return max(8, round(max(_LONG * side, min(0.95 * side, _LONGER * longest))))


def _thickness(lines: Grey, most: int) -> int:
    """How many pixels thick lines are in most places."""
    for thickness in range(1, most):
        thick = cv2.morphologyEx(lines, cv2.MORPH_OPEN, np.ones((thickness + 1, 1), np.uint8))
        if np.count_nonzero(thick) < 0.3 * np.count_nonzero(lines):
            return thickness
    return most
