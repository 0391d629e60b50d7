"""The ink of a whole page, whose digits are small: told from the paper around each place, not from the whole."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.ink.light import Grey, Invert, as_grey
from mnist_pipeline.ink.marks import between

_COARSE = 224  # pixels of the longer side in which the paper is looked at
_AROUND = 41  # of those: wide enough that most of it is bare paper, whatever is written there
_FAINTEST = 10  # steps of grey between paper and pen
_CLEAREST = 4.0  # times the paper's own unevenness
_NOISY = 2.5  # steps of grey from which on noise is smoothed
_DARKEST = 64  # of paper: what is darker would make noise into ink
_THIN = 0.02  # of the longer side: what is thinner says on which side of the paper's grey the ink is
_BLOT = 0.05  # of the longer side
_MOST_BLOTS = 64


@dataclass(frozen=True)
class Writing:
    """What is written on a page."""

    strength: Grey
    """From 0, paper, to at most 255."""
    marks: Grey
    """1 where there is ink."""
    inverted: bool
    """Whether the ink is what is dark."""


def writing(grey: Grey, invert: Invert) -> Writing:
    """The ink of a page; marks are all 0 where nothing is written."""
    paper = _paper(grey)
    lighter = paper.astype(np.float32) - grey
    inverted = _is_dark(lighter) if invert == "auto" else invert == "yes"
    # Light falls on paper and ink alike, so ink is a share of the paper's light; on a dark board it is what is added.
    lighter = lighter * (255 / np.maximum(paper, _DARKEST)) if inverted else -lighter
    noise = 1.4826 * float(np.median(np.abs(lighter)))
    faintest = max(_FAINTEST, _CLEAREST * noise)
    strength = np.clip(lighter, 0, 255).astype(np.uint8)
    if noise > _NOISY:
        strength = as_grey(cv2.GaussianBlur(strength, (0, 0), 0.8))
        faintest = max(_FAINTEST, 0.7 * faintest)
    strength = _without_blots(strength, faintest)
    return Writing(strength, _marked(strength, faintest), inverted)


def _paper(grey: Grey) -> Grey:
    """The brightness around each place, of which ink is the smaller part."""
    height, width = grey.shape
    by = _COARSE / max(height, width)
    if by < 1:
        grey = as_grey(
            cv2.resize(grey, (max(1, round(width * by)), max(1, round(height * by))), interpolation=cv2.INTER_AREA)
        )
    around = _AROUND if by < 1 else max(3, round(max(height, width) * _AROUND / _COARSE) // 2 * 2 + 1)
    paper = cv2.medianBlur(np.ascontiguousarray(grey), around)
    return as_grey(cv2.resize(paper, (width, height), interpolation=cv2.INTER_LINEAR))


def _is_dark(lighter: NDArray[np.float32]) -> bool:
    """Thin ink stands out of the paper to one side; noise and the edges of a sheet do so to both."""
    width = max(3, round(_THIN * max(lighter.shape)))
    dark, light = (
        cv2.subtract(side, cv2.morphologyEx(side, cv2.MORPH_OPEN, np.ones((width, width), np.uint8)))
        for side in (np.maximum(lighter, 0), np.maximum(-lighter, 0))
    )
    return float(cv2.norm(dark)) >= float(cv2.norm(light))


def _without_blots(strength: Grey, faintest: float) -> Grey:
    """Less what is no stroke but an area that comes in from the border: the corner of a table, a thumb."""
    _, labels, rows, _ = cv2.connectedComponentsWithStats(as_grey(strength > faintest), connectivity=8)
    wide = _BLOT * max(strength.shape)
    x, y, width, height = rows[:, :4].T
    to_border = np.minimum(
        np.minimum(x, y), np.minimum(strength.shape[1] - x - width, strength.shape[0] - y - height)
    )
    blots = (rows[:, 2:4].min(axis=1) > wide) & (to_border < wide) & (np.arange(len(rows)) > 0)
    for number in np.flatnonzero(blots)[:_MOST_BLOTS]:
        left, top, across, down, _ = rows[number]
        window = (slice(top, top + down), slice(left, left + across))
        area = labels[window] == number
        depth = float(cv2.distanceTransform(np.pad(area.view(np.uint8), 1), cv2.DIST_L2, 3).max())
        if depth > max(0.5 * wide, 0.22 * max(across, down)):
            strength[window][area] = 0
    return strength


def _marked(strength: Grey, faintest: float) -> Grey:
    """Above half of the pen's strength: the middle of its soft edge, and more than most printed lines have."""
    counts = cv2.calcHist([strength], [0], None, [256], [0, 256]).ravel().astype(np.float64)
    counts[: int(faintest) + 1] = 0
    if not counts.any():
        return np.zeros_like(strength)
    return as_grey(strength > max(between(counts), faintest))
