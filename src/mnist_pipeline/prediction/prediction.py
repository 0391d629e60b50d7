"""The answer for one picture: which class it shows, how sure that is, and which pixels it hangs on.

Where the model is in doubt it is asked about images like the one that it saw, and a small picture is looked at again. A
look is one way of seeing a picture's digit; `preprocess.other_looks` has the further ones.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.numerals import digit_of, named, sure
from mnist_pipeline.pixels.light import Grey
from mnist_pipeline.pixels.preprocess import similar

# Pixels of the side of a patch that explains: one of 3 hardly moves an answer, one of 7 takes most of a digit away.
_PATCH = 5
SURE = 0.95  # the confidence from which on an answer stands without asking about images like this one
_SETTLED = 0.99  # the confidence from which on a small picture is not looked at again
_BELIEVED = 0.97  # the confidence from which on a further look is believed, whatever the first one saw
_HOPELESS = 0.5  # the confidence below which no mean would make a further look one that is believed

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

    @property
    def held(self) -> float:
        """The confidence of an answer; none where it is refused."""
        return 0.0 if self.label is None else self.confidence or 0.0

    @property
    def is_settled(self) -> bool:
        """Whether it is so sure that a small picture need not be looked at again."""
        return self.held >= _SETTLED

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


def reconsidered(
    rows: NDArray[np.float32], images: NDArray[np.uint8], probabilities: Probabilities, sure: float = SURE
) -> NDArray[np.float32]:
    """The probabilities for images; a doubtful one's are their mean over it and images like it.

    A digit stays the same digit when it leans a little, and a scribble often does not: so of 538 letters 0.9 % are
    answered instead of 1.7, and of Semeion's digits, at a threshold chosen in the same way, 92 % read instead of 91.
    With images that are only moved, and not turned, 1.3 % of the letters are answered.
    """
    doubtful = np.flatnonzero(rows.max(axis=1) < sure)
    if not len(doubtful):
        return rows
    like = np.stack([similar(images[number]) for number in doubtful])
    found = probabilities(like.reshape(-1, *images.shape[1:])).reshape(*like.shape[:2], -1)
    steady = rows.copy()
    steady[doubtful] = np.concatenate([rows[doubtful, np.newaxis], found], axis=1).mean(axis=1)
    return steady


def rejudged(image: NDArray[np.uint8], first: Prediction, probabilities: Probabilities) -> NDArray[np.float32]:
    """The probabilities for what a further look saw: of one that may count, always their mean over images like it."""
    rows = probabilities(image[np.newaxis])
    repeats = first.label is not None and rows[0].argmax() == first.guess
    return rows if repeats or rows.max() < _HOPELESS else reconsidered(rows, image[np.newaxis], probabilities, sure=2)


def overrules(other: Prediction, first: Prediction, best: Prediction, threshold: float) -> bool:
    """Whether a further look counts for more than the best so far.

    It does where it is surer, and either by itself sure enough, or of the class that the first look was refused for,
    and the mean of the two passes the threshold. So of 15,000 corrupted 28x28 validation digits 1.3 % are answered
    wrongly and 90.4 % rightly, and of drawn pictures of no digit, as small as USPS's with a margin, 4.0 % are answered;
    with a look at refused pictures alone, believed from 0.9 on, 1.5, 90.5 and 4.1 %; without any 1.3, 80.0 and 2.4 %.
    """
    if other.label in (None, first.label):
        return False
    agreed = other.guess == first.guess and other.held + (first.confidence or 0) >= 2 * threshold
    return other.held > best.held and (other.held >= _BELIEVED or agreed)


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
