"""How strongly each pixel is inked, whichever way the picture is: polarity told, uneven light taken out."""

import math
from functools import cache
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Invert = Literal["auto", "yes", "no"]
_LONGEST, SHORTEST = 256, 84  # pixels: the longer side of the picture in which shapes are looked for
_COARSE = 128  # pixels of the longer side at which polarity is looked for
_NARROW = 0.02, 0.04, 0.08, 0.16  # of the longer side: what is narrower may be a stroke
_ENOUGH = 0.1  # of all that is narrow; so 692 of 802 spoilt pictures and pages are told, with 0.3 647, 0.03 631
_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
_CLOSE, _OPEN = cv2.MORPH_CLOSE, cv2.MORPH_OPEN
_DARKEST = 8  # steps of grey: what is darker is noise


def as_grey(picture: object) -> Grey:
    """A picture that OpenCV made, typed as grey bytes, which OpenCV's own types do not say."""
    return np.asarray(picture, np.uint8)


def border(picture: Grey) -> Grey:
    """The outermost pixels of a picture."""
    return np.concatenate([picture[0], picture[-1], picture[1:-1, 0], picture[1:-1, -1]])


def marked_border(picture: Grey) -> float:
    """The share of a picture's outermost pixels that are not 0."""
    height, width = picture.shape
    rows = cv2.countNonZero(picture[0]) + cv2.countNonZero(picture[-1])
    sides = np.count_nonzero(picture[1:-1, 0]) + np.count_nonzero(picture[1:-1, -1])
    return float((rows + sides) / (2 * (width + max(height - 2, 0))))


def median(values: NDArray[np.generic]) -> float:
    """The median, by hand: np.median loads numpy.ma, which takes ten milliseconds of a single picture's time."""
    ordered = np.sort(values)
    return float(ordered[(len(ordered) - 1) // 2 : len(ordered) // 2 + 1].mean())


def working_size(grey: Grey) -> Grey:
    """A grey picture in a size in which strokes are a few pixels wide and every step is quick."""
    longest = max(grey.shape)
    if longest > _LONGEST:
        by, way = _LONGEST / longest, cv2.INTER_AREA
    elif longest < SHORTEST:
        by, way = float(-(-SHORTEST // longest)), cv2.INTER_CUBIC
    else:
        return grey
    height, width = (max(1, round(side * by)) for side in grey.shape)
    return as_grey(cv2.resize(grey, (width, height), interpolation=way))


def halves(grey: Grey) -> tuple[float, Grey]:
    """A picture cut into dark and light where they differ most: at which grey, and 1 where it is lighter than that."""
    middle, light = cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return middle, as_grey(light)


def on_black(grey: Grey) -> bool:
    """Whether all of the border is black, which makes `lightness` at most 1 whatever is drawn."""
    return not grey.item(0, 0) and not marked_border(grey)


def lightness(light: Grey) -> float:
    """How light the paper is, 0 (a board) to 2 (a sheet): paper is what most of a picture and of its border shows."""
    return cv2.countNonZero(light) / light.size + marked_border(light)


def ink_strength(dark: Grey, middle: float, light: Grey, soft: float = 1.0) -> tuple[Grey, float]:
    """How strongly each pixel is inked, 0 (paper) to at most 255, if light is even; and how uneven the paper is.

    The picture has dark ink and comes with its halves. One that was enlarged `soft` times has edges as soft as that.
    """
    bare = cv2.erode(light, _square(2 * round(max(1.5 * soft, 0.03 * max(dark.shape))) + 1))  # soft edges are no paper
    shown = cv2.countNonZero(bare) > 0  # else nothing speaks against even light
    mean, spread = mean_and_spread(as_grey(bare) if shown else light, dark)
    uneven = max(0.0, spread - 1) / max(mean - middle, 1) if shown else 0.0
    return as_grey(cv2.subtract(np.full_like(dark, round(mean)), dark)), uneven


# From sums of whole numbers: to the bit what cv2.mean and cv2.meanStdDev give, in less than half of their time.


def mean_where(mask: Grey, grey: Grey) -> float:
    """The mean of a grey picture where a mask is 1."""
    return _mean(grey * mask, cv2.countNonZero(mask))


def mean_and_spread(mask: Grey, grey: Grey) -> tuple[float, float]:
    """The mean and the standard deviation of a grey picture where a mask is 1."""
    return _mean_and_spread(grey * mask, cv2.countNonZero(mask))


def pen_and_paper(marks: Grey, strength: Grey) -> tuple[float, float, float]:
    """The mean strength where marks are 1, and its mean and standard deviation where they are 0."""
    inked, count = strength * marks, cv2.countNonZero(marks)
    return _mean(inked, count), *_mean_and_spread(strength - inked, marks.size - count)


def _mean(masked: Grey, count: int) -> float:
    """The mean of so many pixels, where all others are 0."""
    return cv2.sumElems(masked)[0] * (1 / count if count else 0.0)


def _mean_and_spread(masked: Grey, count: int) -> tuple[float, float]:
    """The mean and the standard deviation of so many pixels, where all others are 0."""
    mean, share = _mean(masked, count), 1 / count if count else 0.0
    # cv2.norm takes a root and squares it again: rounded, it is the whole number that it was before.
    squares = round(cv2.norm(masked, cv2.NORM_L2SQR))
    return mean, math.sqrt(max(squares * share - mean * mean, 0.0))


@cache
def _square(side: int) -> Grey:
    return np.ones((side, side), np.uint8)


def local_ink_strength(grey: Grey, inverted: bool, around: float, darkest: int) -> Grey:
    """How strongly each pixel is inked in any light, as a share of the paper's light there: light falls on both alike.

    Paper is what is left when all that is narrower than an octagon is painted over: ink is, while a shadow keeps its
    edge to the pixel, hard or soft. `around` is the octagon's width as a share of the picture's, `darkest` a bound on
    how dark paper can be.
    """
    by = min(1.0, _LONGEST / max(grey.shape))
    small = grey if by == 1 else as_grey(cv2.resize(grey, None, fx=by, fy=by, interpolation=cv2.INTER_AREA))
    side = round(around * max(small.shape)) | 1
    smooth = as_grey(cv2.medianBlur(small, 3))  # else paper would be as light as its noise reaches
    # Beyond the picture may lie what lies within: a shadow that only touches a corner keeps its edge as well.
    room, beyond = side // 2, (0 if inverted else 255,)
    wider = as_grey(cv2.copyMakeBorder(smooth, room, room, room, room, cv2.BORDER_CONSTANT, value=beyond))
    paper = _painted_over(wider, side, inverted)[room:-room, room:-room]
    if by < 1:  # at an edge of light ink is the smaller part
        paper = as_grey((cv2.erode if inverted else cv2.dilate)(paper, np.ones((3, 3), np.uint8)))
        paper = as_grey(cv2.resize(paper, grey.shape[::-1], interpolation=cv2.INTER_LINEAR))
    ink = cv2.subtract(paper, grey) if inverted else cv2.subtract(grey, paper)
    share = cv2.divide(ink, cv2.max(paper, darkest), dtype=cv2.CV_32F)  # type: ignore[call-overload]
    # Dark ink takes away at most all of the light; light ink sends back many times that of a board.
    return as_grey(cv2.convertScaleAbs(share, alpha=255 if inverted else 255 / max(float(share.max()), 1.0)))


def _painted_over(grey: Grey, side: int, dark: bool) -> Grey:
    """A picture without what is dark, or light, and narrower than an octagon.

    At a square's corners the edge of a round shadow would look like a stroke: with a square 86 % of 400 digits in a
    shadow to 20 % are read, with an octagon 92; a disc takes ten times as long.
    """
    corner = round(0.293 * side)
    square = np.ones((side - 2 * corner, side - 2 * corner), np.uint8)
    away, back = (cv2.dilate, cv2.erode) if dark else (cv2.erode, cv2.dilate)
    spread = away(away(grey, square), _CROSS, iterations=corner)
    return as_grey(back(back(spread, _CROSS, iterations=corner), square))


def darker_share(grey: Grey) -> float:
    """How much of what is as narrow as strokes is darker than what is beside it, from 0 to 1, in any light.

    Strokes are narrower than the gaps within and between digits: the smallest square counts that finds enough.
    """
    by = min(1.0, _COARSE / max(grey.shape))
    height, width = (max(1, round(side * by)) for side in grey.shape)
    small = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
    light = np.log(small.astype(np.float32) + _DARKEST)
    found = []
    for narrow in _NARROW:
        side = max(3, round(narrow * max(small.shape)) | 1)
        ways = [cv2.morphologyEx(small, way, np.ones((side, side), np.uint8)) for way in (_CLOSE, _OPEN)]
        found.append([float(((np.log(way.astype(np.float32) + _DARKEST) - light) ** 2).sum()) for way in ways])
    enough = _ENOUGH * sum(found[-1])
    dark, either = next((dark, dark + light_ink) for dark, light_ink in found if dark + light_ink >= enough)
    return dark / either if either else 0.5
