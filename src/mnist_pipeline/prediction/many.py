"""Any number of picture files, answered in their order: the first ones here, then by a crew of worker processes.

A crew is worth its start, about 0.2 seconds, only where there is more work than that. Each worker is this module in a
Python of its own (`python -m mnist_pipeline.prediction.many`) that is given a few files a line as JSON, and gives
their answers in a line. concurrent.futures has no such processes: its ones run the caller's main module anew, and one
that dies, as over a picture that crashes a decoder, ends them all.
"""

import contextlib
import json
import subprocess
import sys
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence, Sized
from itertools import chain
from pathlib import Path
from threading import Lock, local
from typing import TYPE_CHECKING, Any

from mnist_pipeline.errors import MnistError, RunError
from mnist_pipeline.pixels.pictures import configure_opencv
from mnist_pipeline.pixels.preprocess import Invert
from mnist_pipeline.prediction.finding import Found
from mnist_pipeline.prediction.predictor import Prediction, Predictor, predictor
from mnist_pipeline.process import command, cores, libraries_muted, python_stderr
from mnist_pipeline.runs.run import Run

if TYPE_CHECKING:
    from concurrent.futures import Future

FEW = 250  # pictures: for no more, ONNX Runtime takes longer to start than it saves
ALONE = 0.2  # seconds of work, after which a crew is called
_WORTH = 2  # times as much work, for which a crew is called as soon as it is known
_KNOWN = 8  # pictures, after which it is known how long one takes
_A_CHUNK = 0.06  # seconds of work for a worker at a time: with more, one worker would wait for the others at the end
_LARGEST_CHUNK = 64  # pictures: more at a time are no quicker


def are_many(pictures: int | None) -> bool:
    """Whether a number of pictures is worth the quickest runtime; None, a list on stdin of unknown length, is.

    Asked before the first answer and never of the clock: two runtimes differ in the last of seven digits.
    """
    return pictures is None or pictures > FEW


def predict_many(
    paths: Iterable[str | Path], run: str | Path | Run | None = None, invert: Invert = "auto"
) -> Iterator[Prediction]:
    """The answers of a trained run, by default the last one, for any number of picture files, in their order."""
    expected = len(paths) if isinstance(paths, Sized) else None
    model = predictor(run, "quickest" if are_many(expected) else None)
    with contextlib.closing(answers((Found(str(path)) for path in paths), model, invert, expected)) as batches:
        yield from chain.from_iterable(batches)


def answers(
    files: Iterable[Found | None], model: Predictor, invert: Invert = "auto", expected: int | None = None
) -> Generator[list[Prediction]]:
    """The answers for files as `find` gives them, in batches; once it is closed, its processes are gone.

    `expected` is how many files there are, where that is known.
    """
    coming = iter(files)
    spent, done = 0.0, 0
    for found in coming:
        if found is None:
            continue
        began = time.perf_counter()
        batch = _answered([found], model, invert)
        spent, done = spent + time.perf_counter() - began, done + 1
        yield batch
        much = done == _KNOWN and ((expected or 0) - done) * spent / done >= _WORTH * ALONE
        if (spent >= ALONE or much) and cores() > 1:
            break
    else:
        return
    chunk = max(1, min(_LARGEST_CHUNK, round(_A_CHUNK * done / spent)))
    with Crew(model, invert, cores()) as crew:
        yield from crew.answers(coming, chunk)


def _answered(files: Sequence[Found], model: Predictor, invert: Invert) -> list[Prediction]:
    read = iter(model.predict_many([file.path for file in files if file.problem is None], invert))
    return [next(read) if file.problem is None else model.unread(*file) for file in files]


class Crew:
    """Worker processes that answer together: at most `size`, started as there is work; one that dies is replaced."""

    def __init__(self, model: Predictor, invert: Invert, size: int) -> None:
        from concurrent.futures import ThreadPoolExecutor

        self._model, self._size = model, size
        self._order = {"model": model.arguments, "invert": invert}
        self._pool = ThreadPoolExecutor(size)  # each thread has its worker, and waits for it
        self._own = local()
        self._workers: set[subprocess.Popen[str]] = set()
        self._closed = False
        self._lock = Lock()  # no worker is started once they are being ended

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._closed = True
            for worker in self._workers:
                worker.kill()
        self._pool.shutdown(cancel_futures=True)
        for worker in list(self._workers):
            self._end(worker)

    def answers(self, files: Iterable[Found | None], chunk: int) -> Iterator[list[Prediction]]:
        """The answers for the files, in their order and `chunk` at a time; before a None, all that are due."""
        due: deque[Future[list[Prediction]]] = deque()
        gathered: list[Found] = []
        for found in chain(files, [None]):
            if found is not None:
                gathered.append(found)
            if len(gathered) == chunk or (found is None and gathered):
                due.append(self._pool.submit(self._ask, gathered))
                gathered = []
            while due and (found is None or len(due) > 2 * self._size):
                yield due.popleft().result()

    def _ask(self, files: Sequence[Found]) -> list[Prediction]:
        """The answers of this thread's worker; files over which it dies are asked for again, one by one."""
        worker = getattr(self._own, "worker", None) or self._start()
        told = _exchange(worker, files)
        if told is not None:
            return [Prediction(*values) for values in told]
        self._own.worker = None
        if self._closed:
            return []
        self._end(worker)
        if len(files) == 1:
            return [self._model.unread(path, f"{path}: the process that read it has died") for path, _ in files]
        return [answer for file in files for answer in self._ask([file])]

    def _start(self) -> "subprocess.Popen[str]":
        with self._lock:
            if self._closed:
                raise RunError("nobody waits for the answers any more")
            # A group of its own: Ctrl-C comes to us alone. Should we be killed, a worker's input ends, and so does it.
            worker = subprocess.Popen(  # noqa: S603 - words of our own, no shell
                command("prediction.many"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=python_stderr(),
                text=True, process_group=0,
            )  # fmt: skip
            self._workers.add(worker)
        ready = _exchange(worker, self._order)
        if ready is None or "refused" in ready:
            raise RunError(ready["refused"] if ready else "the processes that read pictures do not start")
        self._own.worker = worker
        return worker

    def _end(self, worker: "subprocess.Popen[str]") -> None:
        with self._lock:
            self._workers.discard(worker)
        worker.kill()
        worker.communicate()


def _exchange(worker: "subprocess.Popen[str]", question: Any) -> Any:
    """A worker's answer to a question; None when the worker is gone."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    try:
        worker.stdin.write(f"{json.dumps(question)}\n")
        worker.stdin.flush()
    except BrokenPipeError:
        return None
    answer = worker.stdout.readline()
    return json.loads(answer) if answer.endswith("\n") else None


def _work() -> None:
    """Answer as a worker, until there is no more input: the model to use is in the first line, files in the others."""
    order = json.loads(sys.stdin.readline())
    try:
        model = Predictor(**order["model"])
    except MnistError as error:
        _say({"refused": str(error)})
        return
    _say({})
    for line in sys.stdin:
        files = [Found(*file) for file in json.loads(line)]
        _say([list(vars(answer).values()) for answer in _answered(files, model, order["invert"])])


def _say(value: Any) -> None:
    sys.stdout.write(f"{json.dumps(value)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    configure_opencv()
    # A broken pipe: nobody wants the answers any more.
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt), libraries_muted():
        _work()
