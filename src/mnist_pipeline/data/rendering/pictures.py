"""What is drawn to train on: MNIST's digits as people and pens draw them, with what people add; pictures of no digit.

Those of no digit show letters, signs and emblems, digits made illegible, shapes, light and shadow, textures.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import cv2
import numpy as np

from mnist_pipeline.data.rendering import ink as pens
from mnist_pipeline.data.rendering import letters
from mnist_pipeline.data.rendering.strokes import Points, Random, Strokes, round_corners, write_digit
from mnist_pipeline.pixels.light import Grey
from mnist_pipeline.pixels.preprocess import find_digit

_OWN_PEN = 0.2  # share of the drawings of MNIST's digits that keep the digit's own pen
_BOLD, _BOLDEST = 0.08, {0: 0.12, 1: 0.16}  # the broadest pen, as ink.BROADEST; it must not fill what a digit encloses
_HOW_OFTEN = {1: 0.3, 7: 0.2, 9: 0.3}  # a digit gets an addition
_FINE = 0.05  # the broadest pen for emblems: a broader one would fill what is inside a ring, and leave a 0
_TRIES = 20  # then there is noise in the place of a picture that is not refused


# Digits, at times with an upstroke, a foot, a bar or a hook


def draw_digit(digit: Grey, label: int, strokes: float, random: Random) -> Grey:
    """A digit as the grey pixels of a picture file: MNIST's own or, a share of times, its class from strokes."""
    side, boldest = pens.page_side(random), _BOLDEST.get(label, _BOLD)
    if random.random() < strokes:
        lines = pens.draw_strokes(write_digit(label, random), side, random)
        return pens.photograph_lines(lines, random, boldest, pens.FEWEST_OF_ALL)
    field = pens.enlarge_digit(digit, side, random)
    if random.random() < _OWN_PEN:
        ink = np.clip((field - random.uniform(40, 130)) / random.uniform(15, 125), 0, 1)
        return pens.photograph(ink, random, pens.FEWEST_OF_ALL)
    lines = pens.thin_strokes(field)
    _add_habits(lines, label, random)
    return pens.photograph_lines(lines, random, boldest, pens.FEWEST_OF_ALL)


def draw_digit_28(digit: Grey, label: int, strokes: float, random: Random) -> Grey:
    """A drawn digit as a picture file would come to a model; the digit as it is where nothing is found."""
    seen = find_digit(draw_digit(digit, label, strokes, random))
    return digit if seen.pixels is None or seen.reason else seen.pixels


def _add_habits(lines: pens.Lines, digit: int, random: Random) -> None:
    """Add to a digit's lines, at times, what some writers add: a hook to a 9, a bar to a 7."""
    if random.random() >= _HOW_OFTEN.get(digit, 0):
        return
    places = np.argwhere(lines)[:, ::-1].astype(float)  # x, y
    if len(places) < 5:
        return
    high = float(np.ptp(places[:, 1])) or 1.0
    for stroke in {1: _upstroke, 7: _bar, 9: _hook}[digit](places, high, random):
        pens.draw_line(lines, stroke)


def _upstroke(places: Points, high: float, random: Random) -> list[Points]:
    """A stroke from the left up to the top of a 1; a foot at times."""
    if np.ptp(places[:, 0]) > 0.45 * high:
        return []  # lies, or has an upstroke already
    top, foot = places[places[:, 1].argmin()], places[places[:, 1].argmax()]
    long, angle = high * random.uniform(0.25, 0.85), random.uniform(0.45, 0.95)
    start = top + long * np.array([-np.sin(angle), np.cos(angle)])
    bend = (start + top) / 2 + random.normal(0, 0.04 * high, 2)
    added = [round_corners(np.array([start, bend, top]))]
    if random.random() < 0.3:
        left, right = high * random.uniform(0.1, 0.3, 2)
        added.append(np.array([foot - np.array((left, 0)), foot + np.array((right, 0))]))
    return added


def _bar(places: Points, high: float, random: Random) -> list[Points]:
    """A bar across the stem of a 7, at its middle."""
    level = places[:, 1].min() + high * random.uniform(0.4, 0.62)
    near = places[np.abs(places[:, 1] - level) < 0.03 * high + 1]
    if not len(near):
        return []
    reach = high * random.uniform(0.15, 0.3) * np.array([1, random.normal(-0.1, 0.12)])
    return [np.array([near.mean(0) - reach, near.mean(0) + reach])]


def _hook(places: Points, high: float, random: Random) -> list[Points]:
    """A hook from the lower end of a 9 round to the left and up."""
    end = places[places[:, 1].argmax()]
    wide = high * random.uniform(0.2, 0.5)
    corners = end + wide * np.array([(0, 0), (-0.3, 0.22), (-0.75, 0.15), (-1.0, -random.uniform(0.1, 0.5))])
    return [round_corners(corners)]


# Pictures of no digit


class DigitImages(NamedTuple):
    """Images as MNIST has them, and what they show."""

    images: Grey
    labels: Grey

    def any(self, random: Random) -> Grey:
        """One of the images."""
        image: Grey = self.images[random.integers(len(self.images))]
        return image

    def any_of(self, classes: Sequence[int], random: Random) -> Grey:
        """An image of one of these classes, as often as they are written; any at all, when there is none."""
        chosen = np.flatnonzero(np.isin(self.labels, classes))
        return self.images[random.choice(chosen)] if len(chosen) else self.any(random)


Kind = Callable[[DigitImages, Random], Grey]


def draw_non_digit_28(digits: DigitImages, random: Random, kinds: Sequence[Kind]) -> Grey:
    """A picture of no digit, of one of these kinds, as 28x28: one in which find_digit sees something."""
    for _ in range(_TRIES):
        seen = find_digit(kinds[int(random.integers(len(kinds)))](digits, random))
        if seen.pixels is not None and not seen.reason and not _like_a_one(seen.pixels):
            return seen.pixels
    return np.clip(128 + 60 * random.standard_normal((28, 28)), 0, 255).astype(np.uint8)


def _like_a_one(pixels: Grey) -> bool:
    """Whether a picture shows a bar, upright or slanted: whatever it was, people would read a 1."""
    places = np.argwhere(pixels > 64)[:, ::-1]
    _, _, wide, high = cv2.boundingRect(places)
    _, (side, other), _ = cv2.minAreaRect(places)
    return wide < 0.45 * high or (high > 0.7 * wide and min(side, other) < 0.35 * max(side, other))


# Letters, signs and emblems


def _written(write: Callable[[Random], Strokes], broadest: float = pens.BROADEST) -> Kind:
    """The kind of pictures that show strokes on a page."""
    return _typed(lambda random: pens.draw_strokes(write(random), pens.page_side(random), random), broadest)


def _filled(write: Callable[[Random], Strokes]) -> Kind:
    """The kind of pictures that show what strokes enclose, filled."""

    def draw(_: DigitImages, random: Random) -> Grey:
        around = pens.draw_strokes(write(random), pens.page_side(random), random)
        cv2.floodFill(around, None, (0, 0), 128)
        return pens.photograph((around != 128).astype(np.float32), random)

    return draw


def _typed(write: Callable[[Random], pens.Lines], broadest: float = pens.BROADEST) -> Kind:
    """The kind of pictures that show lines, with any pen up to the broadest."""
    return lambda _, random: pens.photograph_lines(write(random), random, broadest)


def _scribble(random: Random) -> Strokes:
    """Random strokes, straight or round: doodles, signatures."""
    strokes = []
    for _ in range(random.integers(2, 6)):
        corners = random.random((random.integers(2, 6), 2))
        strokes.append(round_corners(corners) if random.random() < 0.5 and len(corners) > 2 else corners)
    return strokes


# Digits made illegible

# Turns that leave no digit: not of 0, 1, 8, a 3 on its head, a 7 in the mirror, nor of most digits on their sides.
_TURNS: tuple[tuple[tuple[int, ...], Callable[[Grey], Grey]], ...] = (
    ((3, 4, 9), np.fliplr),
    ((4, 7), np.flipud),
    ((3, 4, 7), np.rot90),
    ((3, 4, 7), lambda digit: np.rot90(digit, 3)),
)


def turned(digits: DigitImages, random: Random) -> Grey:
    """A digit mirrored or lying on its side or its head, where that makes it none."""
    side = pens.page_side(random)
    classes, turn = _TURNS[random.integers(len(_TURNS))]
    field = pens.enlarge_digit(turn(digits.any_of(classes, random)), side, random)
    return pens.photograph_lines(pens.thin_strokes(field), random)


def several(digits: DigitImages, random: Random) -> Grey:
    """Two to four digits close together."""
    side = int(random.integers(56, 84))
    fields = [pens.enlarge_digit(digits.any(random), side, random) for _ in range(random.integers(2, 5))]
    step = int(side * random.uniform(0.42, 0.6))
    row = np.zeros((side, side + step * (len(fields) - 1)), np.float32)
    for number, field in enumerate(fields):
        part = row[:, number * step : number * step + side]
        np.maximum(part, field, out=part)
    return pens.photograph_lines(pens.thin_strokes(row), random)


def crossed_out(digits: DigitImages, random: Random) -> Grey:
    """A digit under strokes that go to and fro over all of it."""
    lines = pens.thin_strokes(pens.enlarge_digit(digits.any(random), 112, random))
    x, y, wide, high = cv2.boundingRect(lines)
    turns = int(random.integers(7, 12))
    along, across = np.linspace(-0.1, 1.1, turns), np.arange(turns) % 2 * 1.2 - 0.1
    corners = np.stack([across, along] if random.random() < 0.5 else [along, across], axis=1)
    corners += random.normal(0, 0.07, corners.shape)
    # A narrow digit is crossed out by strokes that are not.
    places = (x + wide / 2, y) + (corners - (0.5, 0)) * (max(wide, 0.6 * high), high)
    pens.draw_line(lines, round_corners(places) if random.random() < 0.5 else places)
    return pens.photograph_lines(lines, random)


# What nobody wrote


def filled(_: DigitImages, random: Random) -> Grey:
    """Filled shapes, alone or cut into each other, as logos are."""
    side = pens.page_side(random)
    ink = np.zeros((side, side), np.float32)
    for number in range(random.integers(1, 5)):
        corners = (side * (0.5 + 0.38 * random.uniform(-1, 1, (random.integers(3, 7), 2)))).astype(np.int32)
        shade = 1.0 if number == 0 or random.random() < 0.6 else 0.0
        if random.random() < 0.4:
            cv2.circle(ink, tuple(corners[0].tolist()), int(side * random.uniform(0.1, 0.35)), shade, -1)
        else:
            cv2.fillPoly(ink, [cv2.convexHull(corners) if random.random() < 0.7 else corners], shade)
    return pens.photograph(ink, random)


def scene(_: DigitImages, random: Random) -> Grey:
    """Light, shadow and edges of no order, as photographs of things have."""
    side = int(random.integers(48, 128))
    field = np.sum([pens.smooth_noise((side, side), cells, random) / cells for cells in (3, 5, 9, 17)], axis=0)
    picture: pens.Ink = field * random.uniform(60, 250) + random.uniform(60, 200)
    for _number in range(random.integers(0, 6)):
        a, b = (tuple(random.integers(0, side, 2).tolist()) for _ in range(2))
        shade = random.uniform(0, 255)
        if random.random() < 0.5:
            cv2.rectangle(picture, a, b, shade, -1)
        else:
            cv2.line(picture, a, b, shade, int(random.integers(1, 8)))
    return np.clip(picture, 0, 255).astype(np.uint8)


def texture(_: DigitImages, random: Random) -> Grey:
    """Noise, blots and stripes."""
    side = int(random.integers(28, 100))
    field = pens.smooth_noise((side, side), int(random.integers(3, side)), random)
    if random.random() < 0.5:
        field = (field > random.uniform(0, 1.2)).astype(np.float32)
    return np.asarray(np.clip(128 + random.uniform(40, 110) * field, 0, 255), np.uint8)


def _kinds(held_out: bool) -> tuple[Kind, ...]:
    """The kinds, each as often as it stands here, of letters, fonts and emblems that are held out or of all others.

    Half are handwritten letters: trained on letters in line fonts alone, a model answered handwriting that is no digit,
    Greek above all, as digits.
    """
    by_hand, outlines, rings = (
        letters.select_letters(names, held_out) for names in (letters.WRITTEN, letters.OUTLINES, letters.EMBLEMS)
    )
    letter, word, marked = (
        _written(partial(write, by_hand))
        for write in (letters.handwritten_letter, letters.handwritten_word, letters.marked_letter)
    )
    outline = _filled(partial(letters.handwritten_letter, outlines))
    emblem = _written(partial(letters.emblem, rings), _FINE)
    fonts = letters.UNSEEN_FONTS if held_out else letters.FONTS
    typed, typed_word, typed_text = (
        _typed(partial(write, fonts)) for write in (letters.typed_letter, letters.typed_word, letters.typed_text)
    )
    scribble = _written(_scribble)
    return (
        *[letter] * 14, word, *[marked] * 2, *[typed] * 4, typed_word, typed_text, *[scribble] * 2, *[outline] * 2,
        *[emblem] * 2, *[several] * 2, *[turned] * 2, crossed_out, filled, scene, texture,
    )  # fmt: skip


KINDS = _kinds(held_out=False)
HELD_OUT = _kinds(held_out=True)  # those that the threshold of refusal is tried on
