"""The order in which one reads what stands on a page: lines from the top, each from the left."""

import numpy as np
from numpy.typing import NDArray

_SAME = 0.6  # of a digit's height: how far off its line a digit may stand
_STEEPEST = 0.25  # of a line's slope
_FAR = 4.0  # digit heights: neighbours further away say nothing of the slope


def lines(boxes: NDArray[np.int64], height: float) -> list[NDArray[np.int64]]:
    """Boxes (x, y, width, height) by line, as numbers of their rows."""
    if not len(boxes):
        return []
    x = boxes[:, 0] + boxes[:, 2] / 2
    y = boxes[:, 1] + boxes[:, 3] / 2
    level = y - _slope(x, y, height) * x
    rows: list[list[int]] = []
    # The last of a line is nearest, the last three together are steadier: a short digit stands high or low.
    ends, steady = np.zeros((2, len(boxes)))
    for number in np.argsort(x, kind="stable"):
        many = len(rows)
        away = np.minimum(np.abs(level[number] - ends[:many]), np.abs(level[number] - steady[:many]))
        nearest = int(away.argmin()) if many and away.min() <= _SAME * height else many
        if nearest == many:
            rows.append([])
        rows[nearest].append(int(number))
        ends[nearest], steady[nearest] = level[number], level[rows[nearest][-3:]].mean()
    rows.sort(key=lambda row: float(np.mean(level[row])))
    return [np.asarray(row, np.int64) for row in rows]


def _slope(x: NDArray[np.float64], y: NDArray[np.float64], height: float) -> float:
    """Of all lines together, from each digit to the nearest on its right."""
    steps = []
    for left, top in zip(x, y, strict=True):
        across, down = x - left, y - top
        after = np.flatnonzero((across > 0.2 * height) & (across < _FAR * height) & (np.abs(down) < _SAME * height))
        if len(after):
            nearest = after[across[after].argmin()]
            steps.append((across[nearest], down[nearest]))
    if len(steps) < 2:
        return 0.0
    weights, falls = np.array(steps).T
    slopes = falls / weights
    order = np.argsort(slopes)
    middle = slopes[order][np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2)]
    return float(np.clip(middle, -_STEEPEST, _STEEPEST))
