"""The process and its workers: its cores, what is seen of its libraries, how workers start."""

import math
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_ROOT = Path("/")


def cores() -> int:
    """As many as PYTHON_CPU_COUNT says; else those it is allowed, and no more than its containers give it time for."""
    chosen = os.environ.get("PYTHON_CPU_COUNT", "")
    if chosen.isdecimal() and int(chosen):
        return int(chosen)
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min([allowed, *_quotas()])))


def _quotas() -> Iterator[float]:
    """Cores' worth of time that each control group around this process has, where it has a limit."""
    for folder in _groups():
        try:
            if (folder / "cpu.max").exists():  # version 2: "200000 100000", or "max 100000" without a limit
                quota, period = (folder / "cpu.max").read_text().split()
            else:
                quota = (folder / "cpu.cfs_quota_us").read_text()  # version 1: -1 without a limit
                period = (folder / "cpu.cfs_period_us").read_text()
            if quota != "max" and int(quota) > 0:
                yield int(quota) / int(period)
        except (OSError, ValueError, ZeroDivisionError):
            continue  # not there, or not as the kernel writes it


def _groups() -> Iterator[Path]:
    """The folders of this process's control groups that can limit its time, each before the one around it."""
    try:
        lines = (_ROOT / "proc/self/cgroup").read_text(errors="replace").splitlines()
    except OSError:  # no Linux
        return
    for line in lines:
        controllers, _, path = line.partition(":")[2].partition(":")
        if controllers == "" or "cpu" in controllers.split(","):
            top = _ROOT / "sys/fs/cgroup" / ("cpu" if controllers else "")
            # In a container the path can be the host's, of which only the outermost folder is there.
            folder = top / path.replace("..", "").strip("/")
            yield from (folder, *(around for around in folder.parents if around.is_relative_to(top)))


def _place() -> IO[bytes]:
    """A file to hold it in; where there is no temporary folder to write to, nothing is held and nothing let out."""
    try:
        return tempfile.TemporaryFile()
    except OSError:
        return Path(os.devnull).open("r+b")


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Nothing written to the file descriptor inside the block is seen, unless the block fails."""
    if sys.stderr is None:  # the caller has closed it
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    with _place() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(kept, held.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


@contextmanager
def libraries_muted() -> Iterator[None]:
    """Nothing that libraries print inside the block is ever seen; what Python writes to sys.stderr is, at once.

    For as long as pictures are read in a process of our own: libpng's and libjpeg's lines name no file, and to hold
    them back picture by picture would cost time and, in several threads, mix up whose they are.
    """
    if sys.stderr is None:  # the caller has closed it
        yield
        return
    kept, null, said = os.dup(2), os.open(os.devnull, os.O_WRONLY), sys.stderr
    if python_stderr() == 2:
        said.flush()
        sys.stderr = open(kept, "w", 1, said.encoding, said.errors, closefd=False)  # noqa: SIM115
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(null)
        sys.stderr = said
        os.close(kept)


def python_stderr() -> int | None:
    """The file descriptor behind sys.stderr, for the processes that are started while libraries are muted."""
    try:
        return sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):  # there is none
        return None


def command(module: str) -> list[str]:
    """The words that run a worker, a module of this package, in a Python of its own.

    -P keeps the current folder, which may be anybody's download, off the path that modules are imported from: a
    json.py there would be executed. What is installed, editable or on PYTHONPATH is still found.
    """
    return [sys.executable, "-P", "-m", f"mnist_pipeline.{module}"]
