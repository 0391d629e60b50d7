"""Pictures of no digit that nobody wrote: filled shapes, light and shadow, textures, tables."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.data.rendering import emblems, letters
from mnist_pipeline.data.rendering.ink import BROADEST, Grey, Ink, drawn, enlarged, inked, noise, pictured, thinned
from mnist_pipeline.data.rendering.strokes import Originals, Random, Strokes, rounded
from mnist_pipeline.data.rendering.typed import letter, other_letter, text, word


def grid(_: Originals, random: Random) -> Grey:
    """A table, a fence, a net."""
    side = page_side(random)
    lines = np.zeros((side, side), np.uint8)
    for at in np.linspace(side * 0.15, side * 0.85, random.integers(2, 6)).astype(int):
        lines[at, int(side * 0.1) : int(side * 0.9)] = 255
    for at in np.linspace(side * 0.15, side * 0.85, random.integers(2, 6)).astype(int):
        lines[int(side * 0.1) : int(side * 0.9), at] = 255
    return pictured(inked(lines, random), random)


def filled(_: Originals, random: Random) -> Grey:
    """Filled shapes, alone or cut into each other, as logos are."""
    side = page_side(random)
    ink = np.zeros((side, side), np.float32)
    for number in range(random.integers(1, 5)):
        corners = (side * (0.5 + 0.38 * random.uniform(-1, 1, (random.integers(3, 7), 2)))).astype(np.int32)
        shade = 1.0 if number == 0 or random.random() < 0.6 else 0.0
        if random.random() < 0.4:
            radius = int(side * random.uniform(0.1, 0.35))
            cv2.circle(ink, tuple(corners[0].tolist()), radius, shade, -1)
        else:
            cv2.fillPoly(ink, [cv2.convexHull(corners) if random.random() < 0.7 else corners], shade)
    return pictured(ink, random)


def scene(_: Originals, random: Random) -> Grey:
    """Light, shadow and edges of no order, as photographs of things have."""
    side = int(random.integers(48, 128))
    field = np.sum([noise((side, side), cells, random) / cells for cells in (3, 5, 9, 17)], axis=0)
    picture: Ink = field * random.uniform(60, 250) + random.uniform(60, 200)
    for _number in range(random.integers(0, 6)):
        a, b = (tuple(random.integers(0, side, 2).tolist()) for _ in range(2))
        shade = random.uniform(0, 255)
        if random.random() < 0.5:
            cv2.rectangle(picture, a, b, shade, -1)
        else:
            cv2.line(picture, a, b, shade, int(random.integers(1, 8)))
    return np.clip(picture, 0, 255).astype(np.uint8)


def texture(_: Originals, random: Random) -> Grey:
    """Noise, blots and stripes."""
    side = int(random.integers(28, 100))
    field = noise((side, side), int(random.integers(3, side)), random)
    if random.random() < 0.5:
        field = (field > random.uniform(0, 1.2)).astype(np.float32)
    return np.asarray(np.clip(128 + random.uniform(40, 110) * field, 0, 255), np.uint8)


def page_side(random: Random) -> int:
    """Pixels along a page."""
    return int(random.integers(56, 112))


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


_FINE = 0.03  # a broader pen would fill what is inside a ring, and leave a 0


def negative(digits: Originals, random: Random, kinds: "Sequence[Kind]") -> Grey:
    """A picture of no digit; digits are at hand for those made of them."""
    return kinds[int(random.integers(len(kinds)))](digits, random)


def handwritten(_: Originals, random: Random) -> Grey:
    """A letter of some script, or a sign, in somebody's hand."""
    return _on_a_page(letters.letter(letters.SEEN, random), random)


def handwritten_word(_: Originals, random: Random) -> Grey:
    """Such letters side by side."""
    return _on_a_page(letters.word(letters.SEEN, random), random)


def unseen_letter(_: Originals, random: Random) -> Grey:
    """A letter or sign that training never shows in any form."""
    return _on_a_page(letters.letter(letters.UNSEEN, random), random)


def unseen_word(_: Originals, random: Random) -> Grey:
    """Such letters side by side."""
    return _on_a_page(letters.word(letters.UNSEEN, random), random)


def scribble(_: Originals, random: Random) -> Grey:
    """Random strokes, straight or round: foreign letters, doodles, signatures."""
    strokes = []
    for _number in range(random.integers(2, 6)):
        corners = random.random((random.integers(2, 6), 2))
        strokes.append(rounded(corners) if random.random() < 0.5 and len(corners) > 2 else corners)
    return _on_a_page(strokes, random)


def emblem(_: Originals, random: Random) -> Grey:
    """Rings, arcs and polygons, as in a logo."""
    return _on_a_page(emblems.emblem(emblems.SEEN, random), random, _FINE)


def unseen_emblem(_: Originals, random: Random) -> Grey:
    """The same, most of them of forms that training never shows."""
    return _on_a_page(emblems.emblem(emblems.UNSEEN, random), random, _FINE)


Kind = Callable[[Originals, Random], Grey]
KINDS: tuple[Kind, ...] = (
    *[handwritten] * 12, handwritten_word, *[letter] * 5, word, text, scribble, scribble, emblem, emblem, several,
    piece, turned, turned, crossed_out, filled, filled, scene, texture,
)  # fmt: skip
HELD_OUT: tuple[Kind, ...] = (
    *[unseen_letter] * 6, unseen_word, letter, other_letter, other_letter, word, text, scribble, unseen_emblem, several,
    piece, turned, crossed_out, filled, scene, texture, grid,
)  # fmt: skip


def _on_a_page(strokes: Strokes, random: Random, broadest: float = BROADEST) -> Grey:
    return pictured(inked(drawn(strokes, page_side(random), random), random, broadest), random)
