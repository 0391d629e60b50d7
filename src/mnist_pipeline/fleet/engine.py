"""One way to run many tasks: `run_all` hands them to an engine, passes on what they tell and tries again what failed.

Each task has a process of its own, because TensorFlow takes its flags once, when it loads, and one that dies takes no
other with it. The engine here starts them on this machine; the one in cluster.py has them started on a Ray cluster.
"""

import json
import os
import subprocess
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from mnist_pipeline.process import OWN_GROUP, command
from mnist_pipeline.runs.watching import ignore

STOPPED = "stopped"  # why a task has no result whose engine was told to stop it
_TRIES = 2  # of a task that fails: what the first one finished, its checkpoints, is kept for the second
_LOSSES = 5  # of a task whose machine was lost, which is not its own fault; more, and it may be what kills them


class Task(NamedTuple):
    """Work that leaves its result in a folder."""

    name: str
    """The folder's name; no two tasks have the same."""
    words: str
    """What its process is given on stdin."""
    around: Path
    """The folder around its own, which the process takes for the artifacts."""
    threads: int
    """Cores that it keeps busy."""
    alone: str
    """The command by which a person runs the same work alone, and sees all that it says."""


class Event(NamedTuple):
    """What an engine says of a task: what its process told, or that it has ended."""

    task: Task
    told: Mapping[str, Any] = MappingProxyType({})
    ended: bool = False
    failure: str | None = None
    """Why a task that ended has no result."""
    lost: bool = False
    """Whether that was the loss of the machine that it was on."""


class Engine(Protocol):
    """Where tasks run."""

    def room(self) -> int:
        """How many tasks to submit before one has ended."""

    def submit(self, task: Task) -> None:
        """Begin a task, or have it begin once there is room."""

    def next(self) -> Event:
        """The next event of any task; waits for it."""

    def stop(self, name: str | None = None) -> None:
        """End a task, or all of them and the engine; what each has finished, its checkpoints included, stays."""


def run_all(
    tasks: Iterable[Task], engine: Engine, hear: Callable[[Event], None], again: Callable[[Event], None] = ignore
) -> None:
    """Run the tasks, each taken from the iterable once there is room for it; an interruption stops all.

    A failed task is tried again after all others, which `again` hears of; `hear` hears every other event.
    """
    first, second = iter(tasks), deque[Task]()
    working, failures, losses = 0, Counter[str](), Counter[str]()
    try:
        while True:
            while working < engine.room():
                task = next(first, None) or (second.popleft() if second else None)
                if task is None:
                    break
                engine.submit(task)
                working += 1
            if not working:
                return
            event = engine.next()
            working -= event.ended
            if event.failure and event.failure != STOPPED:
                (losses if event.lost else failures)[event.task.name] += 1
                if failures[event.task.name] < _TRIES and losses[event.task.name] < _LOSSES:
                    second.append(event.task)
                    again(event)
                    continue
            hear(event)
    finally:
        engine.stop()


class Process:
    """A task at work on this machine: the process that trains, which ends at its next word should we be killed."""

    def __init__(self, task: Task, around: Path) -> None:
        self._task, self._stopped = task, False
        self._complaints = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        self._process = subprocess.Popen(  # noqa: S603 - words of our own, no shell
            command("fleet.pool"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._complaints,
            env=os.environ | {"MNIST_ARTIFACTS": str(around)}, encoding="utf-8",
            process_group=0, creationflags=OWN_GROUP,
        )  # fmt: skip

    def told(self) -> Iterator[dict[str, Any]]:
        """Hand the task over and pass on what the process tells, until it ends."""
        with self._process as process:
            assert process.stdin
            assert process.stdout
            with suppress(OSError), process.stdin:  # it has failed already, and says why
                process.stdin.write(self._task.words)
            for line in process.stdout:
                if line.startswith('{"share"'):
                    yield json.loads(line)

    def failure(self) -> str | None:
        """Why the process, which has ended, left no result."""
        if self._stopped and self._process.returncode:
            return STOPPED
        with self._complaints as complaints:
            complaints.seek(0)
            return reason(self._process.returncode, complaints.read(), self._task)

    def stop(self) -> None:
        """End the process."""
        self._stopped = True
        self._process.terminate()


def reason(code: int, complaints: str, task: Task) -> str | None:
    """Why a process ended without a result: the first line of a refusal, the last of a traceback."""
    if code == 0:
        return None
    lines = [line for line in complaints.splitlines() if line.strip()]
    if not lines:
        return f"ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
    if any(line.startswith("Traceback") for line in lines):
        return f"a bug: {lines[-1]} (all of it: {task.alone})"
    return lines[0]


class LocalEngine:
    """Processes on this machine, so many at a time; a thread follows each of them."""

    def __init__(self, size: int) -> None:
        self._size, self._events = size, SimpleQueue[Event]()
        self._working = dict[str, tuple[Process, Thread]]()

    def room(self) -> int:
        """The number of processes at a time."""
        return self._size

    def submit(self, task: Task) -> None:
        """Start the task's process."""
        process = Process(task, task.around)
        thread = Thread(target=self._follow, args=(task, process))
        self._working[task.name] = process, thread
        thread.start()

    def _follow(self, task: Task, process: Process) -> None:
        for told in process.told():
            self._events.put(Event(task, told))
        self._events.put(Event(task, ended=True, failure=process.failure()))

    def next(self) -> Event:
        """The next event of any process."""
        event = self._events.get()
        if event.ended:
            _, thread = self._working.pop(event.task.name)
            thread.join()
        return event

    def stop(self, name: str | None = None) -> None:
        """End the process of a task, or every process, and wait until all are gone."""
        if name in self._working:
            self._working[name][0].stop()
        if name is None:
            for process, _ in self._working.values():
                process.stop()
            for _, thread in self._working.values():
                thread.join()
