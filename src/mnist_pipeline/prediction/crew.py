"""Processes that answer together: each has its files, the answers come back in the order that was asked for."""

import json
import subprocess
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock, local
from typing import Any

from mnist_pipeline.errors import RunError
from mnist_pipeline.pixels.preprocess import Invert
from mnist_pipeline.prediction.finding import Found
from mnist_pipeline.prediction.predictor import Prediction, Predictor
from mnist_pipeline.process import command, python_stderr

Process = subprocess.Popen[str]


class Crew:
    """As many processes as there is work for. Each thread of the pool follows one; a lost one is replaced."""

    def __init__(self, model: Predictor, invert: Invert, size: int) -> None:
        self._model, self._size = model, size
        self._order = {"model": model.arguments, "invert": invert}
        self._pool = ThreadPoolExecutor(size)
        self._own = local()
        self._processes: set[Process] = set()
        self._ended = False
        self._one_at_a_time = Lock()

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *_: object) -> None:
        with self._one_at_a_time:
            self._ended = True
            for process in self._processes:
                process.kill()
        self._pool.shutdown(cancel_futures=True)
        for process in list(self._processes):
            self._bury(process)

    def answers(self, chunks: Iterable[Sequence[Found]]) -> Iterator[list[Prediction]]:
        """The answers for each chunk, in their order; an empty one asks for all that are due before it."""
        due: deque[Future[list[Prediction]]] = deque()
        for chunk in chunks:
            if chunk:
                due.append(self._pool.submit(self._ask, chunk))
            while due and (not chunk or len(due) > 2 * self._size):
                yield due.popleft().result()
        while due:
            yield due.popleft().result()

    def _ask(self, files: Sequence[Found]) -> list[Prediction]:
        """When the process dies over several files, they are asked for again one by one."""
        process = getattr(self._own, "process", None) or self._start()
        answers = _exchange(process, files)
        if answers is not None:
            return [Prediction(*values) for values in answers]
        self._own.process = None
        if self._ended:
            return []
        self._bury(process)
        if len(files) == 1:
            return [self._model.unread(path, f"{path}: the process that read it has died") for path, _ in files]
        return [answer for file in files for answer in self._ask([file])]

    def _start(self) -> Process:
        with self._one_at_a_time:
            if self._ended:
                raise RunError("nobody waits for the answers any more")
            process = subprocess.Popen(  # noqa: S603 - words of our own, no shell
                command("prediction.worker"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                stderr=python_stderr(),
                process_group=0,  # Ctrl-C comes to us alone; should we be killed, its input ends and so does it
            )
            self._processes.add(process)
        ready = _exchange(process, self._order)
        if ready is None or "refused" in ready:
            raise RunError(ready["refused"] if ready else "the processes that read pictures do not start")
        self._own.process = process
        return process

    def _bury(self, process: Process) -> None:
        with self._one_at_a_time:
            self._processes.discard(process)
        process.kill()
        process.communicate()


def _exchange(process: Process, question: Any) -> Any:
    """The answer; None when the process is gone."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(f"{json.dumps(question)}\n")
        process.stdin.flush()
    except BrokenPipeError:
        return None
    answer = process.stdout.readline()
    return json.loads(answer) if answer.endswith("\n") else None
