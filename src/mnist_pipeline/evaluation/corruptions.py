"""Fifteen ways to corrupt an image of 28x28, each the same for the same seed.

The ways and their strengths follow MNIST-C (Mu and Gilmer, 2019), in code of our own: the digits are light on dark.
"""

import zlib
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
Random = np.random.Generator
_SIDE = 28
_MIDDLE = (_SIDE - 1) / 2


def corrupted(images: NDArray[np.uint8], way: str, seed: int = 0) -> NDArray[np.uint8]:
    """All images of a part corrupted in one way."""
    return np.stack([corrupt(image, way, seed, number) for number, image in enumerate(images)])


def corrupt(image: NDArray[np.uint8], way: str, seed: int, number: int) -> NDArray[np.uint8]:
    """An image corrupted in one way; its number in its part gives it randomness of its own."""
    random = np.random.default_rng([seed, zlib.crc32(way.encode()), number])
    spoilt = CORRUPTIONS[way]((image / np.float32(255)).astype(np.float32), random)
    return np.clip(255 * spoilt, 0, 255).astype(np.uint8)


def _shot_noise(digit: Float, random: Random) -> Float:
    """Three quanta of light for a white pixel."""
    return (random.poisson(3 * digit) / 3).astype(np.float32)


def _impulse_noise(digit: Float, random: Random) -> Float:
    """Of a hundred pixels 17 are black or white."""
    hit = random.random(digit.shape) < 0.17
    return np.where(hit, random.integers(0, 2, digit.shape), digit).astype(np.float32)


def _glass_blur(digit: Float, random: Random) -> Float:
    """Neighbouring pixels change places, twice, between two blurs."""
    pixels = _blurred(digit, 0.7).tolist()  # as lists: 0.45 ms an image, where swaps in an array took 5 ms
    inside = range(_SIDE - 1, 1, -1)
    places = [(y, x) for _ in range(2) for y in inside for x in inside]
    moves = random.integers(-1, 1, (len(places), 2)).tolist()
    for (y, x), (down, across) in zip(places, moves, strict=True):
        pixels[y][x], pixels[y + down][x + across] = pixels[y + down][x + across], pixels[y][x]
    return _blurred(np.array(pixels, np.float32), 0.7)


def _blurred(digit: Float, sigma: float) -> Float:
    return np.asarray(cv2.GaussianBlur(digit, (0, 0), sigma), np.float32)


def _motion_blur(digit: Float, random: Random) -> Float:
    """Dragged to one side, up to ten pixels, ever fainter."""
    angle = np.radians(random.uniform(-45, 45))
    steps = np.arange(11)
    weights = np.exp(-(steps**2) / (2 * 3**2))
    moved = [_affine(digit, 1, 0, 0, 1, step * np.cos(angle), step * np.sin(angle)) for step in steps]
    return np.tensordot(weights / weights.sum(), np.stack(moved), 1).astype(np.float32)


def _affine(digit: Float, a: float, b: float, c: float, d: float, right: float = 0, down: float = 0) -> Float:
    """The digit under the matrix [[a, b], [c, d]] around its middle, then moved."""
    matrix = np.array([[a, b, _MIDDLE * (1 - a - b) + right], [c, d, _MIDDLE * (1 - c - d) + down]], np.float32)
    return np.asarray(cv2.warpAffine(digit, matrix, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR), np.float32)


def _sign(random: Random) -> int:
    return int(random.choice([-1, 1]))


def _shear(digit: Float, random: Random) -> Float:
    return _affine(digit, 1, 0.4 * _sign(random), 0, 1)


def _scale(digit: Float, _random: Random) -> Float:
    return _affine(digit, 0.7, 0, 0, 0.7)


def _rotate(digit: Float, random: Random) -> Float:
    turn = 0.4 * _sign(random)
    return _affine(digit, np.cos(turn), -np.sin(turn), np.sin(turn), np.cos(turn))


def _brightness(digit: Float, _random: Random) -> Float:
    return digit + np.float32(0.5)


def _translate(digit: Float, random: Random) -> Float:
    return _affine(digit, 1, 0, 0, 1, 3 * _sign(random), 3 * _sign(random))


def _stripe(digit: Float, _random: Random) -> Float:
    """The left and the right quarter as a negative."""
    spoilt = digit.copy()
    spoilt[:, :7], spoilt[:, 21:] = 1 - digit[:, :7], 1 - digit[:, 21:]
    return spoilt


def _fog(digit: Float, random: Random) -> Float:
    """Under clouds that are up to two and a half times as light as the digit."""
    clouds = np.zeros((32, 32), np.float32)
    for octave in range(6):
        small = random.uniform(-1, 1, (2**octave + 1,) * 2).astype(np.float32)
        clouds += cv2.resize(small, (32, 32), interpolation=cv2.INTER_LINEAR).astype(np.float32) / 1.5**octave
    clouds = (clouds - clouds.min()) / (clouds.max() - clouds.min())
    return np.asarray((digit + 2.5 * clouds[:_SIDE, :_SIDE]) / 3.5, np.float32)


def _spatter(digit: Float, random: Random) -> Float:
    """Splashes of grey mud."""
    layer = _blurred(random.normal(0.65, 0.3, digit.shape).astype(np.float32), 1)
    mud = _blurred((layer > 0.65).astype(np.float32), 1.5)
    mud[mud < 0.8] = 0
    return digit * (1 - mud) + np.float32(63 / 255) * mud


def _dotted_line(digit: Float, random: Random) -> Float:
    """A line of dots from the left to the right."""
    return _with_line(digit, random, dots=True, wave=0)


def _zigzag(digit: Float, random: Random) -> Float:
    """A zigzag line from the left to the right."""
    return _with_line(digit, random, dots=False, wave=2)


def _with_line(digit: Float, random: Random, dots: bool, wave: float) -> Float:
    start, end = random.uniform(0, 5), random.uniform(22, 27)
    heights = random.uniform(4, 24, 2)
    across = np.arange(start, end, 0.25)
    height = np.interp(across, [start, end], heights) + wave * (2 * np.abs((across / 6) % 2 - 1) - 1)
    drawn = (across - start) % 4 < 2 if dots else np.ones(len(across), bool)
    rows, columns = np.rint(np.clip(height, 0, _SIDE - 1)), np.rint(across)
    spoilt = digit.copy()
    spoilt[rows[drawn].astype(int), columns[drawn].astype(int)] = 1
    return spoilt


def _canny_edges(digit: Float, _random: Random) -> Float:
    """The outlines of the strokes alone."""
    smooth = np.clip(255 * _blurred(digit, 1), 0, 255).astype(np.uint8)
    return np.asarray(cv2.Canny(smooth, 100, 200) / 255, np.float32)


CORRUPTIONS: dict[str, Callable[[Float, Random], Float]] = {
    "shot noise": _shot_noise,
    "impulse noise": _impulse_noise,
    "glass blur": _glass_blur,
    "motion blur": _motion_blur,
    "shear": _shear,
    "scale": _scale,
    "rotate": _rotate,
    "brightness": _brightness,
    "translate": _translate,
    "stripe": _stripe,
    "fog": _fog,
    "spatter": _spatter,
    "dotted line": _dotted_line,
    "zigzag": _zigzag,
    "canny edges": _canny_edges,
}
