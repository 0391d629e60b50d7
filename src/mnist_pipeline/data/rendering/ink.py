"""Lines of one pixel inked as pens do, and the inked page photographed: pen, paper, light, lens and file."""

from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.data.rendering.strokes import Points, Random, Strokes
from mnist_pipeline.pixels.light import Grey

Ink = NDArray[np.float32]  # how much of each pixel is inked, 0 to 1
Lines = NDArray[np.uint8]  # lines of one pixel, 255 on 0
_FINEST, BROADEST = 0.009, 0.065  # half a stroke's width, as a share of the longer side
_HOLLOW = 0.04  # share of the drawings in which strokes are hollow
_STROKE = (0.035, 0.07)  # half of a hollow stroke's width, in the same share
_ROUND = 0.8  # of its convex hull: what broad strokes fill where their outline alone would be a 0
FEWEST = 20  # pixels along the longer side of a small picture
FEWEST_OF_ALL = 11  # the same of digits, as scans and old data sets have them
_STRETCHED = 0.15  # share of MNIST's digits that are stretched, as by a program that makes them square
_EVERY = 0.06  # of the unit square: how close the points of a stroke are before it is bent


def page_side(random: Random) -> int:
    """The pixels along each side of a page."""
    return int(random.integers(56, 112))


def smooth_noise(shape: tuple[int, int], cells: int, random: Random) -> Ink:
    """A smooth field around 0 with about `cells` hills along a side."""
    field = random.standard_normal((cells, cells), np.float32)
    return cast("Ink", cv2.resize(field, shape[::-1], interpolation=cv2.INTER_CUBIC))


def enlarge_digit(digit: Grey, side: int, random: Random) -> Ink:
    """A 28x28 digit on `side` pixels, turned, slanted, stretched and wobbling."""
    angle, slant = random.normal(0, 0.1), _slant(0.0, 0.18, random)
    wide, high = np.exp(random.normal(0, 0.16)), np.exp(random.normal(0, 0.08))
    if random.random() < _STRETCHED:
        wide *= random.uniform(1.2, 1.8)
    turn = rotation(angle) @ np.array([[1 / wide, slant], [0, 1 / high]]) * (26 / side)
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) - np.float32((side - 1) / 2)
    places = wobble(x, y, np.column_stack([turn, (13.5, 13.5)]), abs(random.normal(0, 0.5)), random)
    return cast("Ink", cv2.remap(digit.astype(np.float32), *places, cv2.INTER_CUBIC))


def _slant(mean: float, spread: float, random: Random) -> float:
    """How far a hand leans to the right, as a share of its height; one hand in five leans more than the others."""
    return float(random.normal(mean, spread if random.random() < 0.8 else 1.7 * spread))


def wobble(x: Ink, y: Ink, turn: Points, strength: float, random: Random) -> tuple[Ink, Ink]:
    """Where OpenCV's remap takes the pixels x, y from: turned by an affine matrix, then moved by smooth noise."""
    from_x, from_y = (a * x + b * y + c + strength * smooth_noise(x.shape, 4, random) for a, b, c in turn)
    return from_x.astype(np.float32), from_y.astype(np.float32)


def thin_strokes(field: Ink) -> Lines:
    """The middle lines of what is brighter than half: where the distance to the edge stops rising."""
    mask = (field > 127).astype(np.uint8)
    depth = np.asarray(cv2.distanceTransform(mask, cv2.DIST_L2, 5), np.float32)
    rise_x = cv2.Sobel(depth, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)
    rise_y = cv2.Sobel(depth, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)
    half_width = 2 * float(depth.sum()) / max(int(mask.sum()), 1)
    middle = (rise_x * rise_x + rise_y * rise_y < 0.5) & (depth > 0.35 * half_width)
    return np.where(middle, np.uint8(255), np.uint8(0))


def draw_strokes(strokes: Strokes, side: int, random: Random) -> Lines:
    """Strokes in the unit square as lines on `side` pixels, turned, slanted and wobbling."""
    lines = np.zeros((side, side), np.uint8)
    angle, slant = random.normal(0, 0.08), _slant(0.05, 0.12, random)
    turn = rotation(angle) @ np.array([[1, -slant], [0, 1]])
    everything = np.concatenate(strokes)
    middle = (everything.min(0) + everything.max(0)) / 2
    waves = random.normal(0, 0.02, (2, 2, 2))
    for stroke in strokes:
        points = _dense(stroke) - middle
        points += (
            np.sin(points[:, ::-1] * (4, 5) + waves[1].sum()) * waves[0, 0]
            + np.sin(points * (7, 6)) * waves[0, 1] * 0.7
        )
        draw_line(lines, (points @ turn.T * 0.66 + 0.5) * side)
    return lines


def draw_line(lines: Lines, points: Points) -> None:
    """Add a line through points, given in pixels, of which OpenCV takes sixteenths."""
    cv2.polylines(lines, [np.round(points * 16).astype(np.int32)], False, 255, 1, cv2.LINE_8, 4)


def rotation(angle: float) -> Points:
    """The matrix that turns by an angle."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin], [sin, cos]])


def _dense(stroke: Points) -> Points:
    """A stroke with more points along it, so that it can bend between its corners."""
    lengths = np.hypot(*np.diff(stroke, axis=0).T)
    along = np.concatenate([[0], np.cumsum(lengths)])
    at = np.linspace(0, along[-1], max(int(along[-1] / _EVERY), 1) + 1)
    at = np.union1d(at, along)
    return np.stack([np.interp(at, along, stroke[:, axis]) for axis in (0, 1)], axis=1)


def ink_strokes(lines: Lines, random: Random, broadest: float = BROADEST) -> Ink:
    """Lines drawn with one pen, from a hard fine one to a broad soft one."""
    side = max(lines.shape)
    away = cv2.distanceTransform(255 - lines, cv2.DIST_L2, 3)
    radius = side * float(np.exp(random.uniform(np.log(_FINEST), np.log(broadest))))
    edge = max(1.0, radius * random.uniform(0, 0.5))
    kind = random.random()
    reach: Ink | float = radius
    if kind < 0.35:  # a brush, or a hand that presses unevenly
        reach = radius * (1 + random.uniform(0.1, 0.35) * smooth_noise(lines.shape, int(random.integers(3, 9)), random))
    ink: Ink = np.clip((reach - away) / edge + 0.5, 0, 1).astype(np.float32)
    if kind > 0.8:  # pencil, chalk, a pen that runs dry
        grain = random.standard_normal(lines.shape, np.float32)
        ink *= np.clip(1 - random.uniform(0.1, 0.5) * (grain + smooth_noise(lines.shape, 6, random)), 0.1, 1)
    if random.random() < 0.08:
        _cut_gaps(ink, lines, radius, random)
    return ink


def _cut_gaps(ink: Ink, lines: Lines, radius: float, random: Random) -> None:
    places = np.argwhere(lines)
    if not len(places):
        return
    for _ in range(random.integers(1, 4)):
        y, x = places[random.integers(len(places))]
        angle, long = random.uniform(0, np.pi), 2 * radius + 3
        step = long * np.array([np.cos(angle), np.sin(angle)])
        ends = [tuple(np.round((x, y) + sign * step).astype(int).tolist()) for sign in (-1, 1)]
        cv2.line(ink, ends[0], ends[1], 0.0, max(1, round(ink.shape[0] * random.uniform(0.015, 0.04))))


def photograph_lines(lines: Lines, random: Random, broadest: float = BROADEST, fewest: int = FEWEST) -> Grey:
    """A picture of a page on which a pen has drawn these lines, or what lies around them, as on posters."""
    if random.random() < _HOLLOW:
        lines, broadest = _outlined(lines, random, broadest)
    return photograph(ink_strokes(lines, random, broadest), random, fewest)


def _outlined(lines: Lines, random: Random, broadest: float) -> tuple[Lines, float]:
    """Outlines of broad strokes along these lines, and the broadest pen that leaves them hollow; a bar stays a bar."""
    half = random.uniform(*_STROKE)
    away = cv2.distanceTransform(255 - lines, cv2.DIST_L2, 3)
    strokes = (away < half * max(lines.shape)).astype(np.uint8) * np.uint8(255)
    if _is_stick(strokes):
        return lines, broadest
    return strokes - cv2.erode(strokes, np.ones((3, 3), np.uint8)), half / 3.5


def _is_stick(strokes: Lines) -> bool:
    """Whether the outline of these strokes is a 0 to a reader, as a bar's is.

    With outlined bars among the drawings of 1s and letters, two models misread or refused 6 and 9 more 0s and 1s of
    400 digits of Semeion.
    """
    hull = cv2.convexHull(cv2.findNonZero(strokes))
    return cv2.countNonZero(strokes) > _ROUND * cv2.contourArea(hull)


def photograph(ink: Ink, random: Random, fewest: int = FEWEST) -> Grey:
    """A picture of a page with this ink on it, as a camera, a scanner or a paint program makes it."""
    ink = _add_frame(_add_margins(ink, random), random)
    paper = random.uniform(120, 255)
    pen = paper - random.uniform(60, paper)
    if random.random() < 0.4:  # a paint program: pure colours
        paper, pen = 255.0, random.uniform(0, 40)
        picture = paper + (pen - paper) * ink
    else:
        contrast = paper - pen
        light = paper + smooth_noise(ink.shape, 3, random) * random.uniform(0, 0.08) * contrast
        if random.random() < 0.2:
            light -= _ruled_lines(ink.shape, random) * random.uniform(0.08, 0.3) * contrast
        picture = light + (pen - light) * ink
    return _capture(picture.astype(np.float32), paper - pen, fewest, random)


def _add_margins(ink: Ink, random: Random) -> Ink:
    """The ink cut out and given margins as people leave them."""
    x, y, wide, high = cv2.boundingRect((ink > 0.2).astype(np.uint8))
    cut = ink[y : y + high, x : x + wide]
    least, most = (3, 0.4) if random.random() < 0.94 else (0, 0.04)  # cut out tightly, as a cell of a form
    top, bottom, left, right = (least + max(ink.shape) * random.uniform(0.0, most, 4)).astype(int)
    return cast("Ink", cv2.copyMakeBorder(cut, top, bottom, left, right, cv2.BORDER_CONSTANT, value=0.0))


def _add_frame(ink: Ink, random: Random) -> Ink:
    """The ink, at times with some sides of a box drawn around it."""
    if random.random() < 0.06:
        height, width = ink.shape
        thick = max(1, round(height * random.uniform(0.01, 0.03)))
        inset = random.integers(0, 4, 4).tolist()
        left, top, right, bottom = inset[0], inset[1], width - 1 - inset[2], height - 1 - inset[3]
        corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
        for number in range(4):
            if random.random() < 0.5:
                cv2.line(ink, corners[number], corners[(number + 1) % 4], random.uniform(0.4, 1.0), thick)
    return ink


def _ruled_lines(shape: tuple[int, int], random: Random) -> Ink:
    """The lines of ruled or squared paper, as 1 on 0."""
    lines = np.zeros(shape, np.float32)
    step = random.uniform(0.15, 0.6) * shape[0]
    thick = 1 + int(shape[0] * random.uniform(0, 0.012))
    for at in np.arange(random.uniform(0, step), shape[0], step).astype(int):
        lines[at : at + thick] = 1
    if random.random() < 0.5:
        for at in np.arange(random.uniform(0, step), shape[1], step).astype(int):
            lines[:, at : at + thick] = 1
    return lines


def _capture(picture: Ink, contrast: float, fewest: int, random: Random) -> Grey:
    """The picture after a lens, a sensor and a file format."""
    if random.random() < 0.4:
        blur = max(picture.shape) * random.uniform(0.003, 0.014) + 0.3
        picture = cast("Ink", cv2.GaussianBlur(picture, (0, 0), blur))
    if random.random() < 0.3:  # few pixels, as icons and thumbnails have, at times made many again
        by = np.exp(random.uniform(np.log(fewest), np.log(44))) / max(picture.shape)
        picture = cast("Ink", cv2.resize(picture, None, fx=by, fy=by, interpolation=cv2.INTER_AREA))
        if random.random() < 0.3:
            by, way = random.uniform(2, 5), (cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC)[random.integers(3)]
            picture = cast("Ink", cv2.resize(picture, None, fx=by, fy=by, interpolation=way))
    if random.random() < 0.5:
        picture = picture + random.uniform(0, 0.05) * contrast * random.standard_normal(picture.shape, np.float32)
    if random.random() < 0.35:
        picture = 255 - picture
    grey = np.clip(picture, 0, 255).astype(np.uint8)
    if random.random() < 0.12:
        _, file = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(25, 90))])
        grey = cast("Grey", cv2.imdecode(file, cv2.IMREAD_GRAYSCALE))
    return grey
