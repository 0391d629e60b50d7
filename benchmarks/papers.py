"""Draws the ink of a page on paper of seven kinds: white, unevenly lit, squared, ruled, dark, photographed, framed."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
Random = np.random.Generator


def inked(
    ink: Float, paper: float | Float, pen: float, noise: float, random: Random, light: float | Float = 1.0
) -> NDArray[np.uint8]:
    """Ink from 0 to 1 of this pen on this paper, in this light, with this much noise."""
    grey = (paper * (1 - ink) + pen * ink) * light
    grey += random.normal(0, noise, ink.shape) if noise else 0
    return np.clip(grey, 0, 255).astype(np.uint8)


def uneven_light(shape: tuple[int, ...], random: Random, depth: float) -> Float:
    """Uneven light as a factor: a slope and a dark corner."""
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j].astype(np.float32)
    angle, corner = random.uniform(0, 2 * np.pi), random.uniform(-1, 1, 2)
    slope = np.cos(angle) * x + np.sin(angle) * y
    away = np.hypot(x - corner[0], y - corner[1])
    light = 1 - depth * (0.25 * (slope + 1) + 0.15 * away * random.random())
    return np.asarray(np.maximum(0.3, light), np.float32)


def _lines(shape: tuple[int, ...], step: float, random: Random, squared: bool, wide: int) -> Float:
    """Ruled or squared lines, a little turned: how much of each pixel a line covers, from 0 to 1."""
    height, width = shape
    lines = np.zeros((height * 2, width * 2), np.float32)
    for at in np.arange(random.uniform(0, step), max(lines.shape), step):
        lines[round(at) : round(at) + wide] = 1
        if squared:
            lines[:, round(at) : round(at) + wide] = 1
    matrix = cv2.getRotationMatrix2D((float(width), float(height)), random.uniform(-2, 2), 1)
    turned = cv2.warpAffine(lines, matrix, lines.shape[::-1], flags=cv2.INTER_LINEAR).astype(np.float32)
    return np.asarray(turned[height // 2 : height // 2 + height, width // 2 : width // 2 + width])


def _white(ink: Float, _side: float, random: Random) -> NDArray[np.uint8]:
    return inked(ink, random.uniform(235, 255), random.uniform(0, 110), 0, random)


def _grey(ink: Float, _side: float, random: Random) -> NDArray[np.uint8]:
    light = uneven_light(ink.shape, random, random.uniform(0.3, 1.0))
    return inked(ink, random.uniform(170, 235), random.uniform(10, 70), random.uniform(0, 4), random, light)


def _on_lines(squared: bool) -> Callable[[Float, float, Random], NDArray[np.uint8]]:
    def paper(ink: Float, side: float, random: Random) -> NDArray[np.uint8]:
        step = random.uniform(0.3, 0.9) * side if squared else random.uniform(0.9, 1.8) * side
        lines = _lines(ink.shape, max(8, step), random, squared, max(1, round(side / 60)))
        base = random.uniform(225, 252)
        ruled = base - lines * random.uniform(20, 90)
        light = uneven_light(ink.shape, random, random.uniform(0, 0.4))
        return inked(ink, ruled, random.uniform(10, 60), random.uniform(0, 3), random, light)

    return paper


def _board(ink: Float, _side: float, random: Random) -> NDArray[np.uint8]:
    small = random.normal(0, 1, (12, 12)).astype(np.float32)
    wiped = cv2.resize(small, ink.shape[::-1], interpolation=cv2.INTER_CUBIC).astype(np.float32)
    paper = np.asarray(random.uniform(15, 70) + 5 * wiped, np.float32)
    return inked(ink, paper, random.uniform(170, 250), random.uniform(0, 6), random)


def _photo(ink: Float, side: float, random: Random) -> NDArray[np.uint8]:
    light = uneven_light(ink.shape, random, random.uniform(0.4, 1.2))
    if random.random() < 0.5:  # a shadow with an edge
        y, x = np.mgrid[-1 : 1 : ink.shape[0] * 1j, -1 : 1 : ink.shape[1] * 1j].astype(np.float32)
        angle = random.uniform(0, 2 * np.pi)
        edge = (np.cos(angle) * x + np.sin(angle) * y - random.uniform(-0.5, 0.5)) / random.uniform(0.1, 0.4)
        light = np.asarray(light * (1 - random.uniform(0.1, 0.5) / (1 + np.exp(-np.clip(edge, -30, 30)))), np.float32)
    grey = inked(ink, random.uniform(180, 240), random.uniform(20, 80), 0, random, light)
    blurred = cv2.GaussianBlur(grey, (0, 0), random.uniform(0.3, 0.02 * side + 0.3)).astype(np.float32)
    noisy = np.clip(blurred + random.normal(0, random.uniform(3, 12), ink.shape), 0, 255).astype(np.uint8)
    _, coded = cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(40, 90))])
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.uint8)


def _framed(ink: Float, side: float, random: Random) -> NDArray[np.uint8]:
    """A sheet on a darker table, or a box drawn around all the digits."""
    room = round(random.uniform(0.3, 0.8) * side)
    height, width = ink.shape
    if random.random() < 0.5:
        boxed = np.pad(ink, room)
        middle = room // 2
        cv2.rectangle(
            boxed,
            (middle, middle),
            (width + 2 * room - middle, height + 2 * room - middle),
            (1.0,),
            max(1, round(side / 25)),
        )
        return inked(boxed, random.uniform(220, 255), random.uniform(0, 80), 0, random)
    sheet = _grey(ink, side, random)
    table = random.uniform(30, 120) + random.normal(0, 4, (height + 2 * room, width + 2 * room))
    table[room : room + height, room : room + width] = sheet
    whole = cv2.GaussianBlur(np.clip(table, 0, 255).astype(np.uint8), (0, 0), 0.7)
    centre = whole.shape[1] / 2, whole.shape[0] / 2
    matrix = cv2.getRotationMatrix2D(centre, random.uniform(-2, 2), 1)
    turned = cv2.warpAffine(whole, matrix, whole.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(turned, np.uint8)


KINDS: dict[str, Callable[[Float, float, Random], NDArray[np.uint8]]] = {
    "white": _white,
    "grey, uneven light": _grey,
    "squared": _on_lines(squared=True),
    "ruled": _on_lines(squared=False),
    "dark board": _board,
    "noisy photo": _photo,
    "sheet or box": _framed,
}
