"""The shapes of a page that are writing, how tall its digits are, and which shapes are near enough to be one digit."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.pixels.light import Grey

MOST = 4000  # pieces read on one page, largest first; 1,000 digits are about 1,200
_TELLING = 600  # largest shapes, which tell the height of digits: thousands of specks would outweigh them
_SHORTEST = 5  # pixels of a digit's height
_SPECK = 0.12  # of a digit's height
_TALL = 0.5  # of a digit's height: from here on a shape may be a digit by itself
_NEAR = 0.16  # of a digit's height


@dataclass(frozen=True)
class Pieces:
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
    left_out = max(0, len(numbers) - MOST)
    numbers = numbers[:MOST]
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
