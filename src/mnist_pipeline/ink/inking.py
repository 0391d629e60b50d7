"""From grey to ink: which pixels a pen marked, and how strongly, whatever the paper, its light and its lines."""

from dataclasses import dataclass

import cv2
import numpy as np

from mnist_pipeline.ink.light import Grey, Invert, as_grey, levelled, lightness, locally_levelled
from mnist_pipeline.ink.lines import without_lines
from mnist_pipeline.ink.marks import is_crowded, marked
from mnist_pipeline.ink.shapes import shapes

_DARKEST, _LIGHTEST = 0.5, 1.25  # of lightness: between them shadow can have made a sheet look like a board
Step = tuple[str, Grey]  # what was done, and the picture after it


@dataclass(frozen=True)
class Ink:
    """The ink of a picture."""

    strength: Grey
    """From 0, paper, to at most 255."""
    marks: Grey
    """1 where there is ink."""
    inverted: bool
    """Whether the ink is what is dark in the picture."""


def inked(grey: Grey, invert: Invert, steps: list[Step]) -> Ink:
    """The ink of a grey picture, ruled lines left out; the steps on the way are added to the list."""
    light = lightness(grey) if invert == "auto" else 2.0 * (invert == "yes")
    ink = _levelled(grey, light > 1)
    if not ink.marks.any() or is_crowded(ink.marks):
        ways = (True, False) if _DARKEST < light < _LIGHTEST else (ink.inverted,)
        near = max((_locally(grey, way) for way in ways), key=_prominence)
        ink = near if near.marks.any() else ink
    steps.append(("ink, evenly lit", ink.strength))
    steps.append(("above the threshold", ink.marks * 255))
    clean = without_lines(ink.marks)
    if clean is not ink.marks:
        steps.append(("without ruled lines", clean * 255))
    return Ink(ink.strength, clean, ink.inverted)


def _levelled(grey: Grey, inverted: bool) -> Ink:
    strength = levelled(grey, inverted)
    return Ink(strength, marked(strength), inverted)


def _locally(grey: Grey, inverted: bool) -> Ink:
    strength = locally_levelled(grey, inverted)
    return Ink(strength, marked(strength), inverted)


def _prominence(ink: Ink) -> float:
    """How large and strong the foremost shape is: strokes go around their own counters, and a halo is weak."""
    found = shapes(ink.marks)
    free = found.free
    if not free.any():
        return 0.0
    foremost = np.flatnonzero(free)[0]  # they are sorted by size
    strength = cv2.mean(ink.strength, mask=as_grey(found.labels == found.numbers[foremost]))[0]
    return float(found.sizes[foremost] * strength) ** 2
