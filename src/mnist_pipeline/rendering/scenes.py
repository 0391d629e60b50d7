"""Pictures of no digit that nobody wrote: filled shapes, light and shadow, textures, tables."""

import cv2
import numpy as np

from mnist_pipeline.rendering.glyphs import Random
from mnist_pipeline.rendering.originals import Originals
from mnist_pipeline.rendering.paper import Grey, pictured
from mnist_pipeline.rendering.pens import Ink, inked, noise


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
