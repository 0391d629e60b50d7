"""The models that may be asked, and the threads in which they answer: only so many requests wait for them.

Each picture is answered by itself, as on the command line: together several would be no quicker, and a network's last
bits depend on how many images it is given at once.
"""

import asyncio
import base64
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from mnist_pipeline.errors import MnistError, RunError
from mnist_pipeline.numerals import DIGITS
from mnist_pipeline.pixels.light import Invert
from mnist_pipeline.pixels.pictures import as_png
from mnist_pipeline.prediction.pages.reading import read_page
from mnist_pipeline.prediction.prediction import Prediction
from mnist_pipeline.prediction.predictor import Predictor, predictor, require_letters
from mnist_pipeline.prediction.shipping import SHIPPED, shipped
from mnist_pipeline.runs.run import Run, all_runs
from mnist_pipeline.web.metrics import Counters
from mnist_pipeline.web.uploads import RequestError, Upload

THREADS = 2  # so that a large photo does not hold up the small ones behind it
WAITING = 64  # requests that wait or are answered: 0.2 s of work for small pictures
_PATIENCE = 10.0  # seconds that a request waits for a thread
_OPENED = 8  # models besides the first that are kept open
T = TypeVar("T")


class Desk:
    """The threads that answer, and the bounded line in front of them."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS)
        self.waiting = 0

    @property
    def full(self) -> bool:
        """Whether as many wait as are let wait."""
        return self.waiting >= WAITING

    async def answered(self, work: Callable[[], T]) -> T:
        """The result of work in one of the threads; refused at once where too many wait."""
        if self.full:
            raise busy()
        self.waiting += 1
        try:
            latest = time.monotonic() + _PATIENCE
            return await asyncio.get_running_loop().run_in_executor(self._threads, _in_time, work, latest)
        finally:
            self.waiting -= 1


def busy() -> RequestError:
    """The answer to whoever comes when too many wait."""
    return RequestError(503, "too many requests at once: try again in a second", {"retry-after": "1"})


def _in_time(work: Callable[[], T], latest: float) -> T:
    if time.monotonic() > latest:
        raise busy()
    return work()


class Models:
    """The models among the runs, by name; the first one is asked where none is named."""

    def __init__(self, first: Predictor) -> None:
        self.run = SHIPPED if first.shipped else first.name
        self.first = Path(self.run).resolve().name
        self._predictor = first
        self._opened: OrderedDict[str, Predictor] = OrderedDict()
        self._one_at_a_time = Lock()

    def named(self, name: str | None) -> tuple[str, Predictor]:
        """The model of a name, opened where it was not yet; only the names of runs lead to one, and no paths do."""
        if name is None or name == self.first:
            return self.first, self._predictor
        with self._one_at_a_time:
            if name not in self._opened:
                self._opened[name] = self._open(name)
                if len(self._opened) > _OPENED:
                    self._opened.popitem(last=False)
            self._opened.move_to_end(name)
            return name, self._opened[name]

    def _open(self, name: str) -> Predictor:
        run = _runs().get(name)
        if run is None and name != SHIPPED:
            raise RequestError(404, f"there is no model {name[:60]!r}: GET /models lists them")
        try:
            return predictor(run or SHIPPED)
        except RunError:
            raise RequestError(
                503, f"the model {name!r} cannot be read: `mnist predict --run {name}` says why"
            ) from None

    def listed(self) -> list[dict[str, Any]]:
        """Every model that can be asked, the first one first."""
        runs = _runs()
        names = dict.fromkeys([self.first, SHIPPED, *runs])
        return [{"name": name, "first": name == self.first, **_figures(name, runs.get(name))} for name in names]


def _runs() -> dict[str, Run]:
    """The trained runs by name, seeds of a sweep left out."""
    return {run.name: run for run in all_runs() if run.state == "trained" and not run.sweep_file.exists()}


def _figures(name: str, run: Run | None) -> dict[str, Any]:
    """A model's test accuracy, where it was evaluated, whether it refuses what is no digit, and its classes."""
    try:
        if name == SHIPPED:
            facts = shipped().facts
            return {"test_accuracy": facts["test_accuracy"], "refuses": True, "classes": DIGITS}
        if run:
            test = run.figures("evaluate") if "evaluate" in run.metrics() else {}
            refuses = run.threshold() > 0
            return {"test_accuracy": test.get("test_accuracy"), "refuses": refuses, "classes": run.classes}
    except RunError:  # asking it says so
        pass
    return {"test_accuracy": None, "refuses": False, "classes": DIGITS}


class Answers:
    """What the models say to pictures, as plain values."""

    def __init__(self, models: Models, counters: Counters) -> None:
        self._models, self._counters = models, counters

    def one(self, picture: Upload, model: str | None, invert: Invert, *, explain: bool, steps: bool) -> dict[str, Any]:
        """The answer for one picture, as of `mnist predict --json`; a picture that cannot be read is a RequestError."""
        began = time.perf_counter()
        name, asked = self._models.named(model)
        found, seen = asked.examine(picture, invert, explain=explain)
        self._count(found)
        if found.error is not None:
            raise picture.refusal(found.error)
        tree = replace(found, model=name).tree() | {"sentence": found.said()}
        if steps:
            tree["steps"] = [{"title": title, "image": _as_url(as_png(grey))} for title, grey in seen]
        return tree | _milliseconds(began)

    def several(self, pictures: list[Upload], model: str | None, invert: Invert) -> dict[str, Any]:
        """The answers for several pictures in their order; for one that cannot be read, its error."""
        began = time.perf_counter()
        name, asked = self._models.named(model)
        found = asked.predict_many(pictures, invert)
        for one in found:
            self._count(one)
        return {"answers": [replace(one, model=name).tree() for one in found]} | _milliseconds(began)

    def page(self, picture: Upload, model: str | None, invert: Invert) -> dict[str, Any]:
        """Every digit on a page, as of `mnist predict --all --json`."""
        began = time.perf_counter()
        name, asked = self._models.named(model)
        try:
            require_letters(asked.classes)
        except MnistError as error:
            raise RequestError(422, str(error)) from None
        page = read_page(picture, asked, invert)
        self._counters.picture("unread" if page.error is not None else "read" if page.text else "refused")
        if page.error is not None:
            raise picture.refusal(page.error)
        return page.tree() | {"model": name} | _milliseconds(began)

    def _count(self, found: Prediction) -> None:
        self._counters.picture("unread" if found.error is not None else "refused" if found.label is None else "read")


def _milliseconds(began: float) -> dict[str, float]:
    return {"milliseconds": round(1000 * (time.perf_counter() - began), 3)}


def _as_url(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
