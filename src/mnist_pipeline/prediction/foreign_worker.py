"""The process that reads a foreign model file first, and computes with it, in little memory and time.

Started by foreign.py: `python -m mnist_pipeline.prediction.foreign_worker FILE RUNTIME`. A refusal is the last line
of its stdout.
"""

import contextlib
import resource
import sys
from pathlib import Path
from typing import Any

import numpy as np

from mnist_pipeline.errors import RunError
from mnist_pipeline.pixels.preprocess import SIDE
from mnist_pipeline.prediction.foreign import MEMORY, SECONDS
from mnist_pipeline.prediction.runtimes import BATCH, open_runtime, scores_of


def _bound() -> None:
    """Memory and time of this process; on a system that knows no such bounds it goes without."""
    bounds = {resource.RLIMIT_CORE: 0, resource.RLIMIT_DATA: MEMORY, resource.RLIMIT_CPU: SECONDS}
    for kind, most in bounds.items():
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (most, most))


def _try(path: Path, name: Any) -> None:
    if name != "litert":
        from mnist_pipeline.prediction.foreign import look_through

        look_through(path)
    scores_of(open_runtime(path, name), np.zeros((BATCH, SIDE, SIDE), np.float32))


if __name__ == "__main__":
    _bound()
    try:
        _try(Path(sys.argv[1]), sys.argv[2])
    except RunError as refusal:
        # What a file says of itself may hold what moves a terminal's cursor.
        sys.stdout.write("".join(letter if letter.isprintable() else "?" for letter in str(refusal)))
        sys.exit(refusal.exit_code)
