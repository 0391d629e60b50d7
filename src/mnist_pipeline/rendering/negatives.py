"""Pictures that hold no digit: letters, signs, scribbles, digits in pieces or crossed out, several at once, scenes."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.rendering import letters
from mnist_pipeline.rendering.glyphs import Random, Strokes, rounded
from mnist_pipeline.rendering.paper import Grey, pictured
from mnist_pipeline.rendering.pens import drawn, enlarged, inked, noise, thinned
from mnist_pipeline.rendering.scenes import filled, grid, page_side, scene, texture

Digits = NDArray[np.uint8]
# Those that no reader takes for a digit (no O, I, S, Z, B, q), without those that are kept apart from training.
_LETTERS = "ACDEGHJLMPRTUVWXYcdefmnprtuvwx"
_SIGNS = "#%@+=*^~<&"
_FONTS = (0, 1, 2, 3, 5, 6, 16, 18, 19, 20, 22)  # Hershey's, some of them slanted
_OTHER_FONTS = (4, 7, 23)  # not trained on: when to refuse is chosen on these too


def negative(digits: Digits, random: Random, kinds: "Sequence[Kind]") -> Grey:
    """A picture of no digit; digits are at hand for those made of them."""
    return kinds[int(random.integers(len(kinds)))](digits, random)


def handwritten(_: Digits, random: Random) -> Grey:
    """A letter of some script, or a sign, in somebody's hand."""
    return _on_a_page(letters.letter(letters.SEEN, random), random)


def handwritten_word(_: Digits, random: Random) -> Grey:
    """Such letters side by side."""
    return _on_a_page(letters.word(letters.SEEN, random), random)


def unseen_letter(_: Digits, random: Random) -> Grey:
    """A letter or sign that training never shows in any form."""
    return _on_a_page(letters.letter(letters.UNSEEN, random), random)


def unseen_word(_: Digits, random: Random) -> Grey:
    """Such letters side by side."""
    return _on_a_page(letters.word(letters.UNSEEN, random), random)


def letter(_: Digits, random: Random) -> Grey:
    """One letter or sign as a draughtsman writes it, with any pen."""
    signs = _LETTERS if random.random() < 0.75 else _SIGNS
    return pictured(inked(_typed(signs[random.integers(len(signs))], random), random), random)


def other_letter(_: Digits, random: Random) -> Grey:
    """The same in a style that training does not see."""
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
    return _on_a_page(strokes, random)


def emblem(_: Digits, random: Random) -> Grey:
    """A ring that is open, with a bar through its opening, as logos and switches have it."""
    open_at, width = random.uniform(0, 2 * np.pi), random.uniform(1.1, 2.3)
    angles = open_at + np.linspace(width / 2, 2 * np.pi - width / 2, 30)
    strokes = [np.stack([0.5 + 0.45 * np.cos(angles), 0.5 + 0.45 * np.sin(angles)], axis=1)]
    towards = np.array([np.cos(open_at), np.sin(open_at)])
    middle, reach = 0.5 + random.uniform(0.4, 0.55) * towards, random.uniform(0.15, 0.4)
    strokes.append(np.stack([middle - reach / 2 * towards, middle + reach / 2 * towards]))
    return _on_a_page(strokes, random)


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


def crossed_out(digits: Digits, random: Random) -> Grey:
    """A digit under strokes that go to and fro over all of it."""
    side = 112
    lines = thinned(enlarged(digits[random.integers(len(digits))], side, random))
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


Kind = Callable[[Digits, Random], Grey]
KINDS: tuple[Kind, ...] = (
    *[handwritten] * 12, handwritten_word, *[letter] * 5, word, text, scribble, scribble, emblem, several, piece,
    crossed_out, filled, filled, scene, texture,
)  # fmt: skip
HELD_OUT: tuple[Kind, ...] = (
    *[unseen_letter] * 6, unseen_word, letter, other_letter, other_letter, word, text, scribble, emblem, several, piece,
    crossed_out, filled, scene, texture, grid,
)  # fmt: skip


def _on_a_page(strokes: Strokes, random: Random) -> Grey:
    return pictured(inked(drawn(strokes, page_side(random), random), random), random)


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
