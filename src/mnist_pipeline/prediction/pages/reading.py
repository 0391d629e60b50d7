"""The order in which one reads what stands on a page: lines from the top, each from the left."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.errors import PictureError
from mnist_pipeline.pixels.light import Grey, Invert, as_grey
from mnist_pipeline.pixels.pictures import read_grey, unforeseen
from mnist_pipeline.prediction.pages.choosing import Box, Reading, best_of, chain, cut_up, doubtful, judged
from mnist_pipeline.prediction.pages.ink import writing
from mnist_pipeline.prediction.pages.pieces import clusters, pieces

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


LONGEST = 2000  # pixels of a page's longer side: digits of a hundredth of it are still 20 pixels tall
_SMALL = 800  # pixels of the longer side: a smaller page is enlarged twice, and its thin strokes stay whole
_COMPANY, _IN_COMPANY = 2, 0.6  # so many sure digits make any other shape likelier one: a lower threshold does for it
_SHORTEST, _FLATTEST = 0.45, 0.3  # of the usual height


class Model(Protocol):
    """What a page asks of a model."""

    name: str
    threshold: float
    """How sure it must be to answer."""

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Ten for each of (n, 28, 28) images."""


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
        digits = [
            {"digit": one.digit, "confidence": one.confidence, "guess": one.guess, "box": list(one.box)}
            for line in self.lines
            for one in line
        ]
        tree: dict[str, Any] = {"image": self.image, "model": self.model, "digits": digits, "text": self.text}
        if self.left_out:
            tree["left_out"] = self.left_out
        return tree if self.error is None else tree | {"error": self.error}


def read_page(path: str | Path, model: Model, invert: Invert = "auto") -> Page:
    """The digits of a picture file; a file that cannot be read is an answer too."""
    try:
        return read_pixels(read_grey(path), model, invert, str(path))
    except PictureError as error:
        return Page(str(path), model.name, [], str(error))
    except Exception as error:
        return Page(str(path), model.name, [], str(unforeseen(path, error)))


def read_pixels(grey: Grey, model: Model, invert: Invert = "auto", image: str = "") -> Page:
    """The digits of a grey page, line by line."""
    page, by = _sized(grey)
    ink = writing(page, invert, max(1.0, by))
    found = pieces(ink.marks)
    if found is None:
        return Page(image, model.name, [])
    chains = [chain(found, ink.strength, group) for group in clusters(found)]
    answers: list[list[tuple[Reading, NDArray[np.float32] | None]]] = []
    for further in (False, True):  # as drawn, and cut up what that leaves in doubt
        at = [number for number in range(len(chains)) if not further or doubtful(answers[number], found.height)]
        if further:
            for number in at:
                chains[number] = cut_up(chains[number])
        ways = [list(chains[number].readings()) for number in at]
        rows = judged([reading for way in ways for reading in way], model.probabilities)
        for number, way in zip(at, ways, strict=True):
            mine, rows = rows[: len(way)], rows[len(way) :]
            best = best_of(way, mine, chains[number].count)
            if further:
                answers[number] = best
            else:
                answers.append(best)
    told = [(reading, row) for answer in answers for reading, row in answer if row is not None]
    told = [one for one in told if _is_digit_sized(*one, found.height, model.threshold)]
    return Page(image, model.name, _in_lines(told, found.height, by, model), left_out=found.left_out)


def _is_digit_sized(reading: Reading, row: NDArray[np.float32], height: float, threshold: float) -> bool:
    """Tall enough; a flat one, as a 5 or a 2 may be, when the model knows it."""
    _, _, wide, high = reading.box
    flat = high >= _FLATTEST * height and wide >= _SHORTEST * height and row.max() >= threshold
    return bool(high >= _SHORTEST * height or flat)


def _in_lines(
    told: list[tuple[Reading, NDArray[np.float32]]], height: float, by: float, model: Model
) -> list[list[PageDigit]]:
    digits = []
    surely = sum(bool(row.max() >= model.threshold) for _, row in told)
    threshold = model.threshold * (_IN_COMPANY if surely >= _COMPANY else 1)
    for reading, row in told:
        guess, confidence = int(row.argmax()), float(row.max())
        x, y, wide, high = (round(side / by) for side in reading.box)
        box = (x, y, max(1, wide), max(1, high))
        digits.append(PageDigit(guess if confidence >= threshold else None, confidence, guess, box))
    boxes = np.array([reading.box for reading, _ in told], np.int64).reshape(-1, 4)
    return [[digits[number] for number in line] for line in lines(boxes, height)]


def _sized(grey: Grey) -> tuple[Grey, float]:
    """The page at the size it is read in, and how many times its own size that is."""
    longest = max(grey.shape)
    if longest > LONGEST:
        by, way = LONGEST / longest, cv2.INTER_AREA
    elif longest < _SMALL:
        by, way = 2.0, cv2.INTER_CUBIC
    else:
        return grey, 1.0
    height, width = (max(1, round(side * by)) for side in grey.shape)
    return as_grey(cv2.resize(grey, (width, height), interpolation=way)), by
