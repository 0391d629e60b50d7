"""The answer for one picture: which class it shows, how sure that is, and which pixels it hangs on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.numerals import digit_of, named, sure
from mnist_pipeline.pixels.light import Grey

# Pixels of the side of a patch that explains: one of 3 hardly moves an answer, one of 7 takes most of a digit away.
_PATCH = 5

Probabilities = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@dataclass(frozen=True)
class Prediction:
    """The answer for one picture; `label` is None when refused, `error` says why a file could not be read."""

    image: str
    digit: int | None = None
    """The digit that the class is; None for a class that is none of the ten digits."""
    label: str | None = None
    """What the class is called: of digits the digit."""
    guess: int | None = None
    """The number of the likeliest class, its place among the probabilities: of digits the digit."""
    nearest: str | None = None
    """What the likeliest class is called, also where it is refused."""
    confidence: float | None = None
    probabilities: list[float] | None = None
    inverted: bool | None = None
    reason: str | None = None
    model: str = ""
    error: str | None = None
    explanation: list[list[float]] | None = None
    """What the probability of the guess loses, on average, by a patch over each of the 28x28 pixels; if asked for."""

    def tree(self) -> dict[str, Any]:
        """The answer as plain values; `error` and `explanation` are there only when there is one."""
        left_out = ("error", "explanation")
        return {name: value for name, value in vars(self).items() if value is not None or name not in left_out}

    def sentence(self) -> str:
        """The answer as one would say it."""
        if self.error is not None:
            return self.error
        if self.label is None:
            nearest = "" if self.nearest is None else f"; the nearest is {self.nearest}"
            return f"{self.image}: {self.said()} ({self.reason}{nearest})"
        assert self.confidence is not None
        return f"{self.image}: {self.said()} ({sure(self.confidence)} sure)"

    def said(self) -> str:
        """What the picture shows, or that it shows nothing that the model knows."""
        if self.label is not None:
            return f"this is {named(self.label)}"
        of_digits = self.nearest is None or digit_of(self.nearest) is not None
        return f"{'no digit' if of_digits else 'none of its classes'} here"


def told(rows: NDArray[np.float32]) -> list[list[float]]:
    """Probabilities as answers tell them: they add up to one, without the digits that a float32 lacks."""
    exact = rows.astype(float)
    exact /= exact.sum(axis=1, keepdims=True)
    return [[float(f"{share:.7g}") if share >= 1e-15 else round(share, 21) for share in row] for row in exact.tolist()]


def occlusion(pixels: Grey, guess: int, probabilities: Probabilities) -> list[list[float]]:
    """What the probability of a class loses by a patch of paper over each pixel, averaged over all that cover it."""
    ys, xs = np.nonzero(cv2.dilate(pixels, np.ones((_PATCH, _PATCH), np.uint8)))  # a patch elsewhere covers no ink
    covered = np.repeat(pixels[np.newaxis], 1 + len(ys), axis=0)
    for picture, y, x in zip(covered[1:], ys, xs, strict=True):
        picture[max(0, y - _PATCH // 2) : y + _PATCH // 2 + 1, max(0, x - _PATCH // 2) : x + _PATCH // 2 + 1] = 0
    found = probabilities(covered)[:, guess].astype(np.float64)
    losses = np.zeros(pixels.shape)
    losses[ys, xs] = found[0] - found[1:]
    averaged = cv2.blur(losses, (_PATCH, _PATCH), borderType=cv2.BORDER_CONSTANT)
    return [[round(loss, 4) for loss in row] for row in averaged.tolist()]
