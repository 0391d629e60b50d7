"""Composes forms and pages of other kinds than paper: boxes, combs, lines, bold digits, pages turned round."""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np

from benchmarks.composing import Composed, Hand, compose
from benchmarks.papers import KINDS, Float, Random, inked, uneven_light
from mnist_pipeline.data import Part


class _Written(NamedTuple):
    """Digits in a row of cells: their ink, where the cells begin and end, and how tall they are."""

    ink: Float
    edges: list[int]
    top: int
    bottom: int
    thick: int
    """Of a printed line, in pixels."""
    text: str
    side: float
    """Of a digit's 28x28 box."""


def _written(part: Part, random: Random, roomy: bool) -> _Written:
    """Three to nine digits of one hand, in the middle of their cells or, with little room, up to the cells' edges."""
    side = float(np.exp(random.uniform(np.log(30), np.log(110))))
    hand = Hand(side, random)
    chosen = random.integers(0, len(part), random.integers(3, 10))
    digits = [hand.drawn(part.images[one], random) for one in chosen]
    thick = max(1, round(side / random.uniform(18, 60)))
    widest = max(digit.shape[1] for digit in digits)
    wide = round(widest + 2 * thick + (random.uniform(0.15, 0.5) * side if roomy else -0.1 * side))
    high = round(random.uniform(1.0, 1.35) * max(len(digit) for digit in digits)) + 2 * thick
    margins = [round(random.uniform(0.3, 1.5) * side) for _ in range(4)]
    ink = np.zeros((high + margins[0] + margins[1], wide * len(digits) + margins[2] + margins[3]), np.float32)
    for number, digit in enumerate(digits):
        free = wide - digit.shape[1]
        nearest = thick + 1 if roomy else -0.12 * digit.shape[1]  # to its cell's edges: some reach over them
        off = free / 2 + random.normal(0, 0.08 if roomy else 0.2) * wide
        left = max(0, margins[2] + wide * number + round(float(np.clip(off, nearest, free - nearest))))
        top = margins[0] + round((high - len(digit)) / 2 + random.normal(0, 0.03) * side)
        place = ink[top : top + len(digit), left : left + digit.shape[1]]
        np.maximum(place, digit[: len(place), : place.shape[1]], out=place)
    edges = [margins[2] + wide * number for number in range(len(digits) + 1)]
    text = "".join(str(part.labels[one]) for one in chosen)
    return _Written(ink, edges, margins[0], margins[0] + high, thick, text, side)


def _printed(written: _Written, lines: Float, kind: str, random: Random) -> Composed:
    """Ink on paper with printed lines, as dark as the pen or paler; in even or uneven light."""
    paper, pen = random.uniform(200, 255), random.uniform(0, 80)
    print_grey = pen + (paper - pen) * random.choice([0.0, random.uniform(0, 0.6)])
    light = uneven_light(written.ink.shape, random, random.uniform(0, 0.7))
    ruled = paper - lines * (paper - print_grey)
    return Composed(inked(written.ink, ruled, pen, random.uniform(0, 4), random, light), written.text, kind, False)


def _boxes(roomy: bool) -> Callable[[Part, Random, str], Composed]:
    """A row of boxes that share their dividers."""

    def page(part: Part, random: Random, kind: str) -> Composed:
        written = _written(part, random, roomy)
        lines = np.zeros_like(written.ink)
        for left, right in pairwise(written.edges):
            cv2.rectangle(lines, (left, written.top), (right, written.bottom), (1.0,), written.thick)
        return _printed(written, lines, kind, random)

    return page


def _separate_boxes(part: Part, random: Random, kind: str) -> Composed:
    """A box of its own for each digit."""
    written = _written(part, random, roomy=True)
    lines = np.zeros_like(written.ink)
    gap = max(1, round(0.04 * written.side))
    for left, right in pairwise(written.edges):
        cv2.rectangle(lines, (left + gap, written.top), (right - gap, written.bottom), (1.0,), written.thick)
    return _printed(written, lines, kind, random)


def _comb(part: Part, random: Random, kind: str) -> Composed:
    """A line below the digits with a tooth between any two: up to their full height or shorter."""
    written = _written(part, random, roomy=True)
    lines = np.zeros_like(written.ink)
    tooth = round(random.choice([0.3, 0.6, 1.0]) * (written.bottom - written.top))
    cv2.line(lines, (written.edges[0], written.bottom), (written.edges[-1], written.bottom), (1.0,), written.thick)
    for edge in written.edges:
        cv2.line(lines, (edge, written.bottom), (edge, written.bottom - tooth), (1.0,), written.thick)
    return _printed(written, lines, kind, random)


def _on_a_line(part: Part, random: Random, kind: str) -> Composed:
    """Digits that stand on a printed line, or reach over it."""
    written = _written(part, random, roomy=True)
    lines = np.zeros_like(written.ink)
    inked_rows = np.flatnonzero((written.ink > 0.3).any(axis=1))
    at = round(inked_rows[-1] - random.uniform(-0.02, 0.2) * written.side)
    cv2.line(lines, (0, at), (lines.shape[1], at), (1.0,), written.thick)
    return _printed(written, lines, kind, random)


def _glued(part: Part, random: Random, kind: str) -> Composed:
    """Two to five of MNIST's pictures side by side, as they are or enlarged, light on dark or dark on light."""
    chosen = random.integers(0, len(part), random.integers(2, 6))
    by = int(random.choice([1, 2, 4, 8, 16]))
    row = np.hstack([part.images[one] for one in chosen])
    grey = cv2.resize(row, None, fx=by, fy=by, interpolation=random.choice([cv2.INTER_NEAREST, cv2.INTER_CUBIC]))
    either = np.asarray(grey if random.random() < 0.5 else 255 - grey, np.uint8)
    return Composed(either, "".join(str(part.labels[one]) for one in chosen), kind, False)


def _large_and_bold(part: Part, random: Random, kind: str) -> Composed:
    """Two to four digits that fill the page, written with a bold pen."""
    side = random.uniform(150, 400)
    hand = Hand(side, random)
    nib = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (round(random.uniform(0.03, 0.08) * side),) * 2)
    chosen = random.integers(0, len(part), random.integers(2, 5))
    gap, margin = round(random.uniform(0.08, 0.3) * side), round(random.uniform(0.05, 0.4) * side)
    columns: list[Float] = []
    for one in chosen:
        digit = np.pad(hand.drawn(part.images[one], random), (len(nib), len(nib)))
        bold = np.asarray(cv2.dilate(digit, nib), np.float32)
        short = round(1.3 * side) - len(bold)
        columns.append(np.pad(bold, ((short // 2, short - short // 2), (gap // 2, gap // 2))))
    ink = np.pad(np.hstack(columns), margin)
    paper = str(random.choice(["white", "grey, uneven light", "dark board"]))
    text = "".join(str(part.labels[one]) for one in chosen)
    return Composed(KINDS[paper](ink, side, random), text, kind, False)


def _turned(quarters: int) -> Callable[[Part, Random, str], Composed]:
    """A page of six digits or more, turned round by quarters, anticlockwise."""

    def page(part: Part, random: Random, kind: str) -> Composed:
        paper = str(random.choice(["white", "grey, uneven light", "squared", "ruled"]))
        upright = compose(part, random, paper, touching=False, fewest=6)
        return Composed(np.ascontiguousarray(np.rot90(upright.grey, quarters)), upright.text, kind, False)

    return page


FORMS: dict[str, Callable[[Part, Random, str], Composed]] = {
    "row of boxes": _boxes(roomy=True),
    "digits touching their boxes": _boxes(roomy=False),
    "separate boxes": _separate_boxes,
    "comb": _comb,
    "on a line": _on_a_line,
    "28x28 pictures side by side": _glued,
    "few, large, bold": _large_and_bold,
}
TURNED: dict[str, Callable[[Part, Random, str], Composed]] = {
    "turned by 90 degrees": _turned(1),
    "turned by 180 degrees": _turned(2),
    "turned by 270 degrees": _turned(3),
}
