"""Numbers about a running service, as Prometheus reads them: every worker process counts in a row of its own.

The rows lie in memory that all workers share, so that whichever of them is asked tells the numbers of all.
"""

import mmap
import os
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import suppress
from itertools import accumulate, product
from pathlib import Path

PATHS = (
    "/predict", "/predict/batch", "/predict/page", "/models", "/healthz", "/readyz", "/metrics", "/openapi.json",
    "the pages", "other",
)  # fmt: skip
STATUSES = (200, 304, 400, 401, 404, 405, 408, 413, 415, 422, 500, 503, 0)  # 0 stands for any other
OUTCOMES = ("read", "refused", "unread")
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)  # seconds
GAUGES = ("waiting", "connections", "memory")

_REQUESTS = {pair: number for number, pair in enumerate(product(PATHS, STATUSES))}
_PICTURES = {outcome: len(_REQUESTS) + number for number, outcome in enumerate(OUTCOMES)}
_SECONDS = len(_REQUESTS) + len(OUTCOMES)  # a count for each bound and one beyond, then the sum
_GAUGES = {name: _SECONDS + len(BOUNDS) + 2 + number for number, name in enumerate(GAUGES)}
_ROW = _SECONDS + len(BOUNDS) + 2 + len(GAUGES)
_MEANING = {
    "mnist_requests_total": ("counter", "Requests that were answered, by path and status."),
    "mnist_pictures_total": ("counter", "Pictures looked at, by what came of it."),
    "mnist_predict_seconds": ("histogram", "Seconds from the head of a request for a prediction to its answer."),
    "mnist_waiting": ("gauge", "Requests for predictions that wait or are being answered."),
    "mnist_connections": ("gauge", "Open connections."),
    "mnist_memory_bytes": ("gauge", "Memory that the processes have in use."),
    "mnist_workers": ("gauge", "Worker processes."),
}


def size_for(workers: int) -> int:
    """The bytes that the counters of so many workers take."""
    return 8 * _ROW * workers


class Counters:
    """One worker's row among those of all; in memory of its own where no file is given."""

    def __init__(self, workers: int = 1, own: int = 0, file: int = -1) -> None:
        self._workers = workers
        self._all = memoryview(mmap.mmap(file, size_for(workers))).cast("d")
        self._row = self._all[own * _ROW : (own + 1) * _ROW]

    def request(self, path: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        at = path if path in PATHS else "the pages" if status in (200, 304) else "other"
        self._row[_REQUESTS[at, status if status in STATUSES else 0]] += 1
        if path.startswith("/predict"):
            self._row[_SECONDS + bisect_left(BOUNDS, seconds)] += 1
            self._row[_SECONDS + len(BOUNDS) + 1] += seconds

    def picture(self, outcome: str) -> None:
        """Count a picture that was looked at."""
        self._row[_PICTURES[outcome]] += 1

    def gauge(self, waiting: int, connections: int) -> None:
        """Note how much is going on at this moment."""
        for name, value in zip(GAUGES, (waiting, connections, _memory()), strict=True):
            self._row[_GAUGES[name]] = value

    def text(self) -> str:
        """The sums over all workers in the text format of Prometheus."""
        rows = [self._all[at : at + _ROW] for at in range(0, _ROW * self._workers, _ROW)]
        sums = [sum(column) for column in zip(*rows, strict=True)]
        lines = [*_counters(sums), *_histogram(sums), *_gauges(sums), f"mnist_workers {self._workers}"]
        told: set[str] = set()
        return "\n".join(part for line in lines for part in (*_head(line, told), line)) + "\n"


def _head(line: str, told: set[str]) -> list[str]:
    """The two lines that say what a number is, before the first one of its kind."""
    name = next(name for name in _MEANING if line.startswith(name))
    if name in told:
        return []
    told.add(name)
    kind, meaning = _MEANING[name]
    return [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"]


def _counters(sums: list[float]) -> Iterator[str]:
    for (path, status), at in _REQUESTS.items():
        if sums[at]:
            yield f'mnist_requests_total{{path="{path}",status="{status or "other"}"}} {sums[at]:.0f}'
    for outcome, at in _PICTURES.items():
        yield f'mnist_pictures_total{{outcome="{outcome}"}} {sums[at]:.0f}'


def _histogram(sums: list[float]) -> Iterator[str]:
    up_to = list(accumulate(sums[_SECONDS : _SECONDS + len(BOUNDS) + 1]))
    for bound, count in zip([*map(str, BOUNDS), "+Inf"], up_to, strict=True):
        yield f'mnist_predict_seconds_bucket{{le="{bound}"}} {count:.0f}'
    yield f"mnist_predict_seconds_sum {sums[_SECONDS + len(BOUNDS) + 1]:.6f}"
    yield f"mnist_predict_seconds_count {up_to[-1]:.0f}"


def _gauges(sums: list[float]) -> Iterator[str]:
    yield f"mnist_waiting {sums[_GAUGES['waiting']]:.0f}"
    yield f"mnist_connections {sums[_GAUGES['connections']]:.0f}"
    yield f"mnist_memory_bytes {sums[_GAUGES['memory']]:.0f}"


def _memory() -> int:
    """The bytes of memory that this process has in use; 0 where the system does not tell as Linux does."""
    with suppress(OSError, ValueError, IndexError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0
