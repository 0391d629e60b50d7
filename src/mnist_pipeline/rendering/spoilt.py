"""Digits that are none any more: in pieces, crossed out, mirrored, upside down, several at once."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.rendering.glyphs import Random, rounded
from mnist_pipeline.rendering.originals import Originals
from mnist_pipeline.rendering.paper import Grey, pictured
from mnist_pipeline.rendering.pens import enlarged, inked, thinned

_Turn = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
# What still looks like a digit is left out: 0, 1, 8, a 3 on its head, a 7 in the mirror, most digits on their sides.
_TURNS: tuple[tuple[tuple[int, ...], _Turn], ...] = (
    ((3, 4, 9), np.fliplr),
    ((4, 7), np.flipud),
    ((3, 4, 7), np.rot90),
    ((3, 4, 7), lambda digit: np.rot90(digit, 3)),
)


def several(digits: Originals, random: Random) -> Grey:
    """Two to four digits close together."""
    side = int(random.integers(56, 84))
    fields = [enlarged(digits.any(random), side, random) for _ in range(random.integers(2, 5))]
    step = int(side * random.uniform(0.42, 0.6))
    row = np.zeros((side, side + step * (len(fields) - 1)), np.float32)
    for number, field in enumerate(fields):
        part = row[:, number * step : number * step + side]
        np.maximum(part, field, out=part)
    return pictured(inked(thinned(row), random), random)


def piece(digits: Originals, random: Random) -> Grey:
    """Halves of two digits, each lying on its side, put together: strokes without a meaning."""
    side = 112
    lines = [thinned(enlarged(digits.any(random), side, random)) for _ in range(2)]
    first, second = (np.rot90(line, int(random.choice((1, 3)))) for line in lines)
    at, aside = int(side * random.uniform(0.4, 0.6)), int(side * random.choice((-0.2, 0.2)))
    whole = np.concatenate([first[:at], np.roll(second, aside, axis=1)[at:]])
    return pictured(inked(whole, random), random)


def crossed_out(digits: Originals, random: Random) -> Grey:
    """A digit under strokes that go to and fro over all of it."""
    side = 112
    lines = thinned(enlarged(digits.any(random), side, random))
    x, y, wide, high = cv2.boundingRect(lines)
    turns = int(random.integers(7, 12))
    along, across = np.linspace(-0.1, 1.1, turns), np.arange(turns) % 2 * 1.2 - 0.1
    corners = np.stack([across, along] if random.random() < 0.5 else [along, across], axis=1)
    corners += random.normal(0, 0.07, corners.shape)
    # A narrow digit is crossed out by strokes that are not.
    places = (x + wide / 2, y) + (corners - (0.5, 0)) * (max(wide, 0.6 * high), high)
    stroke = rounded(places) if random.random() < 0.5 else places
    cv2.polylines(lines, [np.round(stroke * 16).astype(np.int32)], False, 255, 1, cv2.LINE_8, 4)
    return pictured(inked(lines, random), random)


def turned(digits: Originals, random: Random) -> Grey:
    """A digit mirrored or lying on its side or its head, where that makes it none."""
    side = int(random.integers(56, 112))
    classes, turn = _TURNS[random.integers(len(_TURNS))]
    lines = thinned(enlarged(turn(digits.of(classes, random)), side, random))
    return pictured(inked(lines, random), random)
