"""One form measured in a fresh process: what to measure as JSON on stdin, figures as JSON on stdout.

Started by bench.py as `python -m mnist_pipeline.exports.bench_worker`; a process computes with one number of threads.
"""

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

_BATCH = 500
_WARM = 50  # images, not counted
_SINGLES = 1000
_PATIENCE = 5.0  # seconds for the single images, and for the passes over all
_PASSES = 3


def main() -> int:
    """Measure; an expected failure is one line on stderr."""
    asked = json.loads(sys.stdin.read())
    try:
        print(json.dumps(_measure(asked)))  # noqa: T201 - the parent reads it
    except MnistError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


def _measure(asked: dict[str, Any]) -> dict[str, Any]:
    part = load_part(asked["source"], "test")
    opener = _opener(asked["reader"], asked["threads"])
    images = scale(part.images)
    began = time.perf_counter()
    runtime = opener(Path(asked["path"]))
    runtime.scores(images[:1])
    load = time.perf_counter() - began
    singles = _singles(runtime, images) if asked["singles"] else []
    seconds = _pass(runtime, images)
    found: dict[str, Any] = {
        "load_ms": 1000 * load,
        "images_per_second": len(part) / seconds,
    }
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
    from mnist_pipeline.prediction import runtimes

    for package in [runtimes.PACKAGES[reader]] if reader in runtimes.PACKAGES else []:
        __import__("ai_edge_litert.interpreter" if package == "ai_edge_litert" else package)
    return lambda path: runtimes.open_runtime(path, reader, threads)  # type: ignore[arg-type] # a Name, come as JSON


def _singles(runtime: Any, images: NDArray[np.float32]) -> list[float]:
    """Seconds for one image after another, each another one, prepared beforehand."""
    spent: list[float] = []
    until = time.perf_counter() + _PATIENCE
    for number in range(_WARM + _SINGLES):
        at = number % len(images)
        inputs = runtime.prepare(images[at : at + 1])
        began = time.perf_counter()
        runtime.compute(inputs)
        ended = time.perf_counter()
        if number >= _WARM:
            spent.append(ended - began)
        if ended > until and len(spent) > _WARM:
            break
    return spent


def _pass(runtime: Any, images: NDArray[np.float32]) -> float:
    """Median seconds of a pass over all images, prepared beforehand."""
    batches = [runtime.prepare(images[at : at + _BATCH]) for at in range(0, len(images), _BATCH)]
    runtime.compute(batches[0])
    spent: list[float] = []
    while len(spent) < _PASSES or (len(spent) < 10 * _PASSES and sum(spent) < _PATIENCE / 5):
        began = time.perf_counter()
        for batch in batches:
            runtime.compute(batch)
        spent.append(time.perf_counter() - began)
    return float(np.median(spent))


if __name__ == "__main__":
    sys.exit(main())
