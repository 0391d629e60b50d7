"""Lines of one pixel, and digits thinned to such, inked as pens do: width, wobble, breaks, texture."""

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.data.rendering.strokes import Points, Random, Strokes

Ink = NDArray[np.float32]
"""How much of each pixel is inked, 0 to 1."""
Lines = NDArray[np.uint8]
"""Lines of one pixel, 255 on 0."""
_FINEST, BROADEST = 0.009, 0.065  # half a stroke's width, as a share of the longer side


def noise(shape: tuple[int, int], cells: int, random: Random) -> Ink:
    """A smooth field around 0 with about so many hills along a side."""
    field = random.standard_normal((cells, cells), np.float32)
    return cv2.resize(field, shape[::-1], interpolation=cv2.INTER_CUBIC)  # type: ignore[return-value]


def enlarged(digit: NDArray[np.uint8], side: int, random: Random) -> Ink:
    """A 28x28 digit on `side` pixels, turned, slanted, stretched and wobbling."""
    angle, slant = random.normal(0, 0.1), random.normal(0.0, 0.18)
    wide, high = np.exp(random.normal(0, 0.16)), np.exp(random.normal(0, 0.08))
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, -sin], [sin, cos]]) @ np.array([[1 / wide, slant], [0, 1 / high]]) * (26 / side)
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) - np.float32((side - 1) / 2)
    strength = abs(random.normal(0, 0.5))
    from_x = turn[0, 0] * x + turn[0, 1] * y + 13.5 + strength * noise((side, side), 4, random)
    from_y = turn[1, 0] * x + turn[1, 1] * y + 13.5 + strength * noise((side, side), 4, random)
    return cv2.remap(  # type: ignore[return-value]
        digit.astype(np.float32), from_x.astype(np.float32), from_y.astype(np.float32), cv2.INTER_CUBIC
    )


def thinned(field: Ink) -> Lines:
    """The middle lines of what is brighter than half: where the distance to the edge stops rising."""
    mask = (field > 127).astype(np.uint8)
    depth = np.asarray(cv2.distanceTransform(mask, cv2.DIST_L2, 5), np.float32)
    rise_x = cv2.Sobel(depth, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)
    rise_y = cv2.Sobel(depth, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)
    middle = (rise_x * rise_x + rise_y * rise_y < 0.5) & (depth > 0.35 * _half_width(mask, depth))
    return np.where(middle, np.uint8(255), np.uint8(0))


def _half_width(mask: NDArray[np.uint8], depth: Ink) -> float:
    return 2 * float(depth.sum()) / max(int(mask.sum()), 1)


def drawn(strokes: Strokes, side: int, random: Random) -> Lines:
    """Strokes in the unit square as lines on `side` pixels, turned, slanted and wobbling."""
    lines = np.zeros((side, side), np.uint8)
    angle, slant = random.normal(0, 0.08), random.normal(0.05, 0.12)
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, -sin], [sin, cos]]) @ np.array([[1, -slant], [0, 1]])
    everything = np.concatenate(strokes)
    middle = (everything.min(0) + everything.max(0)) / 2
    waves = random.normal(0, 0.02, (2, 2, 2))
    for stroke in strokes:
        points = dense(stroke) - middle
        points += (
            np.sin(points[:, ::-1] * (4, 5) + waves[1].sum()) * waves[0, 0]
            + np.sin(points * (7, 6)) * waves[0, 1] * 0.7
        )
        places = (points @ turn.T * 0.66 + 0.5) * side
        cv2.polylines(lines, [np.round(places * 16).astype(np.int32)], False, 255, 1, cv2.LINE_8, 4)
    return lines


def dense(stroke: Points, every: float = 0.06) -> Points:
    """The same line with a point at least so often, so that it can bend."""
    lengths = np.hypot(*np.diff(stroke, axis=0).T)
    along = np.concatenate([[0], np.cumsum(lengths)])
    at = np.linspace(0, along[-1], max(int(along[-1] / every), 1) + 1)
    at = np.union1d(at, along)
    return np.stack([np.interp(at, along, stroke[:, axis]) for axis in (0, 1)], axis=1)


def inked(lines: Lines, random: Random, broadest: float = BROADEST) -> Ink:
    """The lines drawn with one pen, from a hard fine one to a broad soft one."""
    side = max(lines.shape)
    away = cv2.distanceTransform(255 - lines, cv2.DIST_L2, 3)
    radius = side * float(np.exp(random.uniform(np.log(_FINEST), np.log(broadest))))
    edge = max(1.0, radius * random.uniform(0, 0.5))
    kind = random.random()
    reach: Ink | float = radius
    if kind < 0.35:  # a brush, or a hand that presses unevenly
        reach = radius * (1 + random.uniform(0.1, 0.35) * noise(lines.shape, int(random.integers(3, 9)), random))
    ink: Ink = np.clip((reach - away) / edge + 0.5, 0, 1).astype(np.float32)
    if kind > 0.8:  # pencil, chalk, a pen that runs dry
        grain = random.standard_normal(lines.shape, np.float32)
        ink *= np.clip(1 - random.uniform(0.1, 0.5) * (grain + noise(lines.shape, 6, random)), 0.1, 1)
    if random.random() < 0.08:
        _break(ink, lines, radius, random)
    return ink


def _break(ink: Ink, lines: Lines, radius: float, random: Random) -> None:
    """Take narrow gaps out of the strokes."""
    places = np.argwhere(lines)
    if not len(places):
        return
    for _ in range(random.integers(1, 4)):
        y, x = places[random.integers(len(places))]
        angle, long = random.uniform(0, np.pi), 2 * radius + 3
        step = long * np.array([np.cos(angle), np.sin(angle)])
        ends = [tuple(np.round((x, y) + sign * step).astype(int).tolist()) for sign in (-1, 1)]
        cv2.line(ink, ends[0], ends[1], 0.0, max(1, round(ink.shape[0] * random.uniform(0.015, 0.04))))


Grey = NDArray[np.uint8]


def pictured(ink: Ink, random: Random) -> Grey:
    """The picture of a page with this ink on it."""
    ink = _framed(_placed(ink, random), random)
    paper = random.uniform(120, 255)
    pen = paper - random.uniform(60, paper)
    if random.random() < 0.4:  # a paint program: pure colours
        paper, pen = 255.0, random.uniform(0, 40)
        picture = paper + (pen - paper) * ink
    else:
        contrast = paper - pen
        light = paper + noise(ink.shape, 3, random) * random.uniform(0, 0.08) * contrast
        if random.random() < 0.2:
            light -= _ruled(ink.shape, random) * random.uniform(0.08, 0.3) * contrast
        picture = light + (pen - light) * ink
    return _taken(picture.astype(np.float32), paper - pen, random)


def _placed(ink: Ink, random: Random) -> Ink:
    """The ink cut out and given margins as people leave them."""
    x, y, wide, high = cv2.boundingRect((ink > 0.2).astype(np.uint8))
    cut = ink[y : y + high, x : x + wide]
    top, bottom, left, right = (3 + max(ink.shape) * random.uniform(0.0, 0.4, 4)).astype(int)
    return cv2.copyMakeBorder(cut, top, bottom, left, right, cv2.BORDER_CONSTANT, value=0.0)  # type: ignore[return-value]


def _framed(ink: Ink, random: Random) -> Ink:
    """At times a piece of a box that is drawn around, or of the neighbouring line."""
    if random.random() < 0.06:
        height, width = ink.shape
        thick = max(1, round(height * random.uniform(0.01, 0.03)))
        inset = random.integers(0, 4, 4)
        corners = [(inset[0], inset[1]), (width - 1 - inset[2], inset[1]),
                   (width - 1 - inset[2], height - 1 - inset[3]), (inset[0], height - 1 - inset[3])]  # fmt: skip
        for number in range(4):
            if random.random() < 0.5:
                a, b = (tuple(int(at) for at in corners[at % 4]) for at in (number, number + 1))
                cv2.line(ink, a, b, random.uniform(0.4, 1.0), thick)
    return ink


def _ruled(shape: tuple[int, int], random: Random) -> Ink:
    """Ruled or squared paper's lines, as 1 on 0."""
    lines = np.zeros(shape, np.float32)
    step = random.uniform(0.15, 0.6) * shape[0]
    thick = 1 + int(shape[0] * random.uniform(0, 0.012))
    for at in np.arange(random.uniform(0, step), shape[0], step).astype(int):
        lines[at : at + thick] = 1
    if random.random() < 0.5:
        for at in np.arange(random.uniform(0, step), shape[1], step).astype(int):
            lines[:, at : at + thick] = 1
    return lines


def _taken(picture: Ink, contrast: float, random: Random) -> Grey:
    """Through a lens, a sensor and a file format."""
    if random.random() < 0.4:
        picture = cv2.GaussianBlur(picture, (0, 0), max(picture.shape) * random.uniform(0.003, 0.014) + 0.3)  # type: ignore[assignment]
    if random.random() < 0.3:  # few pixels, as icons and thumbnails have
        by = random.uniform(20, 44) / max(picture.shape)
        picture = cv2.resize(picture, None, fx=by, fy=by, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    if random.random() < 0.5:
        picture = picture + random.uniform(0, 0.05) * contrast * random.standard_normal(picture.shape, np.float32)
    if random.random() < 0.35:
        picture = 255 - picture
    grey = np.clip(picture, 0, 255).astype(np.uint8)
    if random.random() < 0.12:
        _, file = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(25, 90))])
        grey = cv2.imdecode(file, cv2.IMREAD_GRAYSCALE)  # type: ignore[assignment]
    return grey
