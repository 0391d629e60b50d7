"""Strokes of digits, letters and signs: the forms in alphabets.txt, written as nobody writes them twice."""

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Random = np.random.Generator
Points = NDArray[np.float64]  # (n, 2), x and y in a unit square, y downwards
Strokes = list[Points]
Letter = tuple[str, ...]  # the forms in which people write it, as alphabets.txt has them

_WIDE = (0.35, 1.15)  # of a digit's height: from narrow hands to what a form stretches to a square
_FILE = Path(__file__).with_name("alphabets.txt")


@cache
def read_alphabets() -> dict[str, dict[str, Letter]]:
    """The letters of each alphabet in alphabets.txt, by name."""
    alphabets: dict[str, dict[str, Letter]] = {}
    letters: dict[str, Letter] = {}
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            letters = alphabets[line.strip("[]")] = {}
        elif line.startswith("  "):
            letters[next(reversed(letters))] += (line.strip(),)
        elif line and not line.startswith(";"):
            letters[line] = ()
    return alphabets


def write_letter(letter: Letter, random: Random, jitter: float = 0.035) -> Strokes:
    """The strokes of a letter in one of its forms, with a random jitter of their corners."""
    strokes = []
    for kind, corners in _parsed(letter[random.integers(len(letter))]):
        points = corners + random.normal(0, jitter, corners.shape)
        strokes.append(round_corners(points) if kind == "~" else points)
    return strokes


@cache
def _parsed(form: str) -> list[tuple[str, Points]]:
    """The strokes of a form, each with its kind: `~` round, `-` straight."""
    parts: list[tuple[str, list[list[float]]]] = []
    for word in form.split():
        if word in "~-":
            parts.append((word, []))
        else:
            parts[-1][1].append([int(number) / 100 for number in word.split(",")])
    return [(kind, np.array(corners)) for kind, corners in parts]


def round_corners(corners: Points, steps: int = 8) -> Points:
    """A smooth line through the corners (Catmull and Rom's)."""
    padded = np.concatenate([2 * corners[:1] - corners[1:2], corners, 2 * corners[-1:] - corners[-2:-1]])
    t = np.linspace(0, 1, steps)[:, None, None]
    a, b, c, d = (padded[at : at + len(corners) - 1] for at in range(4))
    line = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    smooth: Points = line.transpose(1, 0, 2).reshape(-1, 2)
    return smooth


def write_digit(digit: int, random: Random) -> Strokes:
    """The strokes of a digit in a form that MNIST lacks or has too few of."""
    strokes = _zero(random) if digit == 0 else write_letter(read_alphabets()["digits"][str(digit)], random)
    wide = random.uniform(*_WIDE)
    return [stroke * (wide, 1.0) for stroke in strokes]


def _zero(random: Random) -> Strokes:
    """An oval that need not close, or whose end goes on inside, at times with a slash."""
    first = random.uniform(-2.4, -0.9)  # from the upper left to the top: open on its right it would be a C
    angles = first + np.linspace(0, 2 * np.pi * random.uniform(0.86, 1.1), 40) * random.choice((-1, 1))
    uneven = 1 + random.normal(0, 0.05) * np.sin(angles * 2 + random.uniform(0, 6))
    uneven *= np.linspace(1, 1 - abs(random.normal(0, 0.12)), 40)
    strokes = [np.stack([0.5 + 0.45 * np.cos(angles) * uneven, 0.5 + 0.5 * np.sin(angles) * uneven], axis=1)]
    if random.random() < 0.2:
        reach = random.uniform(0.2, 0.45)
        strokes.append(np.array([(0.5 - reach, 0.5 + reach), (0.5 + reach, 0.5 - reach)]))
    return strokes
