"""Pictures that hold no digit: letters, signs, scribbles, pieces of digits, several at once, and scenes."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.rendering.glyphs import Random, rounded
from mnist_pipeline.rendering.marks import MARKS
from mnist_pipeline.rendering.paper import Grey, pictured
from mnist_pipeline.rendering.pens import drawn, enlarged, inked, noise, thinned
from mnist_pipeline.rendering.scenes import filled, grid, page_side, scene, texture

Digits = NDArray[np.uint8]
# Those that no reader takes for a digit: no O, I, S, Z, B, q and their like.
_LETTERS = "ACDEFGHJKLMNPRTUVWXYcdefhkmnprtuvwx"
_SIGNS = "#%@+=*^~<&"
_FONTS = (0, 1, 2, 3, 5, 6, 16, 18, 19, 20, 22)  # Hershey's, some of them slanted
_OTHER_FONTS = (4, 7, 23)  # not trained on: when to refuse is chosen on these too


def negative(digits: Digits, random: Random, kinds: "Sequence[Kind]") -> Grey:
    """A picture of no digit; digits are at hand for those made of them."""
    return kinds[int(random.integers(len(kinds)))](digits, random)


def letter(_: Digits, random: Random) -> Grey:
    """One letter or sign, written with any pen."""
    signs = _LETTERS if random.random() < 0.75 else _SIGNS
    return pictured(inked(_typed(signs[random.integers(len(signs))], random), random), random)


def other_letter(_: Digits, random: Random) -> Grey:
    """A letter in a hand that training does not see."""
    sign = _LETTERS[random.integers(len(_LETTERS))]
    return pictured(inked(_typed(sign, random, _OTHER_FONTS), random), random)


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
    return pictured(inked(drawn(strokes, page_side(random), random), random), random)


def mark(_: Digits, random: Random) -> Grey:
    """A tick, a cross, an arrow, a star, a Greek letter."""
    strokes = [
        _curved(np.array(stroke) + random.normal(0, 0.04, (len(stroke), 2)))
        for stroke in MARKS[random.integers(len(MARKS))]
    ]
    return pictured(inked(drawn(strokes, page_side(random), random), random), random)


def emblem(_: Digits, random: Random) -> Grey:
    """A ring that is open, with a bar through its opening, as logos and switches have it."""
    open_at, width = random.uniform(0, 2 * np.pi), random.uniform(1.1, 2.3)
    angles = open_at + np.linspace(width / 2, 2 * np.pi - width / 2, 30)
    strokes = [np.stack([0.5 + 0.45 * np.cos(angles), 0.5 + 0.45 * np.sin(angles)], axis=1)]
    towards = np.array([np.cos(open_at), np.sin(open_at)])
    middle, reach = 0.5 + random.uniform(0.4, 0.55) * towards, random.uniform(0.15, 0.4)
    strokes.append(np.stack([middle - reach / 2 * towards, middle + reach / 2 * towards]))
    return pictured(inked(drawn(strokes, page_side(random), random), random), random)


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
    """Halves of two digits, each lying on its side, put together: strokes without a meaning."""
    side = 112
    lines = [thinned(enlarged(digits[random.integers(len(digits))], side, random)) for _ in range(2)]
    first, second = (np.rot90(line, int(random.choice((1, 3)))) for line in lines)
    at, aside = int(side * random.uniform(0.4, 0.6)), int(side * random.choice((-0.2, 0.2)))
    whole = np.concatenate([first[:at], np.roll(second, aside, axis=1)[at:]])
    return pictured(inked(whole, random), random)


Kind = Callable[[Digits, Random], Grey]
KINDS: tuple[Kind, ...] = (
    letter, letter, letter, letter, letter, word, text, scribble, scribble, mark, mark, mark, emblem, several, piece,
    filled, filled, scene, texture,
)  # fmt: skip
HELD_OUT: tuple[Kind, ...] = (
    letter, letter, other_letter, word, text, scribble, mark, mark, emblem, several, piece,
    filled, scene, texture, grid,
)  # fmt: skip


def _typed(text: str, random: Random, fonts: tuple[int, ...] = _FONTS) -> NDArray[np.uint8]:
    """Text in one of OpenCV's line fonts, lines of one pixel, a little turned."""
    font, size = int(random.choice(fonts)), random.uniform(2.0, 3.2) / (1 if len(text) == 1 else 2)
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
