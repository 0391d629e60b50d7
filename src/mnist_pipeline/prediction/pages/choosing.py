"""Pieces of ink that stand close, whole or cut: every way to take them for digits, and the likeliest of these ways.

Neighbouring pieces taken for one digit are a candidate. A way is a row of candidates from the first piece to the last;
its score adds up the logarithms of how sure the model is of each candidate and of how usual its size is for a digit.
Pieces are cut up only where the best way without cuts leaves a doubt.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.pixels.light import Grey, as_grey
from mnist_pipeline.pixels.preprocess import fit_digit
from mnist_pipeline.prediction.pages.pieces import Pieces, cuts, parts, tidy

_MARGIN = 3  # pixels around a window
_LARGE = 40  # pixels: what is smaller is enlarged before it is fitted
_WIDEST, _TALLEST = 1.5, 1.6  # digit heights: several pieces that take more are no candidate
_SPECK = 0.4  # of a digit's height: a smaller piece alone is no digit
_SURE = 0.97  # of confidence: below, cuts are tried
_WIDE = 0.95  # of a digit's height: what is wider may be two digits

# What an unusual size takes from a score, set by hand, with digits right on composed pages of training digits as the
# measure (`python -m benchmarks.pages`): _WIDENESS went from 8 over 10 to 6, _FLATNESS from 5 over 3 to 1.5.
_SPECK_SIZE, _SHORTNESS, _TALLNESS, _WIDENESS, _FLATNESS = 8.0, 20.0, 5.0, 6.0, 1.5
_DRAWN_APART = 1.5  # for each gap between two pieces that might both be digits
_LEFT_OUT = 1.0  # for a next piece that lies within it: a stroke of a sign that nobody knows is no 1 beside it
_CUT, _CROSSED, _CROSSED_FURTHER = 0.6, 0.6, 2.0  # for a cut, and for the strokes that it crosses

Box = tuple[int, int, int, int]  # x, y, width, height
Probabilities = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


class Candidate(NamedTuple):
    """Neighbouring pieces of a chain that may be one digit, or a speck to leave out."""

    first: int
    last: int  # these two are the numbers of its first and last pieces
    box: Box  # on the page
    image: Grey | None  # at 28x28; None for a speck
    prior: float  # a logarithm: 0 for a digit of usual size, less for an unusual one


Way = list[tuple[Candidate, NDArray[np.float32] | None]]
"""Candidates from the left to the right, each with the model's ten probabilities; None for a speck."""


class Chain(NamedTuple):
    """Pieces of ink from the left to the right, numbered from 1, any neighbours among which may be one digit."""

    corner: tuple[int, int]  # of the window on the page: x, y
    strength: Grey
    places: NDArray[np.int32]  # the number of each pixel's piece; 0 for paper
    boxes: NDArray[np.int64]  # around each piece, in the window: left, top, right, bottom
    crossed: list[float]  # before the first piece and after each: the strokes that a cut crosses, 0 where there is none
    height: float  # of most digits on the page

    def candidates(self) -> Iterator[Candidate]:
        """Every run of neighbours that may be one digit, and every piece that may be a speck."""
        count = len(self.boxes)
        for first in range(1, count + 1):
            for last in range(first, count + 1):
                box = _around(self.boxes[first - 1 : last])
                _, _, wide, high = box
                if last > first and (wide > _WIDEST * self.height or high > _TALLEST * self.height):
                    break
                if max(wide, high) >= _SPECK * self.height:
                    yield self._candidate(first, last, box)
                elif first == last:
                    prior = -_SPECK_SIZE * max(high / self.height, wide / self.height)
                    yield Candidate(first, last, box, None, prior)

    def _candidate(self, first: int, last: int, around: Box) -> Candidate:
        window = _window(around)
        places = self.places[window]
        mask = as_grey((places >= first) & (places <= last))
        if self.crossed[first - 1] or self.crossed[last]:
            mask = tidy(mask)
        x, y, wide, high = cv2.boundingRect(mask)
        box = (x + window[1].start + self.corner[0], y + window[0].start + self.corner[1], wide, high)
        image = digit_image(np.where((places > 0) & (mask == 0), 0, self.strength[window]).astype(np.uint8), mask)
        apart = sum(self._are_digits(inner) for inner in range(first, last) if not self.crossed[inner])
        prior = _prior(high / self.height, wide / self.height, self.crossed[last], apart)
        return Candidate(first, last, box, image, prior - _LEFT_OUT * self._is_next_within(last, around))

    def _is_next_within(self, last: int, around: Box) -> bool:
        """Whether the piece after the last one lies in the box around this and others."""
        if last == len(self.boxes):
            return False
        (left, top, right, bottom), (x, y, wide, high) = self.boxes[last], around
        return bool(x <= left and right <= x + wide and y <= top and bottom <= y + high)

    def _are_digits(self, number: int) -> bool:
        """Whether a piece and the next one are both tall enough to be digits."""
        _, top, _, bottom = self.boxes[number - 1 : number + 1].T
        return bool((bottom - top).min() > 0.6 * self.height)


def _prior(tall: float, broad: float, crossed: float, apart: int) -> float:
    """The prior of a candidate: its sizes in digit heights, the strokes that the cut at its right crosses, its gaps."""
    aspect = broad / max(tall, 0.01)
    return -(
        _SHORTNESS * max(0.0, 0.55 - tall)
        + _TALLNESS * max(0.0, tall - 1.4)
        + _WIDENESS * max(0.0, broad - 1.0)
        + _FLATNESS * max(0.0, aspect - 1.2)
        + _DRAWN_APART * apart
        + (_CUT + _CROSSED * crossed + _CROSSED_FURTHER * max(0.0, crossed - 1.2) if crossed else 0)
    )


def chain(found: Pieces, strength: Grey, group: NDArray[np.int64]) -> Chain:
    """A cluster of pieces as they were drawn."""
    x, y, wide, high, _ = found.rows[group].T
    boxes = np.stack([x, y, x + wide, y + high], axis=1)
    page = _window(_around(boxes))
    corner = (page[1].start, page[0].start)
    boxes = boxes - np.tile(corner, 2)
    labels = found.labels[page]
    places = np.zeros(labels.shape, np.int32)
    for number, (row, (left, top, right, bottom)) in enumerate(zip(group, boxes, strict=True), start=1):
        window = (slice(top, bottom), slice(left, right))
        places[window][labels[window] == found.numbers[row]] = number
    alone = np.where((labels > 0) & (places == 0), 0, strength[page]).astype(np.uint8)
    return Chain(corner, alone, places, boxes, [0.0] * (len(group) + 1), found.height)


def _cut_up(whole: Chain) -> Chain:
    """The same pieces, cut wherever one might be several digits."""
    places = np.zeros_like(whole.places)
    boxes: list[tuple[int, int, int, int]] = []
    crossed = [0.0]
    for number, (left, top, right, bottom) in enumerate(whole.boxes, start=1):
        window = (slice(top, bottom), slice(left, right))
        shape = as_grey(whole.places[window] == number)
        paths, ink = cuts(shape, whole.height)
        if bottom - top < _SPECK * whole.height:
            paths, ink = paths[:0], ink[:0]
        divided = parts(shape, paths)
        places[window] += np.where(divided > 0, divided + len(boxes), 0).astype(np.int32)
        for part in range(1, len(paths) + 2):
            x, y, wide, high = cv2.boundingRect(as_grey(divided == part))
            boxes.append((left + x, top + y, left + x + wide, top + y + high))
        crossed += [max(0.05, float(one)) for one in ink] + [0.0]
    return Chain(whole.corner, whole.strength, places, np.array(boxes, np.int64), crossed, whole.height)


def choose(chains: list[Chain], probabilities: Probabilities) -> list[Way]:
    """The likeliest way of each chain, after cuts where the pieces as they were drawn leave a doubt."""
    best = _choose(chains, probabilities)
    doubtful = [number for number, way in enumerate(best) if _is_doubtful(way, chains[number].height)]
    cut = _choose([_cut_up(chains[number]) for number in doubtful], probabilities)
    for number, way in zip(doubtful, cut, strict=True):
        best[number] = way
    return best


def _is_doubtful(way: Way, height: float) -> bool:
    return any(row is not None and (row.max() < _SURE or one.box[2] > _WIDE * height) for one, row in way)


def _choose(chains: list[Chain], probabilities: Probabilities) -> list[Way]:
    candidates = [list(one.candidates()) for one in chains]
    images = [one.image for found in candidates for one in found if one.image is not None]
    rows = iter(probabilities(np.stack(images)) if images else ())
    judged: list[Way] = [[(one, None if one.image is None else next(rows)) for one in found] for found in candidates]
    return [_likeliest(found, len(one.boxes)) for found, one in zip(judged, chains, strict=True)]


def _likeliest(judged: Way, count: int) -> Way:
    """The way with the highest score from the first of a number of pieces to the last."""
    scores = np.full(count + 1, -np.inf)
    scores[0] = 0
    came = dict[int, tuple[Candidate, NDArray[np.float32] | None]]()  # to a piece, by which candidate
    for one, row in sorted(judged, key=lambda pair: pair[0].last):
        score = scores[one.first - 1] + one.prior + (0 if row is None else float(np.log(max(row.max(), 1e-6))))
        if score > scores[one.last]:
            scores[one.last], came[one.last] = score, (one, row)
    way, at = [], count
    while at > 0:
        way.append(came[at])
        at = came[at][0].first - 1
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


def _around(boxes: NDArray[np.int64]) -> Box:
    """The box around those of pieces (left, top, right, bottom); a piece that a cut left empty has none."""
    boxes = boxes[boxes[:, 2] > boxes[:, 0]]
    if not len(boxes):
        return 0, 0, 0, 0
    (left, top), (right, bottom) = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    return int(left), int(top), int(right - left), int(bottom - top)


def _window(box: Box) -> tuple[slice, slice]:
    """The box with a margin around it, as rows and columns."""
    x, y, wide, high = box
    return slice(max(y - _MARGIN, 0), y + high + _MARGIN), slice(max(x - _MARGIN, 0), x + wide + _MARGIN)
