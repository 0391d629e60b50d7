"""Letters, words and lines of text in OpenCV's line fonts, as draughtsmen write."""

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.data.rendering.ink import Grey, inked, noise, pictured
from mnist_pipeline.data.rendering.strokes import Originals, Random

# Those that no reader takes for a digit (no O, I, S, Z, B, q), without those that are kept apart from training.
_LETTERS = "ACDEGHJLMPRTUVWXYcdefhmnprtuvwx"
_SIGNS = "#%@+=*^~<&"
_FONTS = (0, 1, 2, 3, 5, 6, 16, 18, 19, 20, 22)  # Hershey's, some of them slanted
_OTHER_FONTS = (4, 7, 23)  # not trained on: refusing is tried on these too


def letter(_: Originals, random: Random) -> Grey:
    """One letter or sign as a draughtsman writes it, with any pen."""
    signs = _LETTERS if random.random() < 0.75 else _SIGNS
    return pictured(inked(_typed(signs[random.integers(len(signs))], random), random), random)


def other_letter(_: Originals, random: Random) -> Grey:
    """The same in a style that training does not see."""
    sign = _LETTERS[random.integers(len(_LETTERS))]
    return pictured(inked(_typed(sign, random, _OTHER_FONTS), random), random)


def word(_: Originals, random: Random) -> Grey:
    """Letters side by side, as in a caption or a logo."""
    text = "".join(random.choice(list(_LETTERS), random.integers(2, 6)))
    return pictured(inked(_typed(text, random), random), random)


def text(_: Originals, random: Random) -> Grey:
    """Lines of small print."""
    lines = [
        "".join(random.choice(list(_LETTERS + "  "), random.integers(5, 12))) for _ in range(random.integers(1, 4))
    ]
    rows = [_typed(line, random) for line in lines]
    width = max(row.shape[1] for row in rows)
    page = np.concatenate([np.pad(row, ((0, 0), (0, width - row.shape[1]))) for row in rows])
    return pictured(inked(page, random), random)


def _typed(text: str, random: Random, fonts: tuple[int, ...] = _FONTS) -> NDArray[np.uint8]:
    """Text in one of OpenCV's line fonts, lines of one pixel, a little turned."""
    font, size = int(random.choice(fonts)), random.uniform(2.0, 3.2) / (1 if len(text) == 1 else 2)
    (width, height), below = cv2.getTextSize(text, font, size, 1)
    margin = 12
    page = np.zeros((height + below + 2 * margin, width + 2 * margin), np.uint8)
    cv2.putText(page, text, (margin, height + margin), font, size, 255, 1)
    turn = cv2.getRotationMatrix2D((page.shape[1] / 2, page.shape[0] / 2), random.normal(0, 7), 1.0)
    turn[0, 1] += random.normal(0, 0.12)
    y, x = np.mgrid[0 : page.shape[0], 0 : page.shape[1]].astype(np.float32)
    strength = abs(random.normal(0, 2.5)) if len(text) == 1 else 0.5
    from_x = turn[0, 0] * x + turn[0, 1] * y + turn[0, 2] + strength * noise(page.shape, 4, random)
    from_y = turn[1, 0] * x + turn[1, 1] * y + turn[1, 2] + strength * noise(page.shape, 4, random)
    turned = cv2.remap(page, from_x.astype(np.float32), from_y.astype(np.float32), cv2.INTER_LINEAR)
    return np.where(turned > 90, np.uint8(255), np.uint8(0))
