"""Which pixels are ink: a threshold between paper and pen, above faint lines, and none where nothing is drawn."""

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.ink.light import Grey, as_grey

_VALUES = np.arange(256, dtype=np.float64)
_FAINTEST = 10  # steps of grey between paper and pen
_CROWDED = 0.08  # share of the border that is marked
_WIDE = 0.36  # of the picture's longer side
_CLEAREST = 3.5  # times the paper's own unevenness


def marked(strength: Grey) -> Grey:
    """Ink as 1, the rest as 0; all 0 when nothing stands out of the paper."""
    counts = cv2.calcHist([strength], [0], None, [256], [0, 256]).ravel().astype(np.float64)
    middle = _between(counts)
    above = counts.copy()
    above[: middle + 1] = 0
    if not _stands_out(counts, above):
        return np.zeros_like(strength)
    second = _between(above)
    if _is_fainter(above, second):
        middle = second
    return as_grey(strength > middle)


def is_crowded(marks: Grey) -> bool:
    """Whether what is marked comes in from the border and is wider than strokes: shadow, or a table."""
    border = np.concatenate([marks[0], marks[-1], marks[1:-1, 0], marks[1:-1, -1]])
    if np.count_nonzero(border) < _CROWDED * border.size:
        return False
    depth = cv2.distanceTransform(marks, cv2.DIST_L2, 3)
    return bool(depth.max() > _WIDE / 2 * max(marks.shape))


def _between(counts: NDArray[np.float64]) -> int:
    """Otsu's threshold: the value up to which one kind of pixel goes."""
    below = np.cumsum(counts)
    total = below[-1]
    moment = np.cumsum(counts * _VALUES)
    weight = below * (total - below)
    apart = (moment[-1] * below - moment * total) ** 2 / np.maximum(weight, 1)
    return int(apart.argmax()) if weight.any() else 255


def _stands_out(counts: NDArray[np.float64], above: NDArray[np.float64]) -> bool:
    pen = _mean(above)
    paper = counts - above
    deviation = np.sqrt(float(((_VALUES - _mean(paper)) ** 2) @ paper) / max(paper.sum(), 1))
    return pen - _mean(paper) > max(_FAINTEST, _CLEAREST * float(deviation))


def _is_fainter(above: NDArray[np.float64], second: int) -> bool:
    """Whether the marks up to the second threshold are another kind: printed lines or shadow beneath a pen."""
    pen = above.copy()
    pen[: second + 1] = 0
    faint = above - pen
    return pen.sum() > 0.15 * above.sum() and _mean(faint) < 0.45 * _mean(pen)


def _mean(counts: NDArray[np.float64]) -> float:
    total = float(counts.sum())
    return float(counts @ _VALUES) / total if total else 0.0
