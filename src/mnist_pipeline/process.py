"""The process and its workers: how many cores they have, what libraries print, how a worker starts."""

import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WINDOWS = os.name == "nt"
# As creationflags, with process_group=0, which Windows passes over: Ctrl-C comes to us and not to a process of ours.
OWN_GROUP = 0x200 if WINDOWS else 0  # subprocess.CREATE_NEW_PROCESS_GROUP, which other systems lack
SYSTEM = Path("/")  # below which the kernel tells of control groups


def cores() -> int:
    """How many cores to use: PYTHON_CPU_COUNT if set, else those allowed, within the quotas of containers around."""
    chosen = os.environ.get("PYTHON_CPU_COUNT", "")
    if chosen.isdecimal() and int(chosen):
        return int(chosen)
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min([allowed, *_quotas()])))


def _quotas() -> Iterator[float]:
    """The quota of each control group around this process that has one, in cores."""
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
    """The folders of the control groups that can limit this process's time, each before the one around it."""
    try:
        lines = (SYSTEM / "proc/self/cgroup").read_text(errors="replace").splitlines()
    except OSError:  # no Linux
        return
    for line in lines:
        controllers, _, path = line.partition(":")[2].partition(":")
        if controllers == "" or "cpu" in controllers.split(","):
            top = SYSTEM / "sys/fs/cgroup" / ("cpu" if controllers else "")
            # In a container the path can be the host's, of which only the outermost folder is there.
            folder = top / path.replace("..", "").strip("/")
            yield from (folder, *(around for around in folder.parents if around.is_relative_to(top)))


@contextmanager
def quiet_stderr() -> Iterator[int | None]:
    """Drop whatever the block writes to file descriptor 2, libraries in C included; gives one that still leads there.

    What was dropped is not told where the block fails: the exceptions of these libraries say it too, and where a
    library ends the process nobody is left to tell it.
    """
    if sys.stderr is None:  # the caller has closed it
        yield None
        return
    sys.stderr.flush()
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    os.close(null)
    try:
        yield kept
    finally:
        os.dup2(kept, 2)
        os.close(kept)


@contextmanager
def libraries_muted() -> Iterator[None]:
    """Drop what libraries in C print inside the block; what Python writes to sys.stderr is shown at once.

    For the whole time in which a process reads pictures: libpng's and libjpeg's lines name no file, and holding them
    back picture by picture would cost time and, in several threads, mix up which picture they are about.
    """
    said = sys.stderr
    with quiet_stderr() as kept:
        if kept is not None and python_stderr() == 2:
            sys.stderr = open(kept, "w", 1, said.encoding, said.errors, closefd=False)  # noqa: SIM115
        try:
            yield
        finally:
            sys.stderr = said


def python_stderr() -> int | None:
    """The file descriptor behind sys.stderr, which workers started while libraries are muted write to; None without."""
    try:
        return sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):  # there is none
        return None


def command(module: str) -> list[str]:
    """The command line that runs a module of this package, a worker, in a Python of its own.

    -P keeps the current folder, which may be anybody's download, off the import path: a json.py there would be
    executed. What is installed, editable or on PYTHONPATH is still found.
    """
    return [sys.executable, "-P", "-m", f"mnist_pipeline.{module}"]
