"""Cuts through a shape that may be several digits in one: along paths from top to bottom that cross little ink."""

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.pixels.light import Grey, as_grey
from mnist_pipeline.pixels.shapes import stroke_width

_REACH = 0.25  # of a digit's height: how far a path strays to either side
_APART = 0.1  # of a digit's height: two cuts are no closer
_MOST_INK = 3.2  # strokes that a cut may cross
_MOST_CUTS = 24  # of one shape
_SIDEWAYS = 0.02  # what a step to the side costs, in pixels of ink


def cuts(shape: Grey, height: float) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Paths through a shape (0 or 1) from the left, each a column for each row; and the strokes that each crosses."""
    rows, columns = shape.shape
    reach = max(2, round(_REACH * height))
    step = max(1, round(height / 24))
    starts = np.arange(max(2, round(0.12 * height)), columns - max(1, round(0.12 * height)), step)
    if not len(starts):
        return np.zeros((0, rows), np.int32), np.zeros(0)
    ways, crossed = _cheapest(np.pad(shape, ((0, 0), (reach, reach))), starts, reach)
    crossed = crossed / max(1.0, stroke_width(shape))
    return _best(ways - reach, crossed, max(1.0, _APART * height))


def _cheapest(shape: Grey, starts: NDArray[np.int64], reach: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Around each start the path through the least ink, which moves one column a row at most; and its pixels of ink."""
    bands = np.stack([shape[:, start : start + 2 * reach + 1] for start in starts]).astype(np.float32)
    count, rows, width = bands.shape
    total = np.zeros((count, rows, width), np.float32)
    came = np.zeros((count, rows, width), np.int8)
    away = np.abs(np.arange(width) - reach) * (_SIDEWAYS / 8)
    total[:, 0] = bands[:, 0] + away
    far = np.full((count, 1), np.inf, np.float32)
    for row in range(1, rows):
        before = total[:, row - 1]
        left, right = np.hstack([far, before[:, :-1]]), np.hstack([before[:, 1:], far])
        ways = np.stack([left + _SIDEWAYS, before, right + _SIDEWAYS])
        best = ways.argmin(axis=0)
        came[:, row] = best - 1
        total[:, row] = np.take_along_axis(ways, best[None], 0)[0] + bands[:, row] + away
    at = total[:, -1].argmin(axis=1)
    paths = np.zeros((count, rows), np.int32)
    for row in range(rows - 1, -1, -1):
        paths[:, row] = at
        at = at + came[np.arange(count), row, at]
    ink = np.take_along_axis(bands, paths[:, :, None], 2)[:, :, 0].sum(axis=1)
    return paths + starts[:, None].astype(np.int32), ink.astype(np.float64)


def _best(
    paths: NDArray[np.int32], crossed: NDArray[np.float64], apart: float
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """The paths that cross the fewest strokes, each at a distance from better ones, none crossing another."""
    middle = paths.mean(axis=1)
    kept: list[int] = []
    for number in np.argsort(crossed, kind="stable"):
        if crossed[number] > _MOST_INK or len(kept) == _MOST_CUTS:
            break
        if all(abs(middle[number] - middle[other]) >= apart and _beside(paths[number], paths[other]) for other in kept):
            kept.append(int(number))
    kept.sort(key=lambda number: float(middle[number]))
    return paths[kept], crossed[kept]


def _beside(one: NDArray[np.int32], other: NDArray[np.int32]) -> bool:
    """Whether two paths do not cross."""
    away = one - other
    return bool((away >= 0).all() or (away <= 0).all())


def parts(shape: Grey, paths: NDArray[np.int32]) -> NDArray[np.int32]:
    """The shape in pieces, numbered from 1, cut along the paths."""
    columns = np.arange(shape.shape[1])
    numbers = np.ones(shape.shape, np.int32)
    for path in paths:
        numbers += columns[None] >= path[:, None]
    return numbers * (shape > 0)


def tidy(mask: Grey) -> Grey:
    """A mask without the crumbs that a cut leaves: without what is small beside the largest part."""
    count, labels, rows, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    if count <= 2:
        return mask
    keep = rows[:, 4] >= 0.08 * rows[1:, 4].max()
    keep[0] = False
    return as_grey(keep[labels])
