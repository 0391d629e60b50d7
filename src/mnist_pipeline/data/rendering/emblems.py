"""Emblems as strokes, as of logos, switches and road signs: rings with something in their opening, arcs, polygons."""

from collections.abc import Callable

import numpy as np

from mnist_pipeline.data.rendering.strokes import Points, Random, Strokes

_MIDDLE = np.array((0.5, 0.5))


def open_ring(random: Random) -> Strokes:
    """A ring with an opening and a bar or a dot in it; at times one end runs on to a tip, as a drop has it."""
    towards, dotted = random.uniform(0, 2 * np.pi), random.random() < 0.5
    half = random.uniform(0.65, 1.15) if dotted else random.uniform(0.5, 1.15)  # a dot must not close the ring
    ring = _arc(_MIDDLE, 0.45, towards + half, towards + 2 * np.pi - half)
    if random.random() < 0.35:
        onward = ring[0] - ring[2]
        ring = np.concatenate([[ring[0] + random.uniform(0.15, 0.35) / np.hypot(*onward) * onward], ring])
    if random.random() < 0.3:
        ring = ring[::-1] * (-1, 1) + (1, 0)
        towards = np.pi - towards
    if dotted:
        away = random.uniform(0.45, 0.6)
        return [ring, *_dot(_MIDDLE + away * _direction(towards + random.uniform(-0.2, 0.2)), random)]
    bar = _MIDDLE + random.uniform(0.38, 0.55) * _direction(towards)
    reach = random.uniform(0.15, 0.4) * _direction(towards)
    return [ring, np.stack([bar - reach / 2, bar + reach / 2])]


def ringed(random: Random) -> Strokes:
    """A ring around a cross, a wheel's spokes or a polygon, all of which touch it: what does not may get lost."""
    ring, inside = _arc(_MIDDLE, 0.5, 0, 2 * np.pi), random.integers(3)
    if inside == 0:
        return [ring, *_spokes(4, random.normal(0, 0.1))]
    if inside == 1:
        return [ring, *_spokes(3, random.choice((-1, 1)) * np.pi / 2)]
    return [ring, _polygon(int(random.integers(3, 5)), random)]


def arcs(random: Random) -> Strokes:
    """Arcs around a dot, as for a radio."""
    towards, half = random.uniform(0, 2 * np.pi), random.uniform(0.5, 1.0)
    radii = np.linspace(0.35, 1.0, int(random.integers(2, 4)))
    strokes = [_arc(np.zeros(2), radius, towards - half, towards + half) for radius in radii]
    return [*strokes, *_dot(np.zeros(2), random)]


def framed(random: Random) -> Strokes:
    """A polygon with its spokes, or with another one in it that stands on its sides."""
    corners = int(random.integers(3, 7))
    outside = _polygon(corners, random)
    if corners > 4 or random.random() < 0.5:
        return [outside, *(np.stack([_MIDDLE, corner]) for corner in outside[:-1])]
    sides = (outside[1:] + outside[:-1]) / 2
    return [outside, np.concatenate([sides, sides[:1]])]


def chain(random: Random) -> Strokes:
    """Two or three rings side by side, each in the next."""
    count, step = int(random.integers(2, 4)), random.uniform(0.5, 0.85)
    return [_arc(np.array((number * step, 0.0)), 0.5, 0, 2 * np.pi) / count for number in range(count)]


def chevrons(random: Random) -> Strokes:
    """Two or three corners in a row, all pointing the same way."""
    towards, depth = _direction(random.integers(4) * np.pi / 2), random.uniform(0.2, 0.45)
    aside, count = towards[::-1], int(random.integers(2, 4))
    corner = np.stack([-0.4 * aside, depth * towards, 0.4 * aside])
    return [corner + number * 0.3 * towards for number in range(count)]


Emblem = Callable[[Random], Strokes]
SEEN: tuple[Emblem, ...] = (open_ring, open_ring, open_ring, ringed, arcs, framed)
UNSEEN: tuple[Emblem, ...] = (open_ring, chain, chevrons)


def emblem(forms: tuple[Emblem, ...], random: Random) -> Strokes:
    """The strokes of an emblem in one of these forms."""
    return forms[random.integers(len(forms))](random)


def _direction(angle: float) -> Points:
    return np.array([np.cos(angle), np.sin(angle)])


def _arc(middle: Points, radius: float, first: float, last: float) -> Points:
    angles = np.linspace(first, last, 32)
    return middle + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _dot(middle: Points, random: Random) -> Strokes:
    """A disc, as rings in rings that any pen fills."""
    most = 0.05 * random.uniform(0.8, 1.3)
    return [_arc(middle, part * most, 0, 2 * np.pi) for part in (0.35, 0.7, 1.0)]


def _spokes(count: int, first: float) -> Strokes:
    return [_MIDDLE + np.outer((0, 0.5), _direction(first + number * 2 * np.pi / count)) for number in range(count)]


def _polygon(corners: int, random: Random) -> Points:
    first = -np.pi / 2 + random.choice((0.0, np.pi / corners)) + random.normal(0, 0.05)
    angles = first + np.linspace(0, 2 * np.pi, corners + 1)
    return _MIDDLE + 0.5 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
