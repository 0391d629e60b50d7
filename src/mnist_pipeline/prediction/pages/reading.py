"""A page to its digits in reading order: ink, pieces, the model's choice among them, lines from the top."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.errors import MnistError, PictureError
from mnist_pipeline.numerals import digit_of
from mnist_pipeline.pixels.ink import find_writing
from mnist_pipeline.pixels.light import Grey, Invert, as_grey, darker_share
from mnist_pipeline.pixels.pictures import Picture, name_of, read_grey, unforeseen
from mnist_pipeline.prediction.pages.choosing import Box, Candidate, chain, choose
from mnist_pipeline.prediction.pages.pieces import clusters, pieces
from mnist_pipeline.prediction.prediction import reconsidered
from mnist_pipeline.runs.files import whole

_LONGEST = 2000  # pixels of a page's longer side: digits of a hundredth of it are still 20 pixels tall
_SMALL = 800  # pixels of the longer side: a smaller page is enlarged twice, and its thin strokes stay whole
_COMPANY, _IN_COMPANY = 2, 0.6  # this many sure digits make any other shape a likelier one: the threshold is lowered
_EITHER = 0.1  # of what is as narrow as strokes: where the rarer polarity has more, it may be the ink's
# Mean confidence below which the other polarity is looked at: where either may be the ink's, and anywhere. With both
# looked at on every page where either may be, one took 2.4 times as long and none more was right.
_CONFIDENT, _DOUBTFUL = 0.98, 0.9
# Whether a page is turned round. With _SO_SURE at 0.5, _PLAIN at 0.9 and one polarity, 91.9 % of 1,073 digits on turned
# pages were right instead of 99.3 %, and 90.4 instead of 98.3 % of 530 others, which did not set _SO_SURE.
_TELLING = 4  # so many digits tell it
_PLAIN = 0.97  # the mean confidence from which on they stand upright
_SO_SURE = 0.85  # the confidence of a digit from which on it speaks for a way round, and below it against it
_CLEARLY = 0.1  # by so much more, in all, another way round has to be spoken for
_SHORTEST, _FLATTEST = 0.45, 0.3  # of the usual height
_OFF_LINE = 0.6  # of a digit's height: how far off its line a digit may stand
_STEEPEST = 0.25  # of a line's slope
_FAR = 4.0  # digit heights: neighbours further away say nothing of the slope


_Told = list[tuple[Candidate, NDArray[np.float32]]]  # candidates, each with the model's probabilities for its image


class Model(Protocol):
    """What a page asks of a model."""

    name: str
    threshold: float  # the confidence below which a digit is refused

    @property
    def classes(self) -> Sequence[str]:
        """The names of the classes, each a digit or a letter."""

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The probabilities of the classes for each of (n, 28, 28) images."""


@dataclass(frozen=True)
class PageDigit:
    """A digit or letter on a page; `label` is None when the model refuses it, `nearest` what it would be at best."""

    digit: int | None  # None for a letter, too
    label: str | None
    confidence: float
    guess: int  # the number of the nearest class
    nearest: str
    box: Box  # x, y, width, height in pixels of the picture, upright


@dataclass(frozen=True)
class Page:
    """The answer for one page; `error` says why a file could not be read."""

    image: str
    model: str
    lines: list[list[PageDigit]]
    error: str | None = None
    left_out: int = 0  # how many shapes of writing there were beyond those that are read on one page

    @property
    def text(self) -> str:
        """The digits of each line, ? for a refused one."""
        return "\n".join("".join(one.label or "?" for one in line) for line in self.lines)

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
        return Page(name, model.name, [], str(unforeseen(name, error)))


def read_pixels(grey: Grey, model: Model, invert: Invert = "auto", image: str = "") -> Page:
    """The digits of a grey page, line by line; dark or light, and turned round, where its own digits make it plain."""
    page, by = _sized(grey)
    darker = darker_share(page) if invert == "auto" else float(invert == "yes")

    def look_at(inverted: bool, turn: int = 0) -> _Look:
        return _look(page, inverted, turn, max(1.0, by), model)

    def likelihood(look: _Look) -> float:
        return look.certainty * (darker if look.inverted else 1 - darker)

    first = look = look_at(darker > 0.5)
    if invert == "auto" and look.confidence < (_CONFIDENT if min(darker, 1 - darker) > _EITHER else _DOUBTFUL):
        look = max(look, look_at(not look.inverted), key=likelihood)
    if max(len(first.told), len(look.told)) >= _TELLING and look.confidence < _PLAIN:
        # What is turned round may be surer of nothing in the other polarity: turned in both.
        ways = [(way, turn) for way in {first.inverted, look.inverted} for turn in (1, 2, 3)]
        turned = max((look_at(*way) for way in ways), key=lambda one: one.surplus)
        look = turned if turned.surplus > max(look.surplus, 0.0) + _CLEARLY else look
    boxes = np.array([one.box for one, _ in look.told], np.int64).reshape(-1, 4)
    digits = _digits(_reconsidered(look.told, model), model.threshold, model.classes)
    upright = [replace(one, box=_in_picture(one.box, look.turn, page.shape, by)) for one in digits]
    read = [[upright[number] for number in line] for line in lines(boxes, look.height)]
    return Page(image, model.name, read, left_out=look.left_out)


class _Look(NamedTuple):
    """What is found on a page when it is looked at in one way."""

    told: _Told
    height: float
    left_out: int
    inverted: bool
    turn: int  # how many quarters the page was turned, anticlockwise

    @property
    def certainty(self) -> float:
        """How much its digits speak for this way to look: those that the model is unsure of speak against it."""
        return max(0.0, sum(float(row.max()) - 0.5 for _, row in self.told))

    @property
    def surplus(self) -> float:
        """How much surer the model is of its digits, in all, than it may be of shapes that are none."""
        return sum(float(row.max()) - _SO_SURE for _, row in self.told)

    @property
    def confidence(self) -> float:
        """The mean confidence in its digits, 0.5 at least."""
        return self.certainty / max(len(self.told), 1) + 0.5


def _look(page: Grey, inverted: bool, turn: int, soft: float, model: Model) -> _Look:
    ink = find_writing(np.ascontiguousarray(np.rot90(page, turn)), inverted, soft)
    found = pieces(ink.marks)
    if found is None:
        return _Look([], 0, 0, inverted, turn)
    ways = choose([chain(found, ink.strength, group) for group in clusters(found)], model.probabilities)
    rows = [(one, row) for way in ways for one, row in way if row is not None]
    told = [(one, row) for one, row in rows if _is_digit_sized(one, row, found.height, model.threshold)]
    return _Look(told, found.height, found.left_out, inverted, turn)


def _in_picture(box: Box, turn: int, shape: tuple[int, ...], by: float) -> Box:
    """A box on a page of a shape, turned by quarters and `by` times as large, in the picture's own pixels."""
    x, y, wide, high = box
    for quarter in range(turn, 0, -1):
        x, y, wide, high = shape[quarter % 2] - y - high, x, high, wide
    x, y, wide, high = (round(side / by) for side in (x, y, wide, high))
    return x, y, max(1, wide), max(1, high)


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


def _reconsidered(told: _Told, model: Model) -> _Told:
    """What was told of each candidate, and where that is doubtful and the model refuses, the mean of another eight."""
    images = [one.image for one, _ in told if one.image is not None]
    if not images or not model.threshold:
        return told
    rows = reconsidered(np.stack([row for _, row in told]), np.stack(images), model.probabilities)
    return [(one, row) for (one, _), row in zip(told, rows, strict=True)]


def _digits(told: _Told, threshold: float, classes: Sequence[str]) -> list[PageDigit]:
    """The answers, their boxes on the page as it was looked at."""
    if sum(bool(row.max() >= threshold) for _, row in told) >= _COMPANY:
        threshold *= _IN_COMPANY
    digits = []
    for one, row in told:
        guess, confidence = int(row.argmax()), float(row.max())
        nearest = classes[guess]
        label = nearest if confidence >= threshold else None
        digits.append(PageDigit(digit_of(label or ""), label, confidence, guess, nearest, one.box))
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


# The page with its answers drawn in

_SURE, _REFUSED = (178, 92, 20), (40, 40, 214)  # blue and red, as OpenCV has them: blue, green, red
_FONT = cv2.FONT_HERSHEY_DUPLEX
_SMALLEST = 640  # pixels of the longer side: a smaller picture is enlarged, so that answers are readable
_CAPITAL = 22  # pixels that the font's digits are tall at scale 1


def drawn(grey: NDArray[np.uint8], lines: list[list[PageDigit]]) -> NDArray[np.uint8]:
    """The page in colour, with boxes and answers."""
    times = max(1, -(-_SMALLEST // max(grey.shape)))
    size = (grey.shape[1] * times, grey.shape[0] * times)
    page = cv2.cvtColor(cv2.resize(grey, size, interpolation=cv2.INTER_NEAREST), cv2.COLOR_GRAY2BGR)
    for digit in (digit for line in lines for digit in line):
        _draw(page, digit, times)
    return np.asarray(page, np.uint8)


def _draw(page: cv2.typing.MatLike, digit: PageDigit, times: int) -> None:
    """Draw a digit's box, and its answer above it, or inside at the top of the page."""
    x, y, width, height = (side * times for side in digit.box)
    text, colour = ("?", _REFUSED) if digit.label is None else (digit.label, _SURE)
    thick = max(1, round(max(page.shape) / 700))
    corner = (x + width + thick, y + height + thick)
    cv2.rectangle(page, (x - thick - 1, y - thick - 1), corner, colour, thick, cv2.LINE_AA)
    by = float(np.clip(0.5 * height, 14, max(18, max(page.shape) / 40))) / _CAPITAL
    (wide, tall), _ = cv2.getTextSize(text, _FONT, by, thick)
    left, foot = min(max(x, 0), page.shape[1] - wide - 2), max(y - 2 * thick - 1, tall + 4)
    cv2.rectangle(page, (left - 2, foot - tall - 4), (left + wide + 2, foot), colour, cv2.FILLED)
    cv2.putText(page, text, (left, foot - 2), _FONT, by, (255, 255, 255), thick, cv2.LINE_AA)


def save_drawn(picture: str | Path, lines: list[list[PageDigit]], path: Path) -> None:
    """Write the page that a picture file holds, with its digits drawn in, as a whole file."""
    page = drawn(read_grey(picture), lines)
    with whole(path) as beside:
        written, data = cv2.imencode(path.suffix, page)
        if not written:
            raise MnistError(f"{path}: the picture cannot be written")
        beside.write_bytes(data.tobytes())  # not by imwrite, to which on Windows a path must be ASCII
