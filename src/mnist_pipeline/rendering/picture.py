"""One drawing as a model sees it: a digit or none, inked, on paper, through the way of a picture file."""

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.pixels.preprocess import mnist
from mnist_pipeline.rendering.glyphs import Random, glyph
from mnist_pipeline.rendering.habits import with_habits
from mnist_pipeline.rendering.negatives import KINDS, Kind, negative
from mnist_pipeline.rendering.originals import Originals
from mnist_pipeline.rendering.paper import Grey, pictured
from mnist_pipeline.rendering.pens import drawn, enlarged, inked, thinned

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
    seen = mnist(digit_page(digit, label, strokes, random))
    return digit if seen.pixels is None or seen.reason else seen.pixels


def none_seen(digits: Originals, random: Random, kinds: tuple[Kind, ...] = KINDS) -> Grey:
    """A picture of no digit as 28x28: one that is not refused before a model sees it."""
    for _ in range(_TRIES):
        seen = mnist(negative(digits, random, kinds))
        if seen.pixels is not None and not seen.reason and not _like_a_one(seen.pixels):
            return seen.pixels
    return np.clip(128 + 60 * random.standard_normal((28, 28)), 0, 255).astype(np.uint8)


def _like_a_one(pixels: Grey) -> bool:
    """A bar, upright or slanted: whatever it was, people would read a 1."""
    places = np.argwhere(pixels > 64)[:, ::-1]
    _, _, wide, high = cv2.boundingRect(places)
    _, (side, other), _ = cv2.minAreaRect(places)
    return wide < 0.45 * high or (high > 0.7 * wide and min(side, other) < 0.35 * max(side, other))
