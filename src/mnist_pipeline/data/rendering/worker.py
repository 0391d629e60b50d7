"""Draws tasks of pictures, several at a time by processes of their own: both ends of the pipe between them.

A task is a dictionary of arrays, sent to a worker's stdin; its pictures come back on the worker's stdout, both in
numpy's formats, which run nothing. multiprocessing and concurrent.futures would not do: where they start a fresh
Python it executes modules that lie in the current folder and fails under a script without a main guard, and a fork of
a process in which TensorFlow has threads may never end.
"""

import io
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from threading import Thread
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.data.rendering.digits import draw_digit_28
from mnist_pipeline.data.rendering.non_digits import HELD_OUT, KINDS, DigitImages, draw_non_digit_28
from mnist_pipeline.data.rendering.strokes import Random
from mnist_pipeline.errors import TrainingError
from mnist_pipeline.process import command

Task = Mapping[str, Any]
"""`images`, `labels`, `seed` and `numbers` of what is drawn; for digits `variants` and `strokes`, else `held_out`."""
_NON_DIGIT, _HELD_OUT = 1_000_000, 2_000_000  # variants that no digit has


def run_tasks(tasks: Sequence[Task]) -> list[NDArray[np.uint8]]:
    """The pictures of each task, drawn by a worker each, all at the same time; a single task is drawn right here."""
    if len(tasks) == 1:
        return [run_task(tasks[0])]
    words = command("data.rendering.worker")
    with ExitStack() as stack:
        workers = [
            stack.enter_context(subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE))  # noqa: S603
            for _ in tasks
        ]
        try:
            results = _exchange(workers, tasks)
        except BaseException:
            for worker in workers:
                worker.kill()
            raise
    if any(worker.returncode for worker in workers):
        raise TrainingError("the digits could not be drawn: a process that draws them ended early")
    return [np.load(io.BytesIO(result), allow_pickle=False) for result in results]


def _exchange(workers: Sequence[subprocess.Popen[bytes]], tasks: Sequence[Task]) -> list[bytes]:
    """What each worker answers to its task."""
    for worker, task in zip(workers, tasks, strict=True):
        assert worker.stdin
        with suppress(BrokenPipeError), worker.stdin as out:  # one that has ended is told by its exit code
            np.savez(out, allow_pickle=False, **task)
    return [worker.stdout.read() for worker in workers if worker.stdout]


def run_task(task: Task) -> NDArray[np.uint8]:
    """The pictures of one task, variant by variant in the order of its numbers."""
    digits, seed = DigitImages(task["images"], task["labels"]), int(task["seed"])
    numbers = [int(number) for number in task["numbers"]]
    if "variants" in task:
        pictures = [
            draw_digit_28(image, int(label), float(task["strokes"]), generator(seed, number, int(variant)))
            for variant in task["variants"]
            for image, label, number in zip(*digits, numbers, strict=True)
        ]
    else:
        variant, kinds = (_HELD_OUT, HELD_OUT) if task["held_out"] else (_NON_DIGIT, KINDS)
        pictures = [draw_non_digit_28(digits, generator(seed, number, variant), kinds) for number in numbers]
    return np.array(pictures, np.uint8).reshape(-1, *digits.images.shape[1:])


def generator(seed: int, number: int, variant: int) -> Random:
    """The random generator of one drawing, which makes it the same whoever draws it and when."""
    return np.random.Generator(np.random.PCG64([seed, number, variant]))


def main() -> None:
    """Draw the task that comes on stdin, as a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # who started this says what there is to say
    Thread(target=_end_with_the_reader, daemon=True).start()
    cv2.setNumThreads(1)
    with np.load(io.BytesIO(sys.stdin.buffer.read()), allow_pickle=False) as archive:
        task = dict(archive.items())
    np.save(sys.stdout.buffer, run_task(task), allow_pickle=False)


def _end_with_the_reader() -> None:
    """End this process once the other end of its stdout is closed, as by a reader that was killed."""
    stdout = select.poll()
    stdout.register(1, 0)  # no event but the one that is always told: an error, because nobody can read
    stdout.poll()
    os._exit(1)


if __name__ == "__main__":
    main()
