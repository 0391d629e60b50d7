"""Digits as strokes from scratch, in the forms that people write and MNIST lacks or has too few of."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Strokes = list[Points]
Random = np.random.Generator

# The corners of strokes as x,y in hundredths of a square, y downwards. "~" rounds those that follow, "-" keeps them.
_FORMS: dict[int, tuple[str, ...]] = {
    1: (
        "- 50,0 50,100",
        "- 15,30 50,0 50,100",
        "- 0,55 55,0 50,100",
        "- -10,75 50,0 45,100",
        "~ 0,50 25,30 50,0 - 50,0 48,100",
        "- 10,35 50,0 50,100 - 15,100 85,100",
    ),
    2: (
        "~ 10,25 30,3 65,2 85,22 75,45 40,75 5,98 - 5,98 95,97",
        "~ 10,20 45,0 80,20 65,55 20,95 8,85 25,78 55,93 95,93",
        "~ 15,10 60,0 85,20 50,60 5,95 50,93 95,100",
    ),
    3: (
        "~ 10,15 45,0 80,20 65,42 35,48 ~ 35,48 75,55 90,75 60,98 20,95 5,82",
        "- 10,3 85,3 40,40 ~ 40,40 80,50 90,75 60,98 20,97 3,85",
        "~ 10,10 60,0 75,22 30,45 85,55 80,90 40,100 5,85",
    ),
    4: (
        "- 25,0 5,60 95,60 - 70,15 65,100",
        "~ 20,0 10,30 12,50 40,58 85,50 - 85,0 80,100",
        "- 70,100 70,0 5,65 95,65",
        "- 55,0 5,70 95,68 - 65,35 60,100",
        "- 10,0 10,50 80,50 - 80,0 80,100",
    ),
    5: (
        "- 90,3 25,3 20,42 ~ 20,42 55,36 88,60 70,92 35,100 5,88",
        "- 25,8 20,42 - 25,5 95,0 ~ 20,42 60,40 85,65 65,95 10,97",
        "~ 85,0 30,5 20,35 65,50 80,75 50,100 5,95",
    ),
    6: (
        "~ 75,3 35,25 10,60 15,88 45,100 80,88 85,65 55,52 20,65",
        "~ 35,0 20,30 10,70 30,100 75,95 85,70 50,58 15,75",
        "~ 60,0 20,40 15,85 50,100 80,80 60,60 35,65 20,85",
    ),
    7: (
        "- 5,5 90,5 35,100",
        "- 5,5 90,5 40,100 - 25,50 85,48",
        "- 5,22 5,5 90,5 ~ 90,5 55,50 40,100",
        "~ 0,15 25,5 55,10 90,0 ~ 90,0 50,50 35,100 - 20,55 80,50",
    ),
    8: (
        "~ 75,12 45,0 20,15 30,38 70,60 80,85 50,100 20,85 30,60 70,38 80,18 72,10",
        "~ 85,5 50,0 20,18 40,42 75,65 75,90 45,100 20,85 40,58 75,30 95,10",
        "~ 50,0 22,22 50,46 78,22 50,0 ~ 50,46 12,73 50,100 88,73 50,46",
    ),
    9: (
        "~ 85,20 50,0 15,22 35,50 70,42 85,20 ~ 85,20 86,60 70,95 35,100 8,85",
        "~ 80,20 50,0 15,25 40,52 82,30 ~ 80,10 85,55 60,98 20,98 2,75",
        "~ 85,20 50,0 15,25 40,50 80,30 - 85,5 78,100",
        "~ 80,15 40,0 15,30 50,48 85,25 75,70 35,100",
    ),
}  # fmt: skip


def glyph(digit: int, random: Random) -> Strokes:
    """The digit in one of its forms, as nobody writes it twice."""
    strokes = _zero(random) if digit == 0 else written(_FORMS[digit], random)
    narrow = random.uniform(0.4, 1.0) if digit != 1 else random.uniform(0.4, 0.9)
    return [stroke * (narrow, 1.0) for stroke in strokes]


def written(forms: tuple[str, ...], random: Random, jitter: float = 0.035) -> Strokes:
    """One of the forms, none of its corners where it should be."""
    strokes = []
    for kind, corners in _parsed(forms[random.integers(len(forms))]):
        points = corners + random.normal(0, jitter, corners.shape)
        strokes.append(rounded(points) if kind == "~" else points)
    return strokes


@cache
def _parsed(form: str) -> list[tuple[str, Points]]:
    """The strokes of a form, each with its kind."""
    parts: list[tuple[str, list[list[float]]]] = []
    for word in form.split():
        if word in "~-":
            parts.append((word, []))
        else:
            parts[-1][1].append([int(number) / 100 for number in word.split(",")])
    return [(kind, np.array(corners)) for kind, corners in parts]


def _zero(random: Random) -> Strokes:
    """An oval that need not close, at times with a slash."""
    first = random.uniform(-2.4, -0.7)
    angles = first + np.linspace(0, 2 * np.pi * random.uniform(0.9, 1.04), 40)
    uneven = 1 + random.normal(0, 0.05) * np.sin(angles * 2 + random.uniform(0, 6))
    strokes = [np.stack([0.5 + 0.45 * np.cos(angles) * uneven, 0.5 + 0.5 * np.sin(angles) * uneven], axis=1)]
    if random.random() < 0.2:
        reach = random.uniform(0.2, 0.45)
        strokes.append(np.array([(0.5 - reach, 0.5 + reach), (0.5 + reach, 0.5 - reach)]))
    return strokes


def rounded(corners: Points, steps: int = 8) -> Points:
    """A smooth line through the corners (Catmull and Rom's)."""
    padded = np.concatenate([2 * corners[:1] - corners[1:2], corners, 2 * corners[-1:] - corners[-2:-1]])
    t = np.linspace(0, 1, steps)[:, None, None]
    a, b, c, d = (padded[at : at + len(corners) - 1] for at in range(4))
    line = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    smooth: Points = line.transpose(1, 0, 2).reshape(-1, 2)
    return smooth


class Originals(NamedTuple):
    """Images as MNIST has them, and what they show."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    def any(self, random: Random) -> NDArray[np.uint8]:
        """One of them."""
        image: NDArray[np.uint8] = self.images[random.integers(len(self.images))]
        return image

    def of(self, classes: Sequence[int], random: Random) -> NDArray[np.uint8]:
        """One of any of these classes, as often as they are written; any at all, when none is there."""
        chosen = np.flatnonzero(np.isin(self.labels, classes))
        return self.images[random.choice(chosen)] if len(chosen) else self.any(random)
