"""Many drawings at once, in processes of their own; what each shows is a function of seed, number and variant alone."""

import io
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.config.schema import Rendering
from mnist_pipeline.errors import TrainingError
from mnist_pipeline.process import command
from mnist_pipeline.rendering.job import work

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
    words = command("rendering.worker")
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
