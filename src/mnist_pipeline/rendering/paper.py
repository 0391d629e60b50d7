"""Ink on paper, photographed, scanned or painted: light, lines, noise, blur, few pixels, JPEG."""

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.rendering.glyphs import Random
from mnist_pipeline.rendering.pens import Ink, noise

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
