"""Pictures that hold no digit: letters, symbols, scribbles, shapes, scenes, pieces of digits, several at once."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.rendering.glyphs import Random, rounded
from mnist_pipeline.rendering.marks import MARKS
from mnist_pipeline.rendering.paper import Grey, pictured
from mnist_pipeline.rendering.pens import Ink, drawn, enlarged, inked, noise, thinned

Digits = NDArray[np.uint8]
# Those that no reader takes for a digit: no O, I, S, Z, B, q and their like.
_LETTERS = "ACEFHJKMNPRTUVWXdefhkmnprtuvwx"
_SIGNS = "#%@+=*^~<{}&"
_OTHER_LETTERS = "LGDcjpY"  # not trained on: when to refuse is chosen on these too
_FONTS = (0, 1, 2, 3, 4, 5, 6, 7, 16, 18, 19, 20, 22, 23)  # Hershey's, some of them slanted
_SIDES = (56, 112)


def negative(digits: Digits, random: Random, kinds: "Sequence[Kind]") -> Grey:
    """A picture of no digit; digits are at hand for those made of them."""
    return kinds[int(random.integers(len(kinds)))](digits, random)


def letter(_: Digits, random: Random) -> Grey:
    """One letter or sign, written with any pen."""
    signs = _LETTERS if random.random() < 0.75 else _SIGNS
    return pictured(inked(_typed(signs[random.integers(len(signs))], random), random), random)


def other_letter(_: Digits, random: Random) -> Grey:
    """One of the letters that training does not see."""
    sign = _OTHER_LETTERS[random.integers(len(_OTHER_LETTERS))]
    return pictured(inked(_typed(sign, random), random), random)


def grid(_: Digits, random: Random) -> Grey:
    """A table, a fence, a net."""
    side = _side(random)
    lines = np.zeros((side, side), np.uint8)
    for at in np.linspace(side * 0.15, side * 0.85, random.integers(2, 6)).astype(int):
        lines[at, int(side * 0.1) : int(side * 0.9)] = 255
    for at in np.linspace(side * 0.15, side * 0.85, random.integers(2, 6)).astype(int):
        lines[int(side * 0.1) : int(side * 0.9), at] = 255
    return pictured(inked(lines, random), random)


def word(_: Digits, random: Random) -> Grey:
    """Letters side by side, as in a caption or a logo."""
    text = "".join(random.choice(list(_LETTERS), random.integers(2, 6)))
    return pictured(inked(_typed(text, random), random), random)


def text(_: Digits, random: Random) -> Grey:
    """Lines of small print."""
    lines = [
        "".join(random.choice(list(_LETTERS + "  "), random.integers(5, 12))) for _ in range(random.integers(1, 4))
    ]
    rows = [_typed(line, random) for line in lines]
    width = max(row.shape[1] for row in rows)
    page = np.concatenate([np.pad(row, ((0, 0), (0, width - row.shape[1]))) for row in rows])
    return pictured(inked(page, random), random)


def scribble(_: Digits, random: Random) -> Grey:
    """Random strokes, straight or round: foreign letters, doodles, signatures."""
    strokes = []
    for _number in range(random.integers(2, 6)):
        corners = random.random((random.integers(2, 6), 2))
        strokes.append(rounded(corners) if random.random() < 0.5 and len(corners) > 2 else corners)
    return pictured(inked(drawn(strokes, _side(random), random), random), random)


def mark(_: Digits, random: Random) -> Grey:
    """A tick, a cross, an arrow, a star, a Greek letter."""
    strokes = [
        _curved(np.array(stroke) + random.normal(0, 0.04, (len(stroke), 2)))
        for stroke in MARKS[random.integers(len(MARKS))]
    ]
    return pictured(inked(drawn(strokes, _side(random), random), random), random)


def several(digits: Digits, random: Random) -> Grey:
    """Two to four digits close together."""
    side = int(random.integers(56, 84))
    fields = [enlarged(digits[random.integers(len(digits))], side, random) for _ in range(random.integers(2, 5))]
    step = int(side * random.uniform(0.42, 0.6))
    row = np.zeros((side, side + step * (len(fields) - 1)), np.float32)
    for number, field in enumerate(fields):
        part = row[:, number * step : number * step + side]
        np.maximum(part, field, out=part)
    return pictured(inked(thinned(row), random), random)


def piece(digits: Digits, random: Random) -> Grey:
    """What is left when a digit is cut off in its middle, twice: strokes without a meaning."""
    lines = [thinned(enlarged(digits[random.integers(len(digits))], _SIDES[1], random)) for _ in range(2)]
    at = int(_SIDES[1] * random.uniform(0.4, 0.6))
    first, second = (np.rot90(line, int(random.integers(1, 4))) for line in lines)
    whole = np.concatenate([first[:at], second[at:]], axis=0)
    return pictured(inked(np.ascontiguousarray(whole), random), random)


def filled(_: Digits, random: Random) -> Grey:
    """Filled shapes, alone or cut into each other, as logos are."""
    side = _side(random)
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


def scene(_: Digits, random: Random) -> Grey:
    """Light, shadow and edges of no order, as photographs of things have."""
    side = int(random.integers(48, 128))
    field = np.sum([noise((side, side), cells, random) / cells for cells in (3, 5, 9, 17)], axis=0)
    picture: Ink = field * random.uniform(60, 250) + random.uniform(60, 200)
    for _number in range(random.integers(0, 6)):
        a, b = (tuple(random.integers(0, side, 2).tolist()) for _ in range(2))
        if random.random() < 0.5:
            cv2.rectangle(picture, a, b, random.uniform(0, 255), int(random.integers(-1, 6)) or 1)
        else:
            cv2.ellipse(picture, (a, b, random.uniform(0, 180)), random.uniform(0, 255), int(random.integers(1, 8)))
    return np.clip(picture, 0, 255).astype(np.uint8)


def texture(_: Digits, random: Random) -> Grey:
    """Noise, blots and stripes."""
    side = int(random.integers(28, 100))
    field = noise((side, side), int(random.integers(3, side)), random)
    if random.random() < 0.5:
        field = (field > random.uniform(0, 1.2)).astype(np.float32)
    return np.asarray(np.clip(128 + random.uniform(40, 110) * field, 0, 255), np.uint8)


Kind = Callable[[Digits, Random], Grey]
KINDS: tuple[Kind, ...] = (
    letter, letter, letter, letter, letter, word, text, scribble, scribble, mark, mark, mark, several, piece,
    filled, filled, scene, texture,
)  # fmt: skip
HELD_OUT: tuple[Kind, ...] = (
    letter, letter, other_letter, word, text, scribble, mark, mark, several, piece, filled, scene, texture, grid,
)  # fmt: skip


def _typed(text: str, random: Random) -> NDArray[np.uint8]:
    """Text in one of OpenCV's line fonts, lines of one pixel, a little turned."""
    font, size = int(random.choice(_FONTS)), random.uniform(2.0, 3.2) / (1 if len(text) == 1 else 2)
    (width, height), below = cv2.getTextSize(text, font, size, 1)
    margin = 12
    page = np.zeros((height + below + 2 * margin, width + 2 * margin), np.uint8)
    cv2.putText(page, text, (margin, height + margin), font, size, 255, 1)
    turn = cv2.getRotationMatrix2D((page.shape[1] / 2, page.shape[0] / 2), random.normal(0, 7), 1.0)
    turn[0, 1] += random.normal(0, 0.12)
    y, x = np.mgrid[0 : page.shape[0], 0 : page.shape[1]].astype(np.float32)
    strength = abs(random.normal(0, 2.5)) if len(text) == 1 else 0.5
    from_x = turn[0, 0] * x + turn[0, 1] * y + turn[0, 2] + strength * noise(page.shape, 4, random)
    from_y = turn[1, 0] * x + turn[1, 1] * y + turn[1, 2] + strength * noise(page.shape, 4, random)
    turned = cv2.remap(page, from_x.astype(np.float32), from_y.astype(np.float32), cv2.INTER_LINEAR)
    return np.where(turned > 90, np.uint8(255), np.uint8(0))


def _curved(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Long strokes without a straight corner are round; closed ones keep their corners, lest they become a 0."""
    return rounded(corners) if len(corners) > 3 and np.hypot(*(corners[0] - corners[-1])) > 0.25 else corners


def _side(random: Random) -> int:
    return int(random.integers(*_SIDES))
