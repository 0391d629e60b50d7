"""The worker of bench.py: measures one file with one reader and one number of threads, and ends.

What to measure comes as JSON on stdin, the numbers go out as JSON on stdout. Images are prepared beforehand, so that
the time is the reader's alone.
"""

import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.data import load_part
from mnist_pipeline.errors import MnistError
from mnist_pipeline.pixels.preprocess import scale

_BATCH = 500  # images
_WARM_UP, _SINGLES = 50, 1000  # single images: not counted, counted
_PATIENCE = 5.0  # seconds after which no further single image is taken
_PASSES = 3  # over all images, at least; up to ten times as many as long as they take less than a second


def main() -> int:
    """Measure what stdin asks for; an expected failure is one line on stderr."""
    asked = json.loads(sys.stdin.read())
    try:
        print(json.dumps(_measure(asked)))  # noqa: T201 - the parent reads it
    except MnistError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


def _measure(asked: dict[str, Any]) -> dict[str, Any]:
    opener = _opener(asked["reader"], asked["threads"])
    images = scale(load_part(asked["source"], "test").images)
    began = time.perf_counter()
    runtime = opener(Path(asked["path"]))
    runtime.scores(images[:1])
    found: dict[str, Any] = {"load_ms": 1000 * (time.perf_counter() - began)}
    singles = _time_singles(runtime, images) if asked["singles"] else []
    found["images_per_second"] = len(images) / _time_pass(runtime, images)
    if singles:
        median, p99 = np.percentile(singles, [50, 99])
        found["one_image_ms"] = {"median": 1000 * float(median), "p99": 1000 * float(p99), "n": len(singles)}
    return found


def _opener(reader: str, threads: int) -> Any:
    """The function that loads a file, its library imported already: a server imports once and loads many."""
    if reader in ("keras", "tensorflow"):
        from mnist_pipeline.exports.proof import KerasRuntime, SavedModelRuntime
        from mnist_pipeline.training import backend, keras_file

        backend.start(threads)
        return SavedModelRuntime if reader == "tensorflow" else lambda path: KerasRuntime(keras_file.load_model(path))
    from mnist_pipeline.prediction.runtimes import open_runtime

    if reader != "opencv":
        importlib.import_module({"litert": "ai_edge_litert.interpreter"}.get(reader, reader))
    return lambda path: open_runtime(path, reader, threads)  # type: ignore[arg-type] # a RuntimeName, come as JSON


def _time_singles(runtime: Any, images: NDArray[np.float32]) -> list[float]:
    """Seconds for one image after another, each another one."""
    spent: list[float] = []
    until = time.perf_counter() + _PATIENCE
    for number in range(_WARM_UP + _SINGLES):
        at = number % len(images)
        inputs = runtime.prepare(images[at : at + 1])
        began = time.perf_counter()
        runtime.compute(inputs)
        ended = time.perf_counter()
        if number >= _WARM_UP:
            spent.append(ended - began)
        if ended > until and len(spent) > _WARM_UP:
            break
    return spent


def _time_pass(runtime: Any, images: NDArray[np.float32]) -> float:
    """Median seconds of a pass over all images."""
    batches = [runtime.prepare(images[at : at + _BATCH]) for at in range(0, len(images), _BATCH)]
    runtime.compute(batches[0])
    spent: list[float] = []
    while len(spent) < _PASSES or (len(spent) < 10 * _PASSES and sum(spent) < 1):
        began = time.perf_counter()
        for batch in batches:
            runtime.compute(batch)
        spent.append(time.perf_counter() - began)
    return float(np.median(spent))


if __name__ == "__main__":
    sys.exit(main())
