"""How many cores this process may use."""

import math
import os
from collections.abc import Iterator
from pathlib import Path

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
        lines = (_ROOT / "proc/self/cgroup").read_text().splitlines()
    except OSError:  # no Linux
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "" or "cpu" in controllers.split(","):
            top = _ROOT / "sys/fs/cgroup" / ("cpu" if controllers else "")
            # In a container the path can be the host's, of which only the outermost folder is there.
            folder = top / path.replace("..", "").strip("/")
            yield from (folder, *(around for around in folder.parents if around.is_relative_to(top)))
