"""The shapes of a page that are writing, how tall its digits are, which shapes may be one digit or several."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.pixels.light import Grey, as_grey
from mnist_pipeline.pixels.shapes import stroke_width

MOST = 4000  # pieces read on one page, largest first; 1,000 digits are about 1,200
_TELLING = 600  # largest shapes, which tell the height of digits: thousands of specks would outweigh them
_SHORTEST = 5  # pixels of a digit's height
_SPECK = 0.12  # of a digit's height
_TALL = 0.5  # of a digit's height: from here on a shape may be a digit by itself
_NEAR = 0.16  # of a digit's height


class Pieces(NamedTuple):
    """The shapes of a page that are writing."""

    labels: NDArray[np.int32]  # the number of each pixel's shape
    numbers: NDArray[np.int64]  # of the pieces, in the labels
    rows: NDArray[np.int64]  # of the pieces: x, y, width, height, area
    height: float  # of most digits, in pixels
    left_out: int  # the number of further pieces, too many to be read


def pieces(marks: Grey) -> Pieces | None:
    """The shapes of digits and of parts of digits; None when there are none."""
    _, labels, found, _ = cv2.connectedComponentsWithStats(marks, connectivity=8)
    rows = found.astype(np.int64)
    sizes = rows[:, 2:4].max(axis=1)
    sizes[0] = 0  # the paper
    numbers = np.argsort(-sizes, kind="stable")
    numbers = numbers[sizes[numbers] >= 2]
    numbers = numbers[~_lines_and_frames(rows[numbers], marks.shape)]
    if not len(numbers) or rows[numbers, 3].max() < _SHORTEST:
        return None
    height = _usual_height(rows[numbers[:_TELLING]])
    wide, high = rows[numbers, 2], rows[numbers, 3]
    fits = (np.maximum(wide, high) > max(2.0, _SPECK * height)) & (high < 3 * height)
    fits &= ~((wide > 2 * height) & (high < 0.35 * height))  # a dash, an underline
    numbers = numbers[fits]
    noise = len(numbers) > _TELLING and height < _SHORTEST
    if noise or not len(numbers):
        return None
    left_out, numbers = max(0, len(numbers) - MOST), numbers[:MOST]
    return Pieces(labels.astype(np.int32, copy=False), numbers, rows[numbers], height, left_out)


def _lines_and_frames(rows: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which shapes go around others or along the page, or are left of the picture's own edge."""
    x, y, wide, high, area = rows.T
    page_height, page_width = shape
    middle_x, middle_y = x + wide / 2, y + high / 2
    gone = np.zeros(len(rows), bool)
    hollow = area < 0.25 * wide * high
    for number in np.flatnonzero(hollow & ((wide > 0.3 * page_width) | (high > 0.3 * page_height))):
        inside = (middle_x > x[number]) & (middle_x < x[number] + wide[number])
        inside &= (middle_y > y[number]) & (middle_y < y[number] + high[number])
        inside &= (wide < 0.7 * wide[number]) & (high < 0.7 * high[number])
        # A thin line is a frame around anything, a thicker one may be a 0 with specks in it.
        least = 0.015 if area[number] < 0.08 * wide[number] * high[number] else 0.08
        gone[number] = (np.maximum(wide, high)[inside] > least * max(wide[number], high[number])).any()
    thin = np.minimum(wide, high) < 0.04 * np.maximum(wide, high)
    gone |= thin & ((wide > 0.3 * page_width) | (high > 0.3 * page_height))
    border = (x <= 1) | (y <= 1) | (x + wide >= page_width - 1) | (y + high >= page_height - 1)
    gone |= border & ((wide > 0.6 * page_width) | (high > 0.6 * page_height)) & hollow
    return gone


def _usual_height(rows: NDArray[np.int64]) -> float:
    """The median height of shapes by their ink: specks count for little."""
    high = rows[:, 3].astype(float)
    weights = np.minimum(rows[:, 4], 4 * np.median(rows[:, 4][high >= 0.5 * high.max()])).astype(float)
    order = np.argsort(high)
    share = np.cumsum(weights[order]) / weights.sum()
    return float(high[order][np.searchsorted(share, 0.5)])


def clusters(found: Pieces) -> list[NDArray[np.int64]]:
    """Clusters of pieces that stand so close that they may be parts of one digit: their rows, from the left."""
    centre = found.rows[:, 0] + found.rows[:, 2] / 2
    left = np.ones(len(found.rows), bool)
    groups = []
    while left.any():
        waiting = [int(left.argmax())]
        left[waiting] = False
        group = []
        while waiting:
            piece = waiting.pop()
            group.append(piece)
            others = np.flatnonzero(left)
            joined = others[_joined(found, piece, others)]
            left[joined] = False
            waiting += joined.tolist()
        rows = np.sort(group)
        groups.append(rows[np.argsort(centre[rows], kind="stable")])
    return groups


def _joined(found: Pieces, piece: int, others: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of the others may be parts of the digit that a piece is part of."""
    x, y, wide, high, _ = found.rows[others].T
    my_x, my_y, my_wide, my_high, _ = found.rows[piece]
    right, bottom, my_right, my_bottom = x + wide, y + high, my_x + my_wide, my_y + my_high
    beside = np.maximum(np.maximum(x, my_x) - np.minimum(right, my_right), 0)
    above = np.maximum(np.maximum(y, my_y) - np.minimum(bottom, my_bottom), 0)
    near = np.hypot(beside, 0.6 * above) <= _NEAR * found.height
    together = np.minimum(bottom, my_bottom) - np.maximum(y, my_y)
    side_by_side = together >= 0.4 * np.minimum(high, my_high)
    stacked = np.maximum(bottom, my_bottom) - np.minimum(y, my_y) <= 1.4 * found.height
    # Two that are each as tall as a digit belong together only where both fit into one.
    both_tall = np.minimum(high, my_high) >= _TALL * found.height
    fit = np.maximum(right, my_right) - np.minimum(x, my_x) <= 1.2 * found.height
    return np.asarray(near & (side_by_side | stacked) & (~both_tall | fit))


# Cuts through a shape that may be several digits in one: along paths from top to bottom that cross little ink

_REACH = 0.25  # of a digit's height: how far a path strays to either side
_APART = 0.1  # of a digit's height: two cuts are no closer
_MOST_INK = 3.2  # strokes that a cut may cross
_MOST_CUTS = 24  # of one shape
_SIDEWAYS = 0.02  # what a step to the side costs, in pixels of ink
Cuts = tuple[NDArray[np.int32], NDArray[np.float64]]  # paths, each a column for each row; the strokes that each crosses


def cuts(shape: Grey, height: float) -> Cuts:
    """The best paths through a shape (0 or 1), from the left."""
    rows, columns = shape.shape
    reach = max(2, round(_REACH * height))
    step = max(1, round(height / 24))
    starts = np.arange(max(2, round(0.12 * height)), columns - max(1, round(0.12 * height)), step)
    if not len(starts):
        return np.zeros((0, rows), np.int32), np.zeros(0)
    ways, crossed = _cheapest(np.pad(shape, ((0, 0), (reach, reach))), starts, reach)
    crossed = crossed / max(1.0, stroke_width(shape))
    return _best(ways - reach, crossed, max(1.0, _APART * height))


def _cheapest(shape: Grey, starts: NDArray[np.int64], reach: int) -> Cuts:
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


def _best(paths: NDArray[np.int32], crossed: NDArray[np.float64], apart: float) -> Cuts:
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
