"""Takes ruled and squared lines out of the marks, as staves out of music: along the line, but not across a stroke."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.pixels.light import Grey, median
from mnist_pipeline.pixels.shapes import stroke_width

_LEAN = math.radians(7)  # how far a line may lean
_COVERED = 0.8  # share of a line's length that has to be marked
_THICKEST = 0.025  # of the picture's longer side
_SEVERAL = 3  # lines that are no accident of a digit's shape
_MOST = 300  # candidates looked at along each axis

Line = tuple[float, float]  # its row in the first column, its slope


def without_lines(marks: Grey) -> Grey:
    """The marks less the thin straight lines that run from border to border; the same array if there are none."""
    if not _spans(marks):
        return marks
    level, lines = _along_rows(marks)
    turned, more = _along_rows(np.ascontiguousarray(level.T))
    clean = np.ascontiguousarray(turned.T)
    gone = lines + more
    return clean if gone and _leaves_strokes(marks, clean, gone) else marks


def _spans(marks: Grey) -> bool:
    """Whether there is ink at opposite borders, without which no line goes from one to the other."""
    across = marks[:, :2].any() and marks[:, -2:].any()
    return bool(across or (marks[:2].any() and marks[-2:].any()))


def _along_rows(marks: Grey) -> tuple[Grey, int]:
    """The marks without nearly level lines, and how many of those there were."""
    clean, count = marks.copy(), 0
    for line in _candidates(marks):
        inside, met, rows, run = _runs(clean, line)
        if np.count_nonzero(met) < _COVERED * max(np.count_nonzero(inside), 0.4 * marks.shape[1]):
            continue
        thickness = median(run[met])
        if thickness > max(3, _THICKEST * max(marks.shape)):
            continue
        for column in np.flatnonzero(met & (run <= 1.6 * thickness + 1)):  # not where a stroke goes across
            clean[max(rows[column], 0) : rows[column] + run[column], column] = 0
        count += 1
    return clean, count


def _candidates(marks: Grey) -> list[Line]:
    """Nearly level lines with many marks on them, the most marked first."""
    level = math.pi / 2
    votes = round(0.4 * marks.shape[1])
    found = cv2.HoughLines(marks, 1, math.radians(0.5), votes, min_theta=level - _LEAN, max_theta=level + _LEAN)
    if found is None:
        return []
    polar = np.asarray(found, np.float64).reshape(-1, 2)[:_MOST]
    return [(distance / math.sin(angle), -math.cos(angle) / math.sin(angle)) for distance, angle in polar]


def _runs(marks: Grey, line: Line) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]:
    """What each column holds of a line: is it in the picture, do marks meet it, their first row, how many they are."""
    height, width = marks.shape
    middle = 3 * max(4, round(2 * _THICKEST * max(marks.shape)))
    columns = np.arange(width)
    centre = np.round(line[0] + line[1] * columns).astype(np.int64)
    place = np.arange(2 * middle + 1)[:, None]
    rows = centre + place - middle
    within = (rows >= 0) & (rows < height)
    band = within & (marks[np.clip(rows, 0, height - 1), columns] > 0)
    met_at = np.full(width, -1)
    for waver in (-2, 2, -1, 1, 0):  # a line wavers; nearest counts, so it comes last
        met_at = np.where(band[middle + waver], middle + waver, met_at)
    blank = ~band
    first = np.where(blank & (place < met_at), place, -1).max(axis=0) + 1
    last = np.where(blank & (place > met_at), place, len(band)).min(axis=0) - 1
    return within[middle], met_at >= 0, centre + first - middle, last - first + 1


def _leaves_strokes(marks: Grey, clean: Grey, lines: int) -> bool:
    """Whether strokes are left without the lines, not the rest of a digit of which a part looked like a line."""
    _, _, width, height = cv2.boundingRect(clean)
    if max(width, height) < 0.15 * max(marks.shape):
        return False
    return lines >= _SEVERAL or stroke_width(clean) > 1.1 * stroke_width(marks - clean)
