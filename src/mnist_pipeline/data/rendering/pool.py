"""The pool of pictures that a training with drawings takes its epochs from, and which of them each epoch takes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.config.schema import Rendering
from mnist_pipeline.data.rendering.worker import run_tasks

NO_DIGIT = 10  # the class of a picture of no digit
_LEAST = 200  # drawings that are worth a process
_DIGITS_SHOWN = 250  # enough for a dozen of each class
_IN_A_ROW, _ROWS = 12, 4  # of the pictures of no digit that are shown


@dataclass(frozen=True)
class PoolRows:
    """The rows of a pool: the digits as they came, then each variant of all digits, then the pictures of no digit."""

    digits: int
    variants: int
    originals: float
    negatives: int
    """Pictures of no digit in one epoch; there are `variants` times as many."""

    @classmethod
    def of(cls, rendering: Rendering, digits: int) -> "PoolRows":
        """The rows of a pool drawn from `digits` images as a config says."""
        return cls(digits, rendering.variants, rendering.originals, round(rendering.negatives * digits))

    @property
    def taken(self) -> int:
        """Images in one epoch."""
        return self.digits + self.negatives

    def rows(self, random: np.random.Generator) -> NDArray[np.int32]:
        """The rows of one epoch: of each digit a variant or itself, and its share of the pictures of no digit."""
        variant = random.integers(1, self.variants + 1, self.digits)
        variant[random.random(self.digits) < self.originals] = 0
        none = random.choice(self.negatives * self.variants, self.negatives, replace=False)
        first_none = self.digits * (1 + self.variants)
        return np.concatenate([variant * self.digits + np.arange(self.digits), first_none + none]).astype(np.int32)


def draw_pool(
    images: NDArray[np.uint8], labels: NDArray[np.uint8], settings: Rendering, processes: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The images and classes of a pool, in the order that PoolRows counts them."""
    count = round(settings.negatives * len(images)) * settings.variants
    drawings = draw_digits(images, labels, settings, range(1, settings.variants + 1), processes)
    rest = draw_non_digits(images, labels, settings.seed, count, processes)
    classes = np.concatenate([np.tile(labels, 1 + settings.variants), np.full(count, NO_DIGIT, np.uint8)])
    return np.concatenate([images, drawings, rest]), classes


def draw_digits(
    images: NDArray[np.uint8], labels: NDArray[np.uint8], settings: Rendering, variants: Sequence[int], processes: int
) -> NDArray[np.uint8]:
    """Every digit drawn once a variant, variant by variant."""
    tasks = [
        {"images": images[share], "labels": labels[share], "numbers": share, "variants": np.array(variants),
         "seed": np.array(settings.seed), "strokes": np.array(settings.strokes)}
        for share in _shares(len(images), processes)
    ]  # fmt: skip
    parts = [part.reshape(len(variants), -1, *images.shape[1:]) for part in run_tasks(tasks)]
    return np.concatenate(parts, axis=1).reshape(-1, *images.shape[1:])


def draw_non_digits(
    images: NDArray[np.uint8], labels: NDArray[np.uint8], seed: int, count: int, processes: int, held_out: bool = False
) -> NDArray[np.uint8]:
    """`count` pictures of no digit; those held out are of kinds and random draws that training does not see."""
    tasks = [
        {"images": images, "labels": labels, "numbers": share, "seed": np.array(seed), "held_out": np.array(held_out)}
        for share in _shares(count, processes)
    ]
    return np.concatenate(run_tasks(tasks))


def _shares(count: int, processes: int) -> list[NDArray[np.int64]]:
    """The numbers of the drawings, split among as many processes as are worth starting."""
    return np.array_split(np.arange(count), max(1, min(processes, count // _LEAST)))


def draw_sample(
    images: NDArray[np.uint8], labels: NDArray[np.uint8], settings: Rendering
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Drawings to look at and their classes; those of no digit count on from NO_DIGIT, a row of a sheet each."""
    images, labels = images[:_DIGITS_SHOWN], labels[:_DIGITS_SHOWN]
    drawings = draw_digits(images, labels, settings, [1], processes=1)
    if not settings.negatives:
        return drawings, labels
    rest = draw_non_digits(images, labels, settings.seed, _ROWS * _IN_A_ROW, processes=1)
    rows = np.repeat(np.arange(NO_DIGIT, NO_DIGIT + _ROWS, dtype=np.uint8), _IN_A_ROW)
    return np.concatenate([drawings, rest]), np.concatenate([labels, rows])
