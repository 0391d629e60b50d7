"""Which of the drawings an epoch takes: of every digit one, or the digit as it came, and some pictures of no digit."""

import io
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.config.schema import Rendering
from mnist_pipeline.data.rendering.negatives import HELD_OUT, KINDS
from mnist_pipeline.data.rendering.picture import digit_seen, generator, none_seen
from mnist_pipeline.data.rendering.strokes import Originals
from mnist_pipeline.errors import TrainingError
from mnist_pipeline.process import command


@dataclass(frozen=True)
class Drawn:
    """Rows in memory: the digits as they came, then each variant of all digits, then the pictures of no digit."""

    digits: int
    variants: int
    originals: float
    negatives: int
    """Pictures of no digit in one epoch; there are `variants` times as many."""

    @classmethod
    def of(cls, rendering: Rendering, digits: int) -> "Drawn":
        """As the config has it for so many digits."""
        return cls(digits, rendering.variants, rendering.originals, round(rendering.negatives * digits))

    @property
    def taken(self) -> int:
        """Images in one epoch."""
        return self.digits + self.negatives

    def rows(self, random: np.random.Generator) -> NDArray[np.int32]:
        """The rows of one epoch, by its own generator."""
        variant = random.integers(1, self.variants + 1, self.digits)
        variant[random.random(self.digits) < self.originals] = 0
        none = random.choice(self.negatives * self.variants, self.negatives, replace=False)
        first_none = self.digits * (1 + self.variants)
        return np.concatenate([variant * self.digits + np.arange(self.digits), first_none + none]).astype(np.int32)


_NONE, _HELD_OUT = 1_000_000, 2_000_000  # variants that no digit has


def work(job: Mapping[str, Any]) -> NDArray[np.uint8]:
    """The pictures of one job in the order in which it names them."""
    digits, seed = Originals(job["images"], job["labels"]), int(job["seed"])
    numbers = [int(number) for number in job["numbers"]]
    if "variants" not in job:
        held_out = bool(job["held_out"])
        variant, kinds = (_HELD_OUT, HELD_OUT) if held_out else (_NONE, KINDS)
        pictures = [none_seen(digits, generator(seed, number, variant), kinds) for number in numbers]
    else:
        pictures = [
            digit_seen(image, int(label), float(job["strokes"]), generator(seed, number, int(variant)))
            for variant in job["variants"]
            for image, label, number in zip(*digits, numbers, strict=True)
        ]
    return np.array(pictures, np.uint8).reshape(-1, *digits.images.shape[1:])


NONE = 10  # the class of a picture of no digit
_LEAST = 200  # drawings that are worth a process


def pool(
    images: NDArray[np.uint8], labels: NDArray[np.uint8], settings: Rendering, processes: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The digits as they came, each variant of all of them, and pictures of no digit, as Drawn counts them."""
    none = round(settings.negatives * len(images)) * settings.variants
    drawings = digits(images, labels, settings, range(1, settings.variants + 1), processes)
    rest = negatives(images, labels, settings.seed, none, processes)
    classes = np.concatenate([np.tile(labels, 1 + settings.variants), np.full(none, NONE, np.uint8)])
    return np.concatenate([images, drawings, rest]), classes


def digits(
    images: NDArray[np.uint8], labels: NDArray[np.uint8], settings: Rendering, variants: Sequence[int], processes: int
) -> NDArray[np.uint8]:
    """Every digit drawn once a variant, variant by variant."""
    shares = _shares(len(images), processes)
    jobs = [
        {"images": images[share], "labels": labels[share], "numbers": share, "variants": np.array(variants),
         "seed": np.array(settings.seed), "strokes": np.array(settings.strokes)}
        for share in shares
    ]  # fmt: skip
    parts = [part.reshape(len(variants), -1, *images.shape[1:]) for part in _done(jobs)]
    return np.concatenate(parts, axis=1).reshape(-1, *images.shape[1:])


def negatives(
    images: NDArray[np.uint8], labels: NDArray[np.uint8], seed: int, count: int, processes: int, held_out: bool = False
) -> NDArray[np.uint8]:
    """So many pictures of no digit; those held out are of kinds and chances that training does not see."""
    jobs = [
        {"images": images, "labels": labels, "numbers": share, "seed": np.array(seed), "held_out": np.array(held_out)}
        for share in _shares(count, processes)
    ]
    return np.concatenate(_done(jobs))


def _shares(count: int, processes: int) -> list[NDArray[np.int64]]:
    return np.array_split(np.arange(count), max(1, min(processes, count // _LEAST)))


def _done(jobs: Sequence[Mapping[str, object]]) -> list[NDArray[np.uint8]]:
    """Each job done by a process of its own, all at the same time; a single one right here."""
    if len(jobs) == 1:
        return [work(jobs[0])]
    words = command("data.rendering.worker")
    with ExitStack() as stack:
        crew = [
            stack.enter_context(subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE))  # noqa: S603
            for _ in jobs
        ]
        try:
            results = _handed_round(crew, jobs)
        except BaseException:
            for worker in crew:
                worker.kill()
            raise
    if any(worker.returncode for worker in crew):
        raise TrainingError("the digits could not be drawn: a process that draws them ended early")
    return [np.load(io.BytesIO(result), allow_pickle=False) for result in results]


def _handed_round(crew: Sequence[subprocess.Popen[bytes]], jobs: Sequence[Mapping[str, object]]) -> list[bytes]:
    for worker, job in zip(crew, jobs, strict=True):
        assert worker.stdin
        with suppress(BrokenPipeError), worker.stdin as out:  # one that has ended is told by its exit code
            np.savez(out, allow_pickle=False, **job)  # type: ignore[arg-type]
    return [worker.stdout.read() for worker in crew if worker.stdout]


_DIGITS_SHOWN = 250  # enough for a dozen of each class
_NONE_IN_A_ROW, _ROWS_OF_NONE = 12, 4


def drawn_sample(
    images: NDArray[np.uint8], labels: NDArray[np.uint8], settings: Rendering
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Drawings and their classes; those of no digit count on from NONE, a row of a sheet each."""
    images, labels = images[:_DIGITS_SHOWN], labels[:_DIGITS_SHOWN]
    drawings = digits(images, labels, settings, [1], processes=1)
    if not settings.negatives:
        return drawings, labels
    rest = negatives(images, labels, settings.seed, _ROWS_OF_NONE * _NONE_IN_A_ROW, processes=1)
    rows = np.repeat(np.arange(NONE, NONE + _ROWS_OF_NONE, dtype=np.uint8), _NONE_IN_A_ROW)
    return np.concatenate([drawings, rest]), np.concatenate([labels, rows])
