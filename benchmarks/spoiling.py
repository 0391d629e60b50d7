"""Ways to spoil a picture that a person still reads: shadows, a phone's camera, faint ink, a corner, a pen, a crop."""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.pixels.light import border

Grey = NDArray[np.uint8]
Float = NDArray[np.float32]
Random = np.random.Generator


_SMALLEST = 0.1  # of the picture's longer side: what is smaller is a speck and no digit


class Box(NamedTuple):
    """Where a digit is in its picture, in pixels."""

    x: int
    y: int
    width: int
    height: int


Spoiling = Callable[[Grey, Box, Random], Grey]


def ink_box(grey: Grey) -> Box:
    """Where the digit of a clean picture is: the largest shape that does not touch the border, and what is in it."""
    dark = as_dark_ink(grey)
    marks = cv2.threshold(dark, 0, 255, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)[1]
    marks = cv2.dilate(marks, np.ones((3, 3), np.uint8))
    height, width = marks.shape
    boxes = [
        Box(*(int(value) for value in row[:4]))
        for row in cv2.connectedComponentsWithStats(marks)[2][1:]
        if row[0] > 0 and row[1] > 0 and row[0] + row[2] < width and row[1] + row[3] < height
    ]
    whole = Box(0, 0, width, height)
    largest = max(boxes, key=lambda box: box.width * box.height, default=whole)
    return largest if max(largest[2:]) >= _SMALLEST * max(whole[2:]) else whole


def as_dark_ink(grey: Grey) -> Grey:
    """The picture with dark ink: inverted where its border is dark."""
    return 255 - grey if np.median(border(grey)) < 128 else grey


def clean(grey: Grey, _box: Box, _random: Random) -> Grey:
    """The picture as it is."""
    return grey


def shadow(light: float, soft: bool) -> Spoiling:
    """A shadow over a part of the picture that leaves it this share of its light, with a hard or a soft edge."""

    def spoil(grey: Grey, box: Box, random: Random) -> Grey:
        return _bytes(grey * _shade(grey.shape, box, light, random.uniform(0.02, 0.06) if soft else 0.004, random))

    return spoil


def _shade(shape: tuple[int, ...], box: Box, light: float, edge: float, random: Random) -> Float:
    """Light as a factor: the edge of a shadow, straight or round, runs through the digit or close by."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    through_x = box.x + random.uniform(0, 1) * box.width
    through_y = box.y + random.uniform(0, 1) * box.height
    angle, size = random.uniform(0, 2 * np.pi), max(shape)
    if random.random() < 0.6:
        away = np.cos(angle) * (x - through_x) + np.sin(angle) * (y - through_y)
    else:
        round_by = random.uniform(0.5, 1.5) * size
        middle_x, middle_y = through_x + round_by * np.cos(angle), through_y + round_by * np.sin(angle)
        away = round_by - np.hypot(x - middle_x, y - middle_y)
    dark = 1 / (1 + np.exp(-np.clip(away / (edge * size), -30, 30)))
    return np.asarray(1 - (1 - light) * dark, np.float32)


def phone(grey: Grey, box: Box, random: Random) -> Grey:
    """As a phone takes it: tilted, in perspective, with a shadow, out of focus, noisy, as a JPEG."""
    by = random.uniform(400, 900) / max(grey.shape)
    large = cv2.resize(grey, None, fx=by, fy=by, interpolation=cv2.INTER_AREA if by < 1 else cv2.INTER_CUBIC)
    place = Box(*(round(by * side) for side in box))
    light = _shade(large.shape, place, random.uniform(0.3, 0.65), random.choice([0.005, 0.02, 0.06]), random)
    seen = _in_perspective(_bytes(large * light), random)
    height, width = seen.shape
    blurred = cv2.GaussianBlur(seen, (0, 0), random.uniform(0.5, 2.0)).astype(np.float32)
    first, last = (float(light) for light in random.uniform(0.75, 1.0, 2))
    blurred *= np.linspace(first, last, width, dtype=np.float32)
    noisy = _bytes(blurred + random.normal(0, random.uniform(3, 9), (height, width)))
    return _jpeg(noisy, int(random.integers(35, 80)))


def _in_perspective(grey: Grey, random: Random) -> Grey:
    """Seen from aside: turned a little, its corners moved, the paper continued beyond them."""
    height, width = grey.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    turn = np.radians(random.uniform(-10, 10))
    spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    middle = np.array([width, height]) / 2
    moved = (corners - middle) @ spin.T + middle + random.uniform(-0.07, 0.07, (4, 2)) * [width, height]
    matrix = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    return _bytes(cv2.warpPerspective(grey, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE))


def faint(grey: Grey, _box: Box, random: Random) -> Grey:
    """A tenth of the contrast, at a brightness anywhere."""
    return _bytes(0.1 * grey + random.uniform(20, 205))


def corner(grey: Grey, _box: Box, random: Random) -> Grey:
    """In a corner of a picture ten times as wide and as tall."""
    by = min(1.0, 200 / max(grey.shape))
    small = _bytes(cv2.resize(grey, None, fx=by, fy=by, interpolation=cv2.INTER_AREA)) if by < 1 else grey
    high, wide = small.shape
    top, left = (int(random.choice([0, 9 * side])) for side in (high, wide))
    return _on_more_paper(small, 10 * high, 10 * wide, top, left, random)


def margin(grey: Grey, _box: Box, random: Random) -> Grey:
    """With more paper around: a quarter of its longer side on each side."""
    more = round(max(grey.shape) / 4)
    return _on_more_paper(grey, grey.shape[0] + 2 * more, grey.shape[1] + 2 * more, more, more, random, fade=0)


def _on_more_paper(grey: Grey, height: int, width: int, top: int, left: int, random: Random, fade: float = 0.1) -> Grey:
    """The picture on a larger sheet of the same paper, into which its edges fade."""
    edge = border(grey).astype(np.float32)
    paper = float(np.median(edge))
    grain = float(np.median(np.abs(edge - paper))) if fade else 0.0
    sheet = np.full((height, width), paper, np.float32)
    sheet += random.normal(0, min(grain, 6), sheet.shape) if grain else 0
    high, wide = grey.shape
    y, x = np.mgrid[:high, :wide]
    inside = np.minimum(np.minimum(y, high - 1 - y), np.minimum(x, wide - 1 - x)) + 1
    share = np.minimum(1, inside / (fade * max(high, wide))) if fade else 1.0
    place = sheet[top : top + high, left : left + wide]
    place += share * (grey - place)
    return _bytes(sheet)


def pen(grey: Grey, box: Box, random: Random) -> Grey:
    """A pen lies beside the digit, dark beside dark ink and light beside chalk."""
    high, wide = grey.shape
    more, right = round(random.uniform(0.35, 0.6) * wide), bool(random.random() < 0.5)
    sheet = _on_more_paper(grey, high, wide + more, 0, 0 if right else more, random, fade=0.05)
    middle = wide + 0.5 * more if right else 0.5 * more
    thick, lean = random.uniform(0.12, 0.22) * more, random.uniform(-0.25, 0.25) * more
    top, end = random.choice([-0.3, random.uniform(0.05, 0.4)]) * high, 1.3 * high  # a pen is longer than a digit
    body = int(random.integers(160, 230) if _light_ink(grey, box) else random.integers(20, 90))
    left_side = [(middle - lean - thick, top + 2 * thick), (middle + lean - thick, end)]
    outline = [(middle - lean, top), *left_side, *[(x + 2 * thick, y) for x, y in left_side[::-1]]]
    cv2.fillPoly(sheet, [np.array(outline, np.float32).round().astype(np.int32)], (body,), cv2.LINE_AA)
    start, stop = (round(middle - lean), round(top + 3 * thick)), (round(middle + lean), round(end))
    cv2.line(sheet, start, stop, (min(255, body + 60),), max(1, round(thick / 4)), cv2.LINE_AA)
    return sheet


def tight(grey: Grey, box: Box, _random: Random) -> Grey:
    """Cut out so that the digit touches all four sides."""
    return grey[box.y : box.y + box.height, box.x : box.x + box.width]


def bold_and_tight(grey: Grey, box: Box, random: Random) -> Grey:
    """Written with a bold pen and cut out so that the digit touches all four sides."""
    more = 1 + max(1, round(random.uniform(0.04, 0.10) * max(box.width, box.height)))
    nib = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (more, more))
    bold = (cv2.dilate if _light_ink(grey, box) else cv2.erode)(grey, nib)
    return tight(np.asarray(bold, np.uint8), box, random)


def _light_ink(grey: Grey, box: Box) -> bool:
    """Whether the digit is lighter than the paper, which is most of its box."""
    inside = grey[box.y : box.y + box.height, box.x : box.x + box.width]
    return bool(np.median(inside) < (float(inside.min()) + float(inside.max())) / 2)


def _bytes(values: object) -> Grey:
    return np.clip(np.asarray(values, np.float32), 0, 255).astype(np.uint8)


def _jpeg(grey: Grey, quality: int) -> Grey:
    coded = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.uint8)


WAYS: dict[str, Spoiling] = {
    "clean": clean,
    "shadow to 35 %, hard edge": shadow(0.35, soft=False),
    "shadow to 35 %, soft edge": shadow(0.35, soft=True),
    "shadow to 20 %, hard edge": shadow(0.20, soft=False),
    "as a phone does": phone,
    "contrast 10 %": faint,
    "in a corner": corner,
    "a pen beside": pen,
    "tight": tight,
    "tight, a bold pen": bold_and_tight,
    "margin": margin,
}
