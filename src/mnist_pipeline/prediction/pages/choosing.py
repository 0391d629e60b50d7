"""Shapes that stand close, cut or whole: every way to read them as digits, and the best of these."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.pixels.light import Grey, as_grey
from mnist_pipeline.pixels.preprocess import fit_digit
from mnist_pipeline.prediction.pages.pieces import Pieces
from mnist_pipeline.prediction.pages.splitting import cuts, parts, tidy

Box = tuple[int, int, int, int]  # x, y, width, height

_MARGIN = 3  # pixels around a window
_LARGE = 40  # pixels: what is smaller is enlarged before it is fitted
_WIDEST = 1.5  # digit heights: no digit is wider
_DOUBT = 0.97  # of confidence: below, cuts are tried
_WIDE = 0.95  # of a digit's height: what is wider may be two digits
_TOGETHER = 128  # images that the model looks at together: 5,000 at once take 0.5 GB, and no less time
_SPECK, _LOW, _HIGH, _BROAD, _ASPECT, _APART = 8.0, 20.0, 5.0, 6.0, 1.5, 1.5
_CUT, _THROUGH, _FURTHER = 0.6, 0.6, 2.0


@dataclass(frozen=True)
class Geometry:
    """What speaks for or against pieces being one digit, apart from what they look like; sizes in digit heights."""

    tall: float
    broad: float
    crossed: float = 0.0
    """Strokes that the cut at its right crosses."""
    apart: int = 0
    """Joints between pieces that were drawn apart, and that each might be a digit."""
    speck: bool = False

    @property
    def prior(self) -> float:
        """A logarithm, 0 for any usual digit."""
        if self.speck:
            return -_SPECK * max(self.tall, self.broad)
        aspect = self.broad / max(self.tall, 0.01)
        return -(
            _LOW * max(0.0, 0.55 - self.tall)
            + _HIGH * max(0.0, self.tall - 1.4)
            + _BROAD * max(0.0, self.broad - 1.0)
            + _ASPECT * max(0.0, aspect - 1.2)
            + _APART * self.apart
            + (_CUT + _THROUGH * self.crossed + _FURTHER * max(0.0, self.crossed - 1.2) if self.crossed else 0)
        )


@dataclass(frozen=True)
class Reading:
    """Some pieces read as one digit, or left out as specks where there are no probabilities."""

    first: int
    last: int
    """The pieces of a chain, from the first to the last of them."""
    box: Box
    """On the page."""
    image: Grey | None
    """At 28x28."""
    form: Geometry


@dataclass(frozen=True)
class Chain:
    """Pieces from the left to the right, any neighbours among which may be one digit."""

    corner: tuple[int, int]
    """Of the window on the page: x, y."""
    strength: Grey
    places: NDArray[np.int32]
    """The number of each pixel's piece, from 1; 0 for paper."""
    boxes: NDArray[np.int64]
    """Around each piece, in the window: left, top, right, bottom."""
    crossed: list[float]
    """After each piece but the last: the strokes that the cut crosses, 0 where they were apart."""
    height: float

    @property
    def count(self) -> int:
        """How many pieces there are."""
        return len(self.crossed) + 1

    def readings(self) -> Iterator[Reading]:
        """Every way to take neighbours for one digit."""
        for first in range(1, self.count + 1):
            for last in range(first, self.count + 1):
                box = self._around(first, last)
                _, _, wide, high = box
                if last > first and (wide > _WIDEST * self.height or high > 1.6 * self.height):
                    break
                small = max(wide, high) < 0.4 * self.height
                if first == last and small:
                    yield Reading(first, last, box, None, Geometry(high / self.height, wide / self.height, speck=True))
                elif not small:
                    yield self._read(first, last, box)

    def _around(self, first: int, last: int) -> Box:
        """The box around some pieces, in the window; a piece that a cut left empty has none."""
        boxes = self.boxes[first - 1 : last]
        boxes = boxes[boxes[:, 2] > boxes[:, 0]]
        if not len(boxes):
            return 0, 0, 0, 0
        (left, top), (right, bottom) = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
        return int(left), int(top), int(right - left), int(bottom - top)

    def _read(self, first: int, last: int, around: Box) -> Reading:
        window = _window(around)
        places = self.places[window]
        mask = as_grey((places >= first) & (places <= last))
        if (first > 1 and self.crossed[first - 2]) or (last < self.count and self.crossed[last - 1]):
            mask = tidy(mask)
        x, y, wide, high = cv2.boundingRect(mask)
        box = (x + window[1].start + self.corner[0], y + window[0].start + self.corner[1], wide, high)
        image = digit_image(np.where((places > 0) & (mask == 0), 0, self.strength[window]).astype(np.uint8), mask)
        crossed = self.crossed[last - 1] if last < self.count else 0.0
        apart = sum(self._each_a_digit(inner) for inner in range(first, last) if not self.crossed[inner - 1])
        return Reading(first, last, box, image, Geometry(high / self.height, wide / self.height, crossed, apart))

    def _each_a_digit(self, inner: int) -> bool:
        _, top, _, bottom = self.boxes[inner - 1 : inner + 1].T
        return bool((bottom - top).min() > 0.6 * self.height)


def chain(found: Pieces, strength: Grey, group: NDArray[np.int64]) -> Chain:
    """Pieces as they are."""
    x, y, wide, high, _ = found.rows[group].T
    boxes = np.stack([x, y, x + wide, y + high], axis=1)
    (left, top), (right, bottom) = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    page = _window((int(left), int(top), int(right - left), int(bottom - top)))
    corner = (page[1].start, page[0].start)
    boxes = boxes - np.tile(corner, 2)
    labels = found.labels[page]
    places = np.zeros(labels.shape, np.int32)
    for number, (row, (left, top, right, bottom)) in enumerate(zip(group, boxes, strict=True), start=1):
        window = (slice(top, bottom), slice(left, right))
        places[window][labels[window] == found.numbers[row]] = number
    others = (labels > 0) & (places == 0)
    alone = np.where(others, 0, strength[page]).astype(np.uint8)
    return Chain(corner, alone, places, boxes, [0.0] * (len(group) - 1), found.height)


def cut_up(whole: Chain) -> Chain:
    """The pieces cut wherever one might be several digits."""
    places = np.zeros_like(whole.places)
    boxes: list[tuple[int, int, int, int]] = []
    crossed: list[float] = []
    for number, (left, top, right, bottom) in enumerate(whole.boxes, start=1):
        window = (slice(top, bottom), slice(left, right))
        shape = as_grey(whole.places[window] == number)
        paths, ink = cuts(shape, whole.height)
        if bottom - top < 0.4 * whole.height:
            paths, ink = paths[:0], ink[:0]
        divided = parts(shape, paths)
        places[window] += np.where(divided > 0, divided + len(crossed), 0).astype(np.int32)
        for part in range(1, len(paths) + 2):
            x, y, wide, high = cv2.boundingRect(as_grey(divided == part))
            boxes.append((left + x, top + y, left + x + wide, top + y + high))
        crossed += [max(0.05, float(one)) for one in ink] + [0.0]
    return Chain(whole.corner, whole.strength, places, np.array(boxes, np.int64), crossed[:-1], whole.height)


def doubtful(best: list[tuple[Reading, NDArray[np.float32] | None]], height: float) -> bool:
    """Whether cuts are worth a try."""
    return any(row is not None and (row.max() < _DOUBT or reading.box[2] > _WIDE * height) for reading, row in best)


def best_of(
    readings: list[Reading], rows: list[NDArray[np.float32] | None], count: int
) -> list[tuple[Reading, NDArray[np.float32] | None]]:
    """The likeliest way from the first piece to the last."""
    scores = np.full(count + 1, -np.inf)
    scores[0] = 0
    came: list[int] = [-1] * (count + 1)
    for number, (reading, row) in sorted(enumerate(zip(readings, rows, strict=True)), key=lambda one: one[1][0].last):
        score = (
            scores[reading.first - 1] + reading.form.prior + (0 if row is None else float(np.log(max(row.max(), 1e-6))))
        )
        if score > scores[reading.last]:
            scores[reading.last], came[reading.last] = score, number
    way: list[tuple[Reading, NDArray[np.float32] | None]] = []
    at = count
    while at > 0:
        number = came[at]
        way.append((readings[number], rows[number]))
        at = readings[number].first - 1
    return way[::-1]


def digit_image(strength: Grey, mask: Grey) -> Grey:
    """A digit at 28x28; a small one is enlarged before, so that what is near it stays out."""
    x, y, wide, high = cv2.boundingRect(mask)
    window = _window((x, y, wide, high))
    mask, strength = np.ascontiguousarray(mask[window]), np.ascontiguousarray(strength[window])
    times = -(-_LARGE // max(wide, high))
    if times > 1:
        size = (mask.shape[1] * times, mask.shape[0] * times)
        strength = as_grey(cv2.resize(strength, size, interpolation=cv2.INTER_CUBIC))
        mask = as_grey(as_grey(cv2.resize(mask * 255, size, interpolation=cv2.INTER_LINEAR)) > 127)
    return fit_digit(strength, mask)


def _window(box: Box) -> tuple[slice, slice]:
    """The box with a margin around it, as rows and columns."""
    x, y, wide, high = box
    return slice(max(y - _MARGIN, 0), y + high + _MARGIN), slice(max(x - _MARGIN, 0), x + wide + _MARGIN)


Probabilities = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def judged(readings: list[Reading], probabilities: Probabilities) -> list[NDArray[np.float32] | None]:
    """What the model says of each that has an image."""
    images = [reading.image for reading in readings if reading.image is not None]
    batches = (images[at : at + _TOGETHER] for at in range(0, len(images), _TOGETHER))
    rows = (row for batch in batches for row in probabilities(np.stack(batch)))
    return [None if reading.image is None else next(rows) for reading in readings]
