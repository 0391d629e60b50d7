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
import threading
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence, Sized
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING

from mnist_pipeline.errors import MnistError, RunError
from mnist_pipeline.pixels.light import Invert
from mnist_pipeline.pixels.pictures import configure_opencv
from mnist_pipeline.prediction.finding import Found
from mnist_pipeline.prediction.predictor import Prediction, Predictor, predictor
from mnist_pipeline.process import OWN_GROUP, command, cores, libraries_muted, python_stderr
from mnist_pipeline.runs.run import Run

if TYPE_CHECKING:
    from concurrent.futures import Future

FEW = 250  # pictures: for no more, ONNX Runtime takes longer to start than it saves
ALONE = 0.2  # seconds of work, after which a crew is called
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
    model = predictor(run, "quickest" if are_many(len(paths) if isinstance(paths, Sized) else None) else None)
    with contextlib.closing(answers((Found(str(path)) for path in paths), model, invert)) as batches:
        yield from chain.from_iterable(batches)


def answers(files: Iterable[Found | None], model: Predictor, invert: Invert = "auto") -> Generator[list[Prediction]]:
    """The answers for files as `find` gives them, in batches; once it is closed, its processes are gone."""
    coming = iter(files)
    spent, done = 0.0, 0
    for found in coming:
        if found is None:
            continue
        began = time.perf_counter()
        batch = _answered([found], model, invert)
        spent, done = spent + time.perf_counter() - began, done + 1
        yield batch
        if spent >= ALONE and cores() > 1:
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
    """Worker processes that answer together: at most `size`, started as there is work; one that dies is replaced.

    A thread waits for each of them, because Windows has no select for pipes.
    """

    def __init__(self, model: Predictor, invert: Invert, size: int) -> None:
        from concurrent.futures import ThreadPoolExecutor  # a few pictures do without

        self._model, self._invert, self._size = model, invert, size
        self._threads, self._own = ThreadPoolExecutor(size), threading.local()
        self._workers: list[subprocess.Popen[str]] = []
        self._closed = False

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in list(self._workers):
            worker.kill()
        self._threads.shutdown()
        for worker in self._workers:  # one that was just being started, too
            worker.kill()
            worker.communicate()

    def answers(self, files: Iterable[Found | None], chunk: int) -> Iterator[list[Prediction]]:
        """The answers for the files, in their order and `chunk` at a time; before a None, all that are due."""
        due: deque[Future[list[Prediction]]] = deque()
        gathered: list[Found] = []
        for found in chain(files, [None]):
            if found is not None:
                gathered.append(found)
            if len(gathered) == chunk or (found is None and gathered):
                due.append(self._threads.submit(self._ask, gathered))
                gathered = []
            while due and (found is None or len(due) > 2 * self._size):
                yield due.popleft().result()

    def _ask(self, files: list[Found]) -> list[Prediction]:
        """What this thread's worker answers; files over which it dies are asked about again, one by one."""
        worker = getattr(self._own, "worker", None) or self._start()
        _send(files, worker.stdin)
        line = worker.stdout.readline() if worker.stdout else ""
        if line.endswith("\n"):
            told = json.loads(line)
            if isinstance(told, str):
                raise RunError(told)
            return [Prediction(*values) for values in told]
        self._own.worker = None
        return [] if self._closed else self._one_by_one(files)

    def _start(self) -> "subprocess.Popen[str]":
        # Should we be killed, a worker's input ends, and so does it.
        worker = subprocess.Popen(  # noqa: S603 - words of our own, no shell
            command("prediction.many"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=python_stderr(),
            text=True, process_group=0, creationflags=OWN_GROUP,
        )  # fmt: skip
        self._workers.append(worker)
        self._own.worker = worker
        _send({"model": self._model.arguments, "invert": self._invert}, worker.stdin)
        return worker

    def _one_by_one(self, files: list[Found]) -> list[Prediction]:
        if len(files) == 1:
            return [self._model.unread(files[0].path, f"{files[0].path}: the process that read it has died")]
        with Crew(self._model, self._invert, 1) as other:
            return list(chain.from_iterable(other.answers(files, 1)))


def _send(line: object, out: IO[str] | None) -> None:
    with contextlib.suppress(OSError):  # one that has died is met when its answer is read
        print(json.dumps(line), file=out, flush=True)


def _work() -> None:
    """Answer as a worker, until there is no more input: the model to use is in the first line, files in the others.

    A line of answer is a list of answers, or why the model cannot be read.
    """
    lines = (json.loads(line) for line in sys.stdin if line.endswith("\n"))  # who is interrupted may leave half a line
    order = next(lines, None)
    if order is None:
        return
    try:
        model = Predictor(**order["model"])
        for files in lines:
            batch = _answered([Found(*file) for file in files], model, order["invert"])
            print(json.dumps([list(vars(answer).values()) for answer in batch]), flush=True)  # noqa: T201
    except MnistError as error:
        print(json.dumps(str(error)), flush=True)  # noqa: T201


if __name__ == "__main__":
    configure_opencv()
    # A broken pipe: nobody wants the answers any more.
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt), libraries_muted():
        _work()
