"""The command line as a test calls it: inside this process, in a shell, or on a terminal."""

import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from typer import testing
from typer.testing import CliRunner, Result

from mnist_pipeline.cli import app

# The tree of commands is built once, and not for every call: 5 ms, which hundreds of calls wait for.
testing._get_command = cache(testing._get_command)  # type: ignore[attr-defined]


def mnist(*words: str | Path, **environment: str) -> Result:
    """Run `mnist` inside this process."""
    return CliRunner().invoke(app, [str(word) for word in words], env=environment)


def shell(words: str, stdin: int = subprocess.DEVNULL, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run `mnist` in a shell, with the redirections among the words."""
    if os.name == "nt":
        pytest.skip("needs a POSIX shell: its exec and its redirections")
    return subprocess.run(
        f"exec '{sys.executable}' -m mnist_pipeline {words}", shell=True, stdin=stdin, capture_output=True, check=False,
        env=os.environ | environment,
    )  # fmt: skip


def processor_seconds(work: Callable[[], object]) -> float:
    """How long the processor computes in the processes that this work starts and waits for."""
    resource = pytest.importorskip("resource", reason="needs the seconds of a child, which Windows does not tell")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return float(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


def on_terminal(*words: str | Path, typed: str = "", stderr: int | None = None) -> str:
    """What a user sees who runs `mnist` on a terminal and types; stderr may go elsewhere."""
    pty = pytest.importorskip("pty", reason="needs a pseudo-terminal, which Windows has not")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "mnist_pipeline", *map(str, words)]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs if stderr is None else stderr):
        os.close(theirs)
        os.write(ours, typed.encode())
        seen = b""
        try:
            while piece := os.read(ours, 65536):
                seen += piece
        except OSError:  # how Linux says that the other side has hung up
            pass
    os.close(ours)
    return seen.decode()
