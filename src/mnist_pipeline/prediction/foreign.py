"""Model files from elsewhere: each is tried out in a process of its own before this one opens it.

A file in the artifacts folder was written by this package and is trusted. Any other may be a download, and each
runtime crashes over some files. In order: `vet` has its size and first bytes checked; the process, with little memory
and time, looks through an ONNX file's network (foreign_onnx.py), has the runtime read it, and computes with it.

This module is that process too: `python -m mnist_pipeline.prediction.foreign FILE RUNTIME`.
"""

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from mnist_pipeline.errors import RunError
from mnist_pipeline.packages import need
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
_MEMORY = 512 * 2**20  # bytes of data; our largest networks take 150 MiB
_SECONDS = 5  # of a processor
_PATIENCE = 60  # seconds, where other processes want the processor too


def made_here(path: Path) -> bool:
    """Whether a file lies in the artifacts folder, whose files this package has written."""
    return path.resolve().is_relative_to(artifacts().resolve())


def vet(path: Path, choice: RuntimeChoice | None = None) -> None:
    """Raise a RunError for a model file from elsewhere that is refused, crashes its runtime or takes too much."""
    if not made_here(path):
        name = choose_runtime(path, choice)
        check_file(path, name, _LARGEST)
        if name != "litert":
            need(f"{path}: looking through an ONNX file from elsewhere", "onnx")
        try_out(path, name)


def try_out(path: Path, name: RuntimeName) -> None:
    """Read a model file and compute with it in another process, which takes half a second."""
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            [*command("prediction.foreign"), str(path), name],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=_PATIENCE, check=False,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},  # each thread takes memory
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise RunError(f"{path}: not read: {name} did not end within {_PATIENCE} seconds") from None
    said = done.stdout.decode(errors="replace").splitlines()
    if done.returncode == RunError.exit_code and said:
        raise RunError(said[-1])
    if done.returncode != 0:
        most = f"{_MEMORY // 2**20} MiB or {_SECONDS} seconds"
        raise RunError(f"{path}: not read: {name} crashed over it, or would take more than {most}")


def _limit() -> None:
    """Limit this process's memory and time, where the system can."""
    import resource

    limits = {resource.RLIMIT_CORE: 0, resource.RLIMIT_DATA: _MEMORY, resource.RLIMIT_CPU: _SECONDS}
    for kind, most in limits.items():
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (most, most))


def _compute(path: Path, name: Any) -> None:
    if name != "litert":
        from mnist_pipeline.prediction.foreign_onnx import check_network

        check_network(path)
    scores_of(open_runtime(path, name), np.zeros((BATCH, SIDE, SIDE), np.float32))


if __name__ == "__main__":
    _limit()
    try:
        _compute(Path(sys.argv[1]), sys.argv[2])
    except RunError as refusal:
        # The names in a file may hold control characters, which would move a terminal's cursor.
        sys.stdout.write("".join(letter if letter.isprintable() else "?" for letter in str(refusal)))
        sys.exit(refusal.exit_code)
