"""Any number of picture files, answered in their order: the first ones here, then by a crew of worker processes.

A crew is worth its start, about 0.2 seconds, only where there is more work than that. Each worker is this module in a
Python of its own (`python -m mnist_pipeline.prediction.many`) that is given a few files a line as JSON, and gives
their answers in a line; or a shard of millions, whose answers it writes to a file. concurrent.futures has no such
processes: its ones run the caller's main module anew, and one that dies, as over a picture that crashes a decoder, ends
them all.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence, Sized
from itertools import chain, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Protocol

from mnist_pipeline.errors import MnistError, PictureError, RunError
from mnist_pipeline.pixels.light import Invert
from mnist_pipeline.pixels.pictures import configure_opencv
from mnist_pipeline.prediction.finding import Found
from mnist_pipeline.prediction.parts import Tally, tally_of, write_part
from mnist_pipeline.prediction.prediction import Prediction
from mnist_pipeline.prediction.predictor import Predictor, predictor
from mnist_pipeline.prediction.runtimes import BATCH
from mnist_pipeline.process import OWN_GROUP, command, cores, libraries_muted, python_stderr
from mnist_pipeline.runs.run import Run

if TYPE_CHECKING:
    from concurrent.futures import Future

    from mnist_pipeline.prediction.shards import Shard

FEW = 250  # pictures: for no more, ONNX Runtime takes longer to start than it saves
ALONE = 0.2  # seconds of work, after which a crew is called
_A_CHUNK = 0.06  # seconds of work for a worker at a time: with more, one worker would wait for the others at the end
_LARGEST_CHUNK = 3 * BATCH  # pictures: more at a time are no quicker


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
    pictures = [PictureError(file.problem) if file.problem else file.path for file in files]
    return model.predict_many(pictures, invert, [file.path for file in files])


class Order(NamedTuple):
    """A shard whose answers are to be written to a file, its part of all."""

    shard: "Shard"
    part: str

    @classmethod
    def of(cls, told: dict[str, Any]) -> "Order":
        """The order that a worker was told."""
        from mnist_pipeline.prediction.shards import shard_of

        return cls(shard_of(told["shard"]), told["part"])


class Written(NamedTuple):
    """An order that was carried out."""

    order: Order
    tally: Tally


class Sent(Protocol):
    """A model by what is sent to a worker."""

    @property
    def arguments(self) -> dict[str, Any]:
        """What a worker process needs to make its predictor."""


class Crew:
    """Worker processes that answer together: at most `size`, started as there is work; one that dies is replaced.

    A thread waits for each of them, because Windows has no select for pipes.
    """

    def __init__(self, model: Sent, invert: Invert, size: int) -> None:
        from concurrent.futures import ThreadPoolExecutor  # a few pictures do without

        self._model, self._invert, self._size = model, invert, size
        self._threads, self._own = ThreadPoolExecutor(size), threading.local()
        self._workers: list[subprocess.Popen[str]] = []
        self._ready: list[subprocess.Popen[str]] = []  # of these, the ones that no thread has taken yet
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

    def write(self, orders: Iterable[Order]) -> Iterator[Written]:
        """Have each shard's answers written to its file; what is written is told as it is done, in any order."""
        from concurrent.futures import FIRST_COMPLETED, wait

        while len(self._workers) < self._size:  # which takes half a second, while the names of the pictures are listed
            self._ready.append(self._start())
        coming = iter(orders)
        due: set[Future[Written]] = set()
        while True:
            due |= {self._threads.submit(self._write, order) for order in islice(coming, 2 * self._size - len(due))}
            if not due:
                return
            done, due = wait(due, return_when=FIRST_COMPLETED)
            yield from (each.result() for each in done)

    def _write(self, order: Order) -> Written:
        """Have a worker write a shard's answers; where it dies, another one tells which picture it is at."""
        deadly = list[int]()
        told = self._tell(order._asdict())
        while told is None and not self._closed:
            at = -1
            told = self._tell(order._asdict() | {"deadly": deadly})
            while isinstance(told, int):
                at, told = told, self._hear()
            if told is None:
                if at < 0:
                    raise RunError("a worker died before it looked at any picture: is there enough memory?")
                deadly.append(at)
        return Written(order, Tally(told))

    def _ask(self, files: list[Found]) -> list[Prediction]:
        """What this thread's worker answers; files over which it dies are asked about again, one by one."""
        told = self._tell(files)
        if told is not None:
            return [Prediction(*values) for values in told]
        return [] if self._closed else self._one_by_one(files)

    def _tell(self, order: object) -> Any:
        """The first line that this thread's worker says to an order; None where it has died."""
        _send(order, self._worker().stdin)
        return self._hear()

    def _hear(self) -> Any:
        """The next line of this thread's worker; None where it has died."""
        line = self._own.worker.stdout.readline()
        if not line.endswith("\n"):
            self._own.worker = None
            return None
        told = json.loads(line)
        if isinstance(told, str):
            raise RunError(told)
        return told

    def _worker(self) -> "subprocess.Popen[str]":
        """The worker of the calling thread; its first one may have been started already."""
        if getattr(self._own, "worker", None) is None:
            try:
                self._own.worker = self._ready.pop()
            except IndexError:
                self._own.worker = self._start()
        worker: subprocess.Popen[str] = self._own.worker
        return worker

    def _start(self) -> "subprocess.Popen[str]":
        # Should we be killed, a worker's input ends, and so does it. A thread of OpenBLAS would turn idly for 0.1 s.
        worker = subprocess.Popen(  # noqa: S603 - words of our own, no shell
            command("prediction.many"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=python_stderr(),
            text=True, process_group=0, creationflags=OWN_GROUP, env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip
        self._workers.append(worker)
        _send({"model": self._model.arguments, "invert": self._invert}, worker.stdin)
        return worker

    def _one_by_one(self, files: list[Found]) -> list[Prediction]:
        if len(files) == 1:
            name, error = files[0].path, f"{files[0].path}: the process that read it has died"
            return [Prediction(name, model=self._model.arguments["name"], error=error)]
        with Crew(self._model, self._invert, 1) as other:
            return list(chain.from_iterable(other.answers(files, 1)))


def _send(line: object, out: IO[str] | None) -> None:
    with contextlib.suppress(OSError):  # one that has died is met when its answer is read
        print(json.dumps(line), file=out, flush=True)


def _work() -> None:
    """Answer as a worker, until there is no more input: the model to use is in the first line, orders in the others.

    A line of answer is a list of answers, what was written of a shard, or why that cannot be.
    """
    lines = (json.loads(line) for line in sys.stdin if line.endswith("\n"))  # who is interrupted may leave half a line
    first = next(lines, None)
    if first is None:
        return
    try:
        model, invert = Predictor(**first["model"]), first["invert"]
        for order in lines:
            if isinstance(order, dict):
                _say(write_answers(Order.of(order), order.get("deadly"), model, invert))
            else:
                batch = _answered([Found(*file) for file in order], model, invert)
                _say([list(vars(answer).values()) for answer in batch])
    except MnistError as error:
        _say(str(error))


def write_answers(order: Order, deadly: list[int] | None, model: Predictor, invert: Invert) -> Tally:
    """Write the answers for a shard's pictures; with a list of deadly ones, each is told before it is looked at."""
    from mnist_pipeline.prediction.shards import pictures

    found = list[Prediction]()
    coming = pictures(order.shard)
    while batch := list(islice(coming, _LARGEST_CHUNK if deadly is None else 1)):
        names, given = zip(*batch, strict=True)
        if deadly is not None:
            if len(found) in deadly:
                given = (PictureError(f"{names[0]}: the process that read it has died"),)
            _say(len(found))
        found += model.predict_many(given, invert, names)
    write_part(found, Path(order.part))
    return tally_of(found)


def _say(line: object) -> None:
    print(json.dumps(line), flush=True)  # noqa: T201


if __name__ == "__main__":
    configure_opencv()
    # A broken pipe: nobody wants the answers any more.
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt), libraries_muted():
        _work()
