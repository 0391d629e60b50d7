"""The pool of pictures that a training with drawings takes its epochs from, drawn by several processes.

A worker process is this module run by itself: a task, a dictionary of arrays, comes to its stdin, and its pictures go
back on its stdout, both in numpy's formats, which run nothing. multiprocessing and concurrent.futures would not do:
where they start a fresh Python it executes modules that lie in the current folder and fails under a script without a
main guard, and a fork of a process in which TensorFlow has threads may never end.
"""

import io
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from subprocess import PIPE
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.data.rendering.pictures import HELD_OUT, KINDS, DigitImages, draw_digit_28, draw_non_digit_28
from mnist_pipeline.data.rendering.strokes import Random
from mnist_pipeline.errors import TrainingError
from mnist_pipeline.process import command

if TYPE_CHECKING:  # a worker has no need of pydantic
    from mnist_pipeline.config.data_schema import Rendering

NO_DIGIT = 10  # the class of a picture of no digit
_LEAST = 200  # drawings that are worth a process
_DIGITS_SHOWN = 250  # enough for a dozen of each class
_IN_A_ROW, _ROWS = 12, 4  # of the pictures of no digit that are shown
_NON_DIGIT, _HELD_OUT = 1_000_000, 2_000_000  # variants that no digit has

Bytes = NDArray[np.uint8]  # images (n, 28, 28) or labels (n,)
Task = Mapping[str, Any]
"""`images`, `labels`, `seed`, the `numbers` of the pictures; for digits `variants` and `strokes`, else `held_out`."""


class PoolRows(NamedTuple):
    """The rows of a pool: the digits as they came, then each variant of all digits, then the pictures of no digit."""

    settings: "Rendering"
    digits: int

    @property
    def negatives(self) -> int:
        """Pictures of no digit in one epoch; there are `variants` times as many."""
        return round(self.settings.negatives * self.digits)

    @property
    def taken(self) -> int:
        """Images in one epoch."""
        return self.digits + self.negatives

    def rows(self, random: Random) -> NDArray[np.int32]:
        """The rows of one epoch: of each digit a variant or itself, and its share of the pictures of no digit."""
        variants = self.settings.variants
        variant = random.integers(1, variants + 1, self.digits)
        variant[random.random(self.digits) < self.settings.originals] = 0
        none = random.choice(self.negatives * variants, self.negatives, replace=False)
        first_none = self.digits * (1 + variants)
        return np.concatenate([variant * self.digits + np.arange(self.digits), first_none + none]).astype(np.int32)


def draw_pool(images: Bytes, labels: Bytes, settings: "Rendering", processes: int) -> tuple[Bytes, Bytes]:
    """The images and classes of a pool, in the order that PoolRows counts them."""
    count = PoolRows(settings, len(images)).negatives * settings.variants
    drawings = draw_digits(images, labels, settings, range(1, settings.variants + 1), processes)
    rest = draw_non_digits(images, labels, settings.seed, count, processes)
    classes = np.concatenate([np.tile(labels, 1 + settings.variants), np.full(count, NO_DIGIT, np.uint8)])
    return np.concatenate([images, drawings, rest]), classes


def draw_digits(images: Bytes, labels: Bytes, settings: "Rendering", variants: Sequence[int], processes: int) -> Bytes:
    """Every digit drawn once a variant, variant by variant."""
    task = {"images": images, "labels": labels, "seed": settings.seed, "strokes": settings.strokes}
    return _draw(task | {"variants": np.array(variants)}, len(images) * len(variants), processes)


def draw_non_digits(
    images: Bytes, labels: Bytes, seed: int, count: int, processes: int, held_out: bool = False
) -> Bytes:
    """`count` pictures of no digit; those held out are of kinds and random draws that training does not see."""
    return _draw({"images": images, "labels": labels, "seed": seed, "held_out": held_out}, count, processes)


def _draw(task: Task, count: int, processes: int) -> Bytes:
    """`count` pictures of a task, which is split among as many processes as are worth starting."""
    shares = np.array_split(np.arange(count), max(1, min(processes, count // _LEAST)))
    return np.concatenate(run_tasks([{**task, "numbers": share} for share in shares]))


def draw_sample(images: Bytes, labels: Bytes, settings: "Rendering") -> tuple[Bytes, Bytes]:
    """Drawings to look at and their classes; those of no digit count on from NO_DIGIT, a row of a sheet each."""
    images, labels = images[:_DIGITS_SHOWN], labels[:_DIGITS_SHOWN]
    drawings = draw_digits(images, labels, settings, [1], processes=1)
    if not settings.negatives:
        return drawings, labels
    rest = draw_non_digits(images, labels, settings.seed, _ROWS * _IN_A_ROW, processes=1)
    rows = np.repeat(np.arange(NO_DIGIT, NO_DIGIT + _ROWS, dtype=np.uint8), _IN_A_ROW)
    return np.concatenate([drawings, rest]), np.concatenate([labels, rows])


def run_tasks(tasks: Sequence[Task]) -> list[Bytes]:
    """The pictures of each task, drawn by a worker each, all at the same time; a single task is drawn right here."""
    if len(tasks) == 1:
        return [run_task(tasks[0])]
    words = command("data.rendering.pool")
    with ExitStack() as stack:
        workers = [stack.enter_context(subprocess.Popen(words, stdin=PIPE, stdout=PIPE)) for _ in tasks]  # noqa: S603
        try:
            for worker, task in zip(workers, tasks, strict=True):
                assert worker.stdin
                packed = io.BytesIO()  # for on Windows a pipe looks to zipfile as if it could go back
                np.savez(packed, allow_pickle=False, **task)
                with suppress(OSError), worker.stdin:  # one that has ended is told by its exit code
                    worker.stdin.write(packed.getbuffer())
            results = [worker.stdout.read() for worker in workers if worker.stdout]
        except BaseException:
            for worker in workers:
                worker.kill()
            raise
    if any(worker.returncode for worker in workers):
        raise TrainingError("the digits could not be drawn: a process that draws them ended early")
    return [np.load(io.BytesIO(result), allow_pickle=False) for result in results]


def run_task(task: Task) -> Bytes:
    """The pictures of one task in the order of its numbers; those of digits count all of a variant before the next."""
    digits, seed = DigitImages(task["images"], task["labels"]), int(task["seed"])

    def digit(number: int) -> Bytes:
        turn, at = divmod(number, len(digits.labels))
        random = generator(seed, at, int(task["variants"][turn]))
        return draw_digit_28(digits.images[at], int(digits.labels[at]), float(task["strokes"]), random)

    def non_digit(number: int) -> Bytes:
        variant, kinds = (_HELD_OUT, HELD_OUT) if task["held_out"] else (_NON_DIGIT, KINDS)
        return draw_non_digit_28(digits, generator(seed, number, variant), kinds)

    pictures = [(digit if "variants" in task else non_digit)(int(number)) for number in task["numbers"]]
    return np.array(pictures, np.uint8).reshape(-1, *digits.images.shape[1:])


def generator(seed: int, number: int, variant: int) -> Random:
    """The random generator of one drawing, which makes it the same whoever draws it and when."""
    return np.random.Generator(np.random.PCG64([seed, number, variant]))


def main() -> None:
    """Draw the task that comes on stdin, as a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # who started this says what there is to say
    if hasattr(select, "poll"):  # else, as on Windows, it draws to the end
        Thread(target=_end_with_the_reader, daemon=True).start()
    cv2.setNumThreads(1)
    with np.load(io.BytesIO(sys.stdin.buffer.read()), allow_pickle=False) as archive:
        task = dict(archive.items())
    drawn = io.BytesIO()
    np.save(drawn, run_task(task), allow_pickle=False)
    sys.stdout.buffer.write(drawn.getbuffer())


def _end_with_the_reader() -> None:
    """End this process once the other end of its stdout is closed, as by a reader that was killed."""
    stdout = select.poll()
    stdout.register(1, 0)  # no event but the one that is always told: an error, because nobody can read
    stdout.poll()
    os._exit(1)


if __name__ == "__main__":
    main()
