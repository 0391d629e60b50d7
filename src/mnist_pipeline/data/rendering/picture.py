"""What people add to a digit: a hook to the 9, an upstroke and a foot to the 1, a bar to the 7, a slash to the 0."""

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.data.rendering.ink import Grey, Lines, drawn, enlarged, inked, pictured, thinned
from mnist_pipeline.data.rendering.negatives import KINDS, Kind, negative
from mnist_pipeline.data.rendering.strokes import Originals, Points, Random, glyph, rounded
from mnist_pipeline.pixels.preprocess import find_digit

_HOW_OFTEN = {0: 0.04, 1: 0.3, 7: 0.2, 9: 0.3}


def with_habits(lines: Lines, digit: int, random: Random) -> Lines:
    """The lines of a digit, at times with what its writer adds to it."""
    if random.random() >= _HOW_OFTEN.get(digit, 0):
        return lines
    places = np.argwhere(lines)[:, ::-1].astype(float)  # x, y
    if len(places) < 5:
        return lines
    high = float(np.ptp(places[:, 1])) or 1.0
    added = {0: _slash, 1: _upstroke, 7: _bar, 9: _hook}[digit](places, high, random)
    for stroke in added:
        cv2.polylines(lines, [np.round(stroke * 16).astype(np.int32)], False, 255, 1, cv2.LINE_8, 4)
    return lines


def _slash(places: Points, high: float, random: Random) -> list[Points]:
    reach = high * random.uniform(0.2, 0.45) * np.array([random.uniform(0.4, 0.8), -1])
    return [np.array([places.mean(0) - reach, places.mean(0) + reach])]


def _upstroke(places: Points, high: float, random: Random) -> list[Points]:
    """From the left up to the top; a foot at times."""
    if np.ptp(places[:, 0]) > 0.45 * high:
        return []  # lies, or has an upstroke already
    top, foot = places[places[:, 1].argmin()], places[places[:, 1].argmax()]
    long, angle = high * random.uniform(0.25, 0.85), random.uniform(0.45, 0.95)
    start = top + long * np.array([-np.sin(angle), np.cos(angle)])
    bend = (start + top) / 2 + random.normal(0, 0.04 * high, 2)
    added = [rounded(np.array([start, bend, top]))]
    if random.random() < 0.3:
        left, right = high * random.uniform(0.1, 0.3, 2)
        added.append(np.array([foot - np.array((left, 0)), foot + np.array((right, 0))]))
    return added


def _bar(places: Points, high: float, random: Random) -> list[Points]:
    """Across the stem, at its middle."""
    level = places[:, 1].min() + high * random.uniform(0.4, 0.62)
    near = places[np.abs(places[:, 1] - level) < 0.03 * high + 1]
    if not len(near):
        return []
    reach = high * random.uniform(0.15, 0.3) * np.array([1, random.normal(-0.1, 0.12)])
    return [np.array([near.mean(0) - reach, near.mean(0) + reach])]


def _hook(places: Points, high: float, random: Random) -> list[Points]:
    """From the lower end round to the left and up."""
    end = places[places[:, 1].argmax()]
    wide = high * random.uniform(0.2, 0.5)
    corners = end + wide * np.array([(0, 0), (-0.3, 0.22), (-0.75, 0.15), (-1.0, -random.uniform(0.1, 0.5))])
    return [rounded(corners)]


_OWN = 0.2  # share of the drawings of MNIST's digits that keep the digit's own pen
_TRIES = 20


def generator(seed: int, number: int, variant: int) -> Random:
    """The one source of chance for this drawing, whoever draws it and when."""
    return np.random.Generator(np.random.PCG64([seed, number, variant]))


def digit_page(digit: NDArray[np.uint8], label: int, strokes: float, random: Random) -> Grey:
    """A picture file's grey pixels with this digit, or one of its class from strokes, on it."""
    side = int(random.integers(56, 112))
    if random.random() < strokes:
        return pictured(inked(drawn(glyph(label, random), side, random), random), random)
    field = enlarged(digit, side, random)
    if random.random() < _OWN:
        return pictured(np.clip((field - random.uniform(40, 130)) / random.uniform(15, 125), 0, 1), random)
    return pictured(inked(with_habits(thinned(field), label, random), random), random)


def digit_seen(digit: NDArray[np.uint8], label: int, strokes: float, random: Random) -> Grey:
    """The same as 28x28; the digit as it came where nothing is left to see."""
    seen = find_digit(digit_page(digit, label, strokes, random))
    return digit if seen.pixels is None or seen.reason else seen.pixels


def none_seen(digits: Originals, random: Random, kinds: tuple[Kind, ...] = KINDS) -> Grey:
    """A picture of no digit as 28x28: one that is not refused before a model sees it."""
    for _ in range(_TRIES):
        seen = find_digit(negative(digits, random, kinds))
        if seen.pixels is not None and not seen.reason and not _like_a_one(seen.pixels):
            return seen.pixels
    return np.clip(128 + 60 * random.standard_normal((28, 28)), 0, 255).astype(np.uint8)


def _like_a_one(pixels: Grey) -> bool:
    """A bar, upright or slanted: whatever it was, people would read a 1."""
    places = np.argwhere(pixels > 64)[:, ::-1]
    _, _, wide, high = cv2.boundingRect(places)
    _, (side, other), _ = cv2.minAreaRect(places)
    return wide < 0.45 * high or (high > 0.7 * wide and min(side, other) < 0.35 * max(side, other))
