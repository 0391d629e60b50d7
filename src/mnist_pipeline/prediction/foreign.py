"""Model files from elsewhere: each is tried out in a process of its own before this one opens it.

A file in the artifacts folder was written by this package and is trusted. Any other may be a download, and each
runtime crashes over some files. In order: `vet` has its size and first bytes checked; the process, with little memory
and time, looks through an ONNX file's network (foreign_onnx.py), has the runtime read it, and computes with it.

This module is that process too: `python -m mnist_pipeline.prediction.foreign FILE RUNTIME`.
"""

import contextlib
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mnist_pipeline.errors import RunError
from mnist_pipeline.pixels.preprocess import SIDE
from mnist_pipeline.prediction.runtimes import (
    BATCH,
    RuntimeChoice,
    RuntimeName,
    check_file,
    choose_runtime,
    open_runtime,
    scores_of,
)
from mnist_pipeline.process import command
from mnist_pipeline.runs.run import artifacts

_LARGEST = 64 * 2**20  # bytes of a file
_PATIENCE = 60  # seconds more than the bounds, where other processes want the processor too


class Bounds(NamedTuple):
    """What a process may take that reads a file from elsewhere."""

    memory: int  # MiB of data
    seconds: int  # of a processor, once its libraries are loaded

    def __str__(self) -> str:
        return f"{self.memory:,} MiB or {self.seconds} seconds"


_BOUNDS = Bounds(512, 5)  # our largest networks take 150 MiB


def made_here(path: Path) -> bool:
    """Whether a file lies in the artifacts folder, whose files this package has written."""
    return path.resolve().is_relative_to(artifacts().resolve())


def vet(path: Path, choice: RuntimeChoice | None = None) -> None:
    """Raise a RunError for a model file from elsewhere that is refused, crashes its runtime or takes too much."""
    if not made_here(path):
        name = choose_runtime(path, choice)
        check_file(path, name, _LARGEST)
        try_out(path, name)


def try_out(path: Path, name: RuntimeName) -> None:
    """Read a model file and compute with it in another process, which takes half a second."""
    run_bounded([*command("prediction.foreign"), str(path), name], f"{path}: not read: {name}", _BOUNDS)


def run_bounded(words: list[str], what: str, bounds: Bounds) -> None:
    """Run a process that does its work by `bounded`; its refusal, or `what` with how it ended, is a RunError."""
    try:
        done = subprocess.run(  # noqa: S603 - a module of our own
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False,
            timeout=_PATIENCE + bounds.seconds,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},  # each thread takes memory
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise RunError(f"{what} did not end within {error.timeout:.0f} seconds") from None
    said = done.stdout.decode(errors="replace").splitlines()
    if done.returncode == RunError.exit_code and said:
        raise RunError(said[-1])
    if done.returncode != 0:
        raise RunError(f"{what} crashed over it, or would take more than {bounds}")


def bounded(work: Callable[[], object], bounds: Bounds) -> None:
    """Do this process's work, its memory and time limited where the system can; a refusal is its last line."""
    import resource

    seconds = math.ceil(time.process_time()) + bounds.seconds
    limits = {resource.RLIMIT_CORE: 0, resource.RLIMIT_DATA: bounds.memory * 2**20, resource.RLIMIT_CPU: seconds}
    for kind, most in limits.items():
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (most, most))
    try:
        work()
    except RunError as refusal:
        # The names in a file may hold control characters, which would move a terminal's cursor.
        sys.stdout.write("".join(letter if letter.isprintable() else "?" for letter in str(refusal)))
        sys.exit(refusal.exit_code)


def _compute(path: Path, name: Any) -> None:
    if name != "litert":
        from mnist_pipeline.prediction.foreign_onnx import check_network

        check_network(path)
    scores_of(open_runtime(path, name), np.zeros((BATCH, SIDE, SIDE), np.float32))


if __name__ == "__main__":
    bounded(lambda: _compute(Path(sys.argv[1]), sys.argv[2]), _BOUNDS)
