"""A page to its digits in reading order: ink, pieces, the model's choice among them, then lines from the top."""

from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.errors import PictureError
from mnist_pipeline.pixels.light import Grey, Invert, as_grey
from mnist_pipeline.pixels.pictures import Picture, name_of, read_grey, unforeseen
from mnist_pipeline.prediction.pages.choosing import Box, Candidate, chain, choose
from mnist_pipeline.prediction.pages.ink import writing
from mnist_pipeline.prediction.pages.pieces import clusters, pieces

_LONGEST = 2000  # pixels of a page's longer side: digits of a hundredth of it are still 20 pixels tall
_SMALL = 800  # pixels of the longer side: a smaller page is enlarged twice, and its thin strokes stay whole
_COMPANY, _IN_COMPANY = 2, 0.6  # this many sure digits make any other shape a likelier one: the threshold is lowered
_SHORTEST, _FLATTEST = 0.45, 0.3  # of the usual height
_OFF_LINE = 0.6  # of a digit's height: how far off its line a digit may stand
_STEEPEST = 0.25  # of a line's slope
_FAR = 4.0  # digit heights: neighbours further away say nothing of the slope


class Model(Protocol):
    """What a page asks of a model."""

    name: str
    threshold: float
    """The confidence below which a digit is refused."""

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Ten probabilities for each of (n, 28, 28) images."""


@dataclass(frozen=True)
class PageDigit:
    """A digit on a page; `digit` is None when the model refuses it, and `guess` what it would be at best."""

    digit: int | None
    confidence: float
    guess: int
    box: Box
    """x, y, width, height in pixels of the picture, upright."""


@dataclass(frozen=True)
class Page:
    """The answer for one page; `error` says why a file could not be read."""

    image: str
    model: str
    lines: list[list[PageDigit]]
    error: str | None = None
    left_out: int = 0
    """How many shapes of writing there were beyond those that are read on one page."""

    @property
    def text(self) -> str:
        """The digits of each line, ? for a refused one."""
        return "\n".join("".join("?" if one.digit is None else str(one.digit) for one in line) for line in self.lines)

    def tree(self) -> dict[str, Any]:
        """The answer as plain values; `error` and `left_out` are there only when there is something to say."""
        digits = [dict(vars(one)) | {"box": list(one.box)} for line in self.lines for one in line]
        tree: dict[str, Any] = {"image": self.image, "model": self.model, "digits": digits, "text": self.text}
        if self.left_out:
            tree["left_out"] = self.left_out
        return tree if self.error is None else tree | {"error": self.error}


def read_page(picture: Picture, model: Model, invert: Invert = "auto") -> Page:
    """The digits of a picture; one that cannot be read is an answer too."""
    name = name_of(picture)
    try:
        return read_pixels(read_grey(picture), model, invert, name)
    except PictureError as error:
        return Page(name, model.name, [], str(error))
    except Exception as error:
        return Page(name, model.name, [], str(unforeseen(picture, error)))


def read_pixels(grey: Grey, model: Model, invert: Invert = "auto", image: str = "") -> Page:
    """The digits of a grey page, line by line."""
    page, by = _sized(grey)
    ink = writing(page, invert, max(1.0, by))
    found = pieces(ink.marks)
    if found is None:
        return Page(image, model.name, [])
    ways = choose([chain(found, ink.strength, group) for group in clusters(found)], model.probabilities)
    told = [
        (one, row)
        for way in ways
        for one, row in way
        if row is not None and _is_digit_sized(one, row, found.height, model.threshold)
    ]
    boxes = np.array([one.box for one, _ in told], np.int64).reshape(-1, 4)
    digits = _digits(told, by, model.threshold)
    read = [[digits[number] for number in line] for line in lines(boxes, found.height)]
    return Page(image, model.name, read, left_out=found.left_out)


def _sized(grey: Grey) -> tuple[Grey, float]:
    """The page at the size it is read in, and the factor to that size."""
    longest = max(grey.shape)
    if longest > _LONGEST:
        by, way = _LONGEST / longest, cv2.INTER_AREA
    elif longest < _SMALL:
        by, way = 2.0, cv2.INTER_CUBIC
    else:
        return grey, 1.0
    height, width = (max(1, round(side * by)) for side in grey.shape)
    return as_grey(cv2.resize(grey, (width, height), interpolation=way)), by


def _is_digit_sized(one: Candidate, row: NDArray[np.float32], height: float, threshold: float) -> bool:
    """Tall enough; a flat one, as a 5 or a 2 may be, when the model knows it."""
    _, _, wide, high = one.box
    flat = high >= _FLATTEST * height and wide >= _SHORTEST * height and row.max() >= threshold
    return bool(high >= _SHORTEST * height or flat)


def _digits(told: list[tuple[Candidate, NDArray[np.float32]]], by: float, threshold: float) -> list[PageDigit]:
    """The answers, their boxes in the picture's own pixels."""
    if sum(bool(row.max() >= threshold) for _, row in told) >= _COMPANY:
        threshold *= _IN_COMPANY
    digits = []
    for one, row in told:
        guess, confidence = int(row.argmax()), float(row.max())
        x, y, wide, high = (round(side / by) for side in one.box)
        digit = guess if confidence >= threshold else None
        digits.append(PageDigit(digit, confidence, guess, (x, y, max(1, wide), max(1, high))))
    return digits


def lines(boxes: NDArray[np.int64], height: float) -> list[list[int]]:
    """Numbers of the boxes (x, y, width, height) by line: lines from the top, each from the left."""
    x = boxes[:, 0] + boxes[:, 2] / 2
    y = boxes[:, 1] + boxes[:, 3] / 2
    level = y - _slope(x, y, height) * x
    rows: list[list[int]] = []
    # The last of a line is nearest, the last three together are steadier: a short digit stands high or low.
    ends, steady = np.zeros((2, len(boxes)))
    for number in np.argsort(x, kind="stable"):
        many = len(rows)
        away = np.minimum(np.abs(level[number] - ends[:many]), np.abs(level[number] - steady[:many]))
        nearest = int(away.argmin()) if many and away.min() <= _OFF_LINE * height else many
        if nearest == many:
            rows.append([])
        rows[nearest].append(int(number))
        ends[nearest], steady[nearest] = level[number], level[rows[nearest][-3:]].mean()
    return sorted(rows, key=lambda row: float(np.mean(level[row])))


def _slope(x: NDArray[np.float64], y: NDArray[np.float64], height: float) -> float:
    """The slope of all lines together: the weighted median of that from each digit to the nearest on its right."""
    steps = []
    for left, top in zip(x, y, strict=True):
        across, down = x - left, y - top
        after = np.flatnonzero((across > 0.2 * height) & (across < _FAR * height) & (np.abs(down) < _OFF_LINE * height))
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
