"""The ink of a page: how far each pixel stands out of the paper, and which pixels are writing.

Paper is the brightness around a pixel, on a table, in shade or on a board; ink is what is darker, or lighter, than it.
Areas that come in from the border and ruled or squared lines are taken out, then each shape gets a threshold by the
strength of its own pen.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.pixels.ink import otsu_threshold
from mnist_pipeline.pixels.light import Grey, Invert, as_grey
from mnist_pipeline.pixels.lines import ON_A_PAGE, without_lines

_COARSE = 224  # pixels of the longer side at which the paper's brightness is found
_AROUND = 41  # of those: wide enough that most of it is bare paper, whatever is written there
_FAINTEST = 10  # steps of grey that ink differs from paper at least, and
_CLEAREST = 4.0  # times the noise of the paper
_NOISY = 2.5  # steps of grey from which on noise is smoothed
_DARKEST = 64  # of paper: what is darker would make noise into ink
_THIN = 0.02  # of the longer side: thinner marks tell whether ink is darker or lighter than paper
_EDGE = 40  # steps of grey between two parts of the background, such as a sheet and a table
_BLOT = 0.05  # of the longer side: what is narrower is no blot
_MOST_BLOTS = 64
_FAINT = 0.6  # of the page's threshold: no shape has a lower one
_SPAN = 0.4  # of a side of the page: what is as long may be a printed line
_LEAST_PEN = 0.004  # share of the pixels that stand out of the paper: where there is less, there is no pen


@dataclass(frozen=True)
class Writing:
    """What is written on a page."""

    strength: Grey
    """From 0, paper, to at most 255."""
    marks: Grey
    """1 where there is ink."""


def writing(grey: Grey, invert: Invert, soft: float = 1.0) -> Writing:
    """The ink of a page that was enlarged `soft` times; marks are all 0 where nothing is written."""
    darkest, lightest = _paper(grey)
    darker, lighter = as_grey(cv2.subtract(darkest, grey)), as_grey(cv2.subtract(grey, lightest))
    inverted = _is_dark(darker, lighter, as_grey(lightest - darkest)) if invert == "auto" else invert == "yes"
    # Light falls on paper and ink alike, so ink is a share of the paper's light; on a dark board it is what is added.
    share = np.ones_like(darkest, np.float32)
    if inverted:
        share = np.float32(255) / np.maximum(darkest, _DARKEST).astype(np.float32)
    strength = np.clip((darker if inverted else lighter) * share, 0, 255).astype(np.uint8)
    noise = _noise(grey, darkest, share)
    faintest = max(_FAINTEST, _CLEAREST * noise)
    if noise > _NOISY:
        strength = as_grey(cv2.GaussianBlur(strength, (0, 0), 0.8 * soft))
        faintest = max(_FAINTEST, 0.7 * faintest)
    strength = _without_lines(_without_blots(strength, faintest), faintest)
    return Writing(strength, _marked(strength, faintest))


def _paper(grey: Grey) -> tuple[Grey, Grey]:
    """The lowest and the highest brightness of the paper around each pixel: ink is the smaller part there."""
    height, width = grey.shape
    by = min(1.0, _COARSE / max(height, width))
    size = (max(1, round(width * by)), max(1, round(height * by)))
    around = max(3, round(max(size) * _AROUND / _COARSE) // 2 * 2 + 1)
    paper = cv2.medianBlur(np.ascontiguousarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA)), around)
    beside = np.ones((3, 3), np.uint8)
    darkest, lightest = (
        as_grey(cv2.resize(way(paper, beside), (width, height), interpolation=cv2.INTER_LINEAR))
        for way in (cv2.erode, cv2.dilate)
    )
    return darkest, lightest


def _noise(grey: Grey, paper: Grey, share: NDArray[np.float32]) -> float:
    """The spread of the paper's grey, in steps of ink: the median deviation of a sample of its pixels."""
    away = (grey.astype(np.float32) - paper) * share
    sample = away[:: max(1, grey.shape[0] // 500), :: max(1, grey.shape[1] // 500)]
    return 1.4826 * float(np.median(np.abs(sample - np.median(sample))))


def _is_dark(darker: Grey, lighter: Grey, edge: Grey) -> bool:
    """Whether ink is darker than paper: by the thin marks, those near the edge of a sheet left out."""
    width = max(3, round(_THIN * max(darker.shape)))
    around = np.ones((5 * width, 5 * width), np.uint8)
    far = as_grey(cv2.dilate(as_grey(edge > _EDGE), around)) == 0
    sums = []
    for side in (darker, lighter):
        thin = cv2.subtract(side, cv2.morphologyEx(side, cv2.MORPH_OPEN, np.ones((width, width), np.uint8)))
        sums.append((cv2.norm(thin * far), cv2.norm(thin)))
    (dark, all_dark), (light, all_light) = sums
    return dark >= light if max(dark, light) > 0.1 * max(all_dark, all_light) else all_dark >= all_light


def _without_blots(strength: Grey, faintest: float) -> Grey:
    """The strength without areas that come in from the border and are no strokes: the corner of a table, a thumb."""
    _, labels, rows, _ = cv2.connectedComponentsWithStats(as_grey(strength > faintest), connectivity=8)
    wide = _BLOT * max(strength.shape)
    x, y, width, height = rows[:, :4].T
    to_border = np.minimum(np.minimum(x, y), np.minimum(strength.shape[1] - x - width, strength.shape[0] - y - height))
    blots = (rows[:, 2:4].min(axis=1) > wide) & (to_border < wide) & (np.arange(len(rows)) > 0)
    for number in np.flatnonzero(blots)[:_MOST_BLOTS]:
        left, top, across, down, _ = rows[number]
        window = (slice(top, top + down), slice(left, left + across))
        area = labels[window] == number
        depth = float(cv2.distanceTransform(np.pad(area.view(np.uint8), 1), cv2.DIST_L2, 3).max())
        if depth > max(0.5 * wide, 0.25 * max(across, down)):
            strength[window][area] = 0
    return strength


def _without_lines(strength: Grey, faintest: float) -> Grey:
    """The strength without ruled and squared lines, looked for far below the pen's strength, where they are whole."""
    low = as_grey(strength > max(faintest, 0.25 * otsu_threshold(_counts(strength, faintest))))
    lines = cv2.subtract(low, without_lines(low, ON_A_PAGE))
    if not lines.any():
        return strength
    printed = 1.5 * float(np.percentile(strength[lines > 0], 75))  # what is darker is pen upon a line
    return np.where((lines > 0) & (strength <= printed), 0, strength).astype(np.uint8)


def _counts(strength: Grey, above: float) -> NDArray[np.float64]:
    counts = cv2.calcHist([strength], [0], None, [256], [0, 256]).ravel().astype(np.float64)
    counts[: int(above) + 1] = 0
    return counts


def _marked(strength: Grey, faintest: float) -> Grey:
    """The pixels of the pen: above half of its strength, in the middle of its soft edge, and above printed lines."""
    counts = _counts(strength, faintest)
    if not counts.any():
        return np.zeros_like(strength)
    middle = otsu_threshold(counts)
    counts[: middle + 1] = 0
    higher = otsu_threshold(counts) if counts.any() else middle
    if _are_lines(strength, counts, middle, higher):
        return as_grey(strength > higher)
    low = max(faintest, _FAINT * middle)
    # Faint and long: printed lines, no thin strokes.
    if _spans(as_grey(strength > 0.75 * low)):
        return as_grey(strength > middle)
    return _each_by_its_pen(strength, low, middle)


def _are_lines(strength: Grey, counts: NDArray[np.float64], middle: int, higher: int) -> bool:
    """Whether the pixels between two thresholds are printed lines: fainter than a pen would be, and long."""
    steps = np.arange(256)
    faint, pen = counts[: higher + 1], counts[higher + 1 :]
    if pen.sum() < _LEAST_PEN * counts.sum() or not faint.any():
        return False
    if faint @ steps[: higher + 1] / faint.sum() > 0.62 * (pen @ steps[higher + 1 :]) / pen.sum():
        return False
    return _spans(as_grey((strength > _FAINT * middle) & (strength <= higher)))  # above the one they may be broken


def _spans(marks: Grey) -> bool:
    """Whether a shape goes along much of the page."""
    joined = cv2.dilate(marks, np.ones((3, 3), np.uint8))
    _, _, rows, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    height, width = marks.shape
    return bool(((rows[1:, 2] > _SPAN * width) | (rows[1:, 3] > _SPAN * height)).any())


def _each_by_its_pen(strength: Grey, low: float, high: float) -> Grey:
    """Every shape above half of its own strongest pixel: a thin stroke is fainter than a bold one of the same pen."""
    _, labels = cv2.connectedComponents(as_grey(strength > low), connectivity=8)
    there = np.flatnonzero(labels)
    order = there[np.argsort(labels.ravel()[there], kind="stable")]
    numbers = labels.ravel()[order]
    starts = np.flatnonzero(np.diff(numbers, prepend=0))
    strongest = np.zeros(labels.max() + 1, np.float32)
    if len(starts):
        strongest[1:] = np.maximum.reduceat(strength.ravel()[order], starts)
    least = np.where(strongest >= 1.25 * low, np.clip(0.5 * strongest, low, high), 255)
    return as_grey((strength > least[labels]) & (labels > 0))
