"""MNIST's digits drawn again as people and pens draw them, with what people add: an upstroke, a foot, a bar, a hook."""

import numpy as np

from mnist_pipeline.data.rendering import ink as pens
from mnist_pipeline.data.rendering.strokes import Points, Random, round_corners, write_digit
from mnist_pipeline.pixels.light import Grey
from mnist_pipeline.pixels.preprocess import find_digit

_OWN_PEN = 0.2  # share of the drawings of MNIST's digits that keep the digit's own pen
_BOLD, _BOLDEST = 0.08, {0: 0.12, 1: 0.16}  # the broadest pen, as ink.BROADEST; it must not fill what a digit encloses
_HOW_OFTEN = {1: 0.3, 7: 0.2, 9: 0.3}  # a digit gets an addition


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
