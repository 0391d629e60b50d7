"""Many drawings at once, in processes of their own; what each shows is a function of seed, number and variant alone."""

import io
import subprocess
import sys
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.config.schema import Rendering
from mnist_pipeline.errors import TrainingError

NONE = 10  # the class of a picture of no digit


def pool(
    images: NDArray[np.uint8], labels: NDArray[np.uint8], settings: Rendering, processes: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The digits as they came, each variant of all of them, and pictures of no digit, as Drawn counts them."""
    none = round(settings.negatives * len(images)) * settings.variants
    drawings = digits(images, labels, settings, range(1, settings.variants + 1), processes)
    rest = negatives(images, settings.seed, none, processes)
    classes = np.concatenate([np.tile(labels, 1 + settings.variants), np.full(none, NONE, np.uint8)])
    return np.concatenate([images, drawings, rest]), classes


def digits(
    images: NDArray[np.uint8], labels: NDArray[np.uint8], settings: Rendering, variants: Sequence[int], processes: int
) -> NDArray[np.uint8]:
    """Every digit drawn once a variant, variant by variant."""
    shares = np.array_split(np.arange(len(images)), processes)
    jobs = [
        {"images": images[share], "labels": labels[share], "numbers": share, "variants": np.array(variants),
         "seed": np.array(settings.seed), "strokes": np.array(settings.strokes)}
        for share in shares
    ]  # fmt: skip
    parts = [part.reshape(len(variants), -1, *images.shape[1:]) for part in _done(jobs)]
    return np.concatenate(parts, axis=1).reshape(-1, *images.shape[1:])


def negatives(
    images: NDArray[np.uint8], seed: int, count: int, processes: int, held_out: bool = False
) -> NDArray[np.uint8]:
    """So many pictures of no digit; those held out are of kinds and chances that training does not see."""
    jobs = [
        {"images": images, "numbers": share, "seed": np.array(seed), "held_out": np.array(held_out)}
        for share in np.array_split(np.arange(count), processes)
    ]
    return np.concatenate(_done(jobs))


def _done(jobs: Sequence[Mapping[str, object]]) -> list[NDArray[np.uint8]]:
    """Each job done by a process of its own, all at the same time."""
    crew = [
        subprocess.Popen(
            [sys.executable, "-m", "mnist_pipeline.rendering.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in jobs
    ]
    try:
        for worker, job in zip(crew, jobs, strict=True):
            assert worker.stdin
            np.savez(worker.stdin, allow_pickle=False, **job)  # type: ignore[arg-type]
            worker.stdin.close()
        results = [worker.stdout.read() for worker in crew if worker.stdout]
    finally:
        for worker in crew:
            worker.kill() if sys.exc_info()[0] else worker.wait()
    if any(worker.returncode for worker in crew):
        raise TrainingError("the digits could not be drawn: a process that draws them ended early")
    return [np.load(io.BytesIO(result), allow_pickle=False) for result in results]
