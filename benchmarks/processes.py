"""A command in a fresh process: how long it took, what it cost, what it said and when."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Outcome:
    """What is known of a process that has ended well."""

    seconds: float
    """From its start to its exit, by the clock."""
    processor_seconds: float
    peak_gb: float
    output: str
    notes: list[tuple[float, str]]
    """The lines on stderr, each with the seconds after which it came."""


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Outcome:
    """Run it from the project's folder; an exit code other than 0 ends the benchmark."""
    with tempfile.TemporaryFile("w+") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        notes = [(time.perf_counter() - started, line.rstrip()) for line in process.stderr]
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.stderr.close()
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            last = "\n".join(line for _, line in notes[-20:])
            raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}\n{last}")
        output.seek(0)
        return Outcome(
            seconds=seconds,
            processor_seconds=used.ru_utime + used.ru_stime,
            peak_gb=used.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9,
            output=output.read(),
            notes=notes,
        )
