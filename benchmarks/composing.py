"""Composes pages of MNIST digits, to measure how well they are read: lines of digits on paper of several kinds."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.papers import KINDS, Float, Random
from mnist_pipeline.data import Part

_WAYS = (cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC)
_INK = 0.3  # of full ink: from here on a pixel counts as drawn


@dataclass(frozen=True)
class Composed:
    """A composed page, and what is written on it."""

    grey: NDArray[np.uint8]
    text: str
    """Its digits, a line of text for each line of writing."""
    kind: str
    touching: bool
    """Whether some of its digits touch."""


def compose(part: Part, random: Random, kind: str, touching: bool, fewest: int = 3) -> Composed:
    """A page of `fewest` to 12 digits in one to three lines, on paper of the kind."""
    lines = int(random.integers(1, 4))
    counts = _counts(int(random.integers(max(fewest, lines), 13)), lines, random)
    side = float(np.exp(random.uniform(np.log(26), np.log(110))))  # of a digit's 28x28 box; its ink is 20 of the 28
    hand = Hand(side, random)
    gap = random.uniform(0.04, 0.6) * side * 20 / 28
    rows, text, joined = [], [], False
    pairs = random.random(16) < 0.25 if touching else np.zeros(16, bool)
    for count in counts:
        chosen = random.integers(0, len(part), count)
        digits = [hand.drawn(part.images[one], random) for one in chosen]
        meets = pairs[: count - 1]
        if touching and not joined and count > 1 and not meets.any():
            meets = np.arange(count - 1) == random.integers(0, count - 1)
        joined |= bool(meets.any())
        rows.append(_row(digits, gap, meets, random))
        text.append("".join(str(part.labels[one]) for one in chosen))
    ink = _on_page(rows, side, random)
    grey = KINDS[kind](ink, side, random)
    return Composed(grey, "\n".join(text), kind, joined)


def _counts(total: int, lines: int, random: Random) -> list[int]:
    cuts = np.sort(random.choice(np.arange(1, total), lines - 1, replace=False))
    return [int(count) for count in np.diff([0, *cuts, total])]


class Hand:
    """What all digits of one page have in common: size, slant, pen."""

    def __init__(self, side: float, random: Random) -> None:
        self.side = side
        self.way = int(random.choice(_WAYS))
        self.turn = random.uniform(-6, 6)
        self.as_it_is = random.random() < 0.4
        self.pen = int(random.integers(-1, 3)) if side > 50 else 0

    def drawn(self, image: NDArray[np.uint8], random: Random) -> Float:
        """One digit as this hand writes it: ink from 0 to 1 in its own box."""
        side = max(20, round(self.side * random.uniform(0.88, 1.12)))
        ink = cv2.resize(image, (side, side), interpolation=self.way).astype(np.float32) / 255
        if not self.as_it_is:
            turn = self.turn + random.normal(0, 4)
            matrix = cv2.getRotationMatrix2D((side / 2, side / 2), turn, 1)
            ink = cv2.warpAffine(ink, matrix, (side, side), flags=cv2.INTER_LINEAR).astype(np.float32)
            if self.pen:
                kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (abs(self.pen) + 1, abs(self.pen) + 1))
                ink = np.asarray((cv2.dilate if self.pen > 0 else cv2.erode)(ink, kernel), np.float32)
        ink = np.clip(ink, 0, 1).astype(np.float32)
        drawn = np.asarray(ink > _INK)
        if not drawn.any():
            drawn = ink > 0
        columns = np.flatnonzero(drawn.any(axis=0))
        cut = ink[:, max(columns[0] - 1, 0) : columns[-1] + 2]
        return np.asarray(cut, np.float32)


def _row(digits: list[Float], gap: float, meets: NDArray[np.bool_], random: Random) -> Float:
    """Digits side by side on one line; where `meets` says so, two are pushed together until their ink touches."""
    height = round(1.5 * max(len(digit) for digit in digits))
    row = np.zeros((height, sum(digit.shape[1] for digit in digits) * 3 + 40), np.float32)
    right = 2
    for number, digit in enumerate(digits):
        high, wide = digit.shape
        top = int(np.clip((height - high) / 2 + random.normal(0, 0.05 * high), 0, height - high))
        band = row[top : top + high]
        if number and meets[number - 1]:
            left = _where_they_meet(band, digit) - int(random.integers(0, 2))
        else:
            left = right + (round(max(1.5, gap * random.uniform(0.7, 1.4))) if number else 0)
        left = max(left, 0)
        place = row[top : top + high, left : left + wide]
        np.maximum(place, digit, out=place)
        right = max(right, left + wide)
    return np.asarray(row[:, : right + 2])


def _where_they_meet(band: Float, digit: Float) -> int:
    """The rightmost column at which a digit's ink still touches the ink to its left."""
    there = band > _INK
    new = digit > _INK
    ends = np.where(there.any(axis=1), band.shape[1] - there[:, ::-1].argmax(axis=1), -(10**6))
    ends = np.maximum(ends, np.maximum(np.roll(ends, 1), np.roll(ends, -1)))  # diagonally, too
    starts = np.where(new.any(axis=1), new.argmax(axis=1), 10**6)
    together = int((ends - starts).max())
    if together < 0:  # no row in common
        return int(np.flatnonzero(there.any(axis=0))[-1]) + 1
    return together


def _on_page(rows: list[Float], side: float, random: Random) -> Float:
    """All lines on one page with margins, each line a little slanted."""
    lean = random.uniform(-2.5, 2.5)
    slanted = [_turned(row, lean + random.normal(0, 0.4)) for row in rows]
    between = random.uniform(-0.1, 0.5) * side
    margin = [round(random.uniform(0.3, 2.5) * side) for _ in range(4)]
    width = max(row.shape[1] for row in slanted) + margin[0] + margin[1] + round(0.5 * side)
    height = margin[2] + margin[3] + round(sum(len(row) + max(between, 0) for row in slanted))
    page = np.zeros((max(height, 60), max(width, 60)), np.float32)
    top = float(margin[2])
    for row in slanted:
        left = margin[0] + round(random.uniform(0, 0.4) * side)
        at = round(top)
        place = page[at : at + len(row), left : left + row.shape[1]]
        np.maximum(place, row[: len(place), : place.shape[1]], out=place)
        top += len(row) + between
    size = random.choice([1, 1, 1, 1.5, 2.5])  # a large sheet, hardly written on
    if size > 1 and max(page.shape) * size < 2500:
        whole = np.zeros((round(page.shape[0] * size), round(page.shape[1] * size)), np.float32)
        y, x = (int(random.integers(0, whole.shape[axis] - page.shape[axis] + 1)) for axis in (0, 1))
        whole[y : y + page.shape[0], x : x + page.shape[1]] = page
        return whole
    return page


def _turned(row: Float, degrees: float) -> Float:
    more = int(np.ceil(abs(np.sin(np.radians(degrees))) * row.shape[1] / 2)) + 1
    padded = np.pad(row, ((more, more), (more, more)))
    middle = padded.shape[1] / 2, padded.shape[0] / 2
    matrix = cv2.getRotationMatrix2D(middle, degrees, 1)
    return cv2.warpAffine(padded, matrix, padded.shape[::-1], flags=cv2.INTER_LINEAR).astype(np.float32)
