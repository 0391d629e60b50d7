"""The first reading of a foreign model file, in a process of its own: what kills that one is a line here."""

import os
import subprocess
from pathlib import Path

from mnist_pipeline.errors import RunError
from mnist_pipeline.process import command

MEMORY = 512 * 2**20  # bytes of data; our largest networks take 150 MiB
SECONDS = 5  # of a processor
_PATIENCE = 60  # seconds, where other processes want the processor too


def try_out(path: Path, name: str) -> None:
    """Refuse a model file that a runtime of that name refuses, crashes over or takes too much for: half a second."""
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            [*command("foreign.worker"), str(path), name],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=_PATIENCE, check=False,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},  # each takes memory
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise RunError(f"{path}: not read: {name} did not end within {_PATIENCE} seconds") from None
    said = done.stdout.decode(errors="replace").splitlines()
    if done.returncode == RunError.exit_code and said:
        raise RunError(said[-1])
    if done.returncode != 0:
        raise RunError(
            f"{path}: not read: {name} crashed over it, or would take more than {MEMORY // 2**20} MiB or {SECONDS} "
            "seconds"
        )
