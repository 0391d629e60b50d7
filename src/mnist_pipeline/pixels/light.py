"""How strongly each pixel is inked, whichever way the picture is: polarity told, uneven light taken out."""

from functools import cache
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Invert = Literal["auto", "yes", "no"]
_LONGEST, _SHORTEST = 256, 84  # pixels: the longer side of the picture in which shapes are looked for
_CELLS = 16  # along each side of the grid that the paper's light is fitted on
_COARSE, _AROUND = 64, 15  # pixels of the longer side, and how far around paper is looked for: wider than any stroke
_FEWEST = 60  # cells that show paper: fewer say nothing of its light
_SMOOTH = 1e-3 * np.eye(6, dtype=np.float32)
_EDGE = np.ones((5, 5), np.uint8)


def as_grey(picture: object) -> Grey:
    """A picture that OpenCV made, typed as grey bytes, which OpenCV's own types do not say."""
    return np.asarray(picture, np.uint8)


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
    elif longest < _SHORTEST:
        by, way = float(-(-_SHORTEST // longest)), cv2.INTER_CUBIC
    else:
        return grey
    height, width = (max(1, round(side * by)) for side in grey.shape)
    return as_grey(cv2.resize(grey, (width, height), interpolation=way))


def lightness(grey: Grey) -> float:
    """How light the paper is, 0 (a board) to 2 (a sheet): paper is what most of a picture and of its border shows."""
    light = as_grey(cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)[1])
    return cv2.countNonZero(light) / light.size + marked_border(light)


def ink_strength(grey: Grey, inverted: bool) -> Grey:
    """How strongly each pixel is inked, 0 (paper) to at most 255, where the paper's light changes slowly if at all."""
    dark = grey if inverted else 255 - grey
    return as_grey(cv2.subtract(_paper(dark), dark))


def local_ink_strength(grey: Grey, inverted: bool) -> Grey:
    """How strongly each pixel is inked where the light changes at once: each place against the lightest around it."""
    dark = grey if inverted else 255 - grey
    height, width = dark.shape
    by = _COARSE / max(height, width)
    small = cv2.resize(dark, (max(1, round(width * by)), max(1, round(height * by))), interpolation=cv2.INTER_AREA)
    around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_AROUND, _AROUND))
    paper = cv2.blur(cv2.morphologyEx(small, cv2.MORPH_CLOSE, around), (3, 3))
    return as_grey(cv2.subtract(cv2.resize(paper, (width, height), interpolation=cv2.INTER_LINEAR), dark))


def _paper(dark: Grey) -> Grey:
    """The paper's brightness behind dark ink: one value where light is even, else a curved surface."""
    middle, ink = cv2.threshold(dark, 0, 1, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)
    bare = 1 - as_grey(cv2.dilate(ink, _EDGE))  # a stroke's soft edge is not paper
    mean, spread = (float(value[0, 0]) for value in cv2.meanStdDev(dark, mask=bare))
    if not bare.any():
        return np.full_like(dark, 255)
    surface = None
    if spread > 0.03 * (mean - middle) + 1:
        surface = _fit_surface(_cells(dark).ravel().astype(np.float32), _cells(bare * 255).ravel() > 250)
    if surface is None:
        return np.full_like(dark, round(mean))
    height, width = dark.shape
    spread_out = cv2.resize(surface.reshape(_CELLS, _CELLS), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.clip(spread_out, 0, 255).astype(np.uint8)


def _cells(grey: Grey) -> Grey:
    """The mean of each cell of the grid."""
    return as_grey(cv2.resize(grey, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA))


def _fit_surface(light: NDArray[np.float32], paper: NDArray[np.bool_]) -> NDArray[np.float32] | None:
    """A quadratic surface through the paper's cells, fitted again without cells far off it: shadows, the table."""
    terms = _terms()
    used = paper
    for _ in range(3):
        if np.count_nonzero(used) < _FEWEST:
            return None
        rows = terms[used]
        factors = np.linalg.solve(rows.T @ rows + _SMOOTH, rows.T @ light[used])
        surface: NDArray[np.float32] = terms @ factors
        off = np.abs(light - surface)
        before, used = used, paper & (off < 4.5 * max(1.0, median(off[used])))
        if (before == used).all():  # and so would be the next surface
            break
    return surface


@cache
def _terms() -> NDArray[np.float32]:
    """The terms of a quadratic, 1, x, y, x², y² and xy, at each cell."""
    y, x = (axis.ravel() for axis in np.mgrid[-0.5 : 0.5 : _CELLS * 1j, -0.5 : 0.5 : _CELLS * 1j].astype(np.float32))
    return np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=1)
