"""The cost of each exported form of a run: size, time to load, latency and throughput.

Each row is measured in fresh processes, one for each number of threads, so that no library warms up or slows another.
The process is this module run by itself: what to measure comes as JSON on stdin, the numbers go out on stdout. Images
are prepared beforehand, so that the time is the reader's alone.
"""

import importlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.data import load_part
from mnist_pipeline.errors import MnistError, RunError
from mnist_pipeline.exports.forms import FORMS, left_out
from mnist_pipeline.pixels.preprocess import scale
from mnist_pipeline.prediction.foreign import vet
from mnist_pipeline.prediction.runtimes import made_here
from mnist_pipeline.process import command
from mnist_pipeline.runs.run import Run
from mnist_pipeline.runs.watching import Watcher

_THREADS = (1, 2)


def measure_run(run: Run, watcher: Watcher) -> dict[str, Any]:
    """`rows`: Keras, then each form on the card by each of its readers; `left_out`: forms that lack a package."""
    card = run.export_card()
    source = card["data"]["source"]
    keras = {"accuracy": card["keras"]["test_accuracy"], "agreement": 1.0, "ties": 0}
    rows = [measure_file("keras", "keras", run.model_file, source, watcher) | keras] if run.model_file.is_file() else []
    for name, form in card["forms"].items():
        path = run.exports / FORMS[name].files[0]
        for check in form["checks"]:
            # A SavedModel from elsewhere can be any program.
            if not FORMS[name].measured or (check["reader"] == "tensorflow" and not made_here(path)):
                continue
            proven = {key: check[key] for key in keras}
            rows.append(measure_file(name, check["reader"], path, source, watcher) | proven)
    lacking = left_out()
    if not made_here(run.exports):
        lacking.append("saved-model: lies outside the artifacts folder, and its graph may write files")
    return {"rows": rows, "left_out": lacking}


def measure_file(form: str, reader: str, path: Path, source: str, watcher: Watcher) -> dict[str, Any]:
    """Size and speed of one file with one reader, on the test images of a source."""
    watcher.note(f"{form} ({reader})")
    asked = {"reader": reader, "path": str(path), "source": source}
    found = {threads: _in_worker({**asked, "threads": threads}) for threads in _THREADS}
    files = path.rglob("*") if path.is_dir() else [path]
    speeds = {str(threads): numbers["images_per_second"] for threads, numbers in found.items()}
    size = sum(file.stat().st_size for file in files if file.is_file())
    return {"form": form, "reader": reader, "bytes": size, **found[1], "images_per_second": speeds}


def _in_worker(asked: dict[str, Any]) -> dict[str, Any]:
    answer = subprocess.run(  # noqa: S603 - words of our own, no shell
        command("exports.bench"), input=json.dumps(asked), capture_output=True, text=True, check=False
    )
    if answer.returncode:
        lines = answer.stderr.strip().splitlines() or [f"exit code {answer.returncode}"]
        raise RunError(f"{asked['path']}: cannot be measured with {asked['reader']} ({lines[-1]})")
    return dict(json.loads(answer.stdout))


_BATCH = 500  # images
_WARM_UP, _SINGLES = 50, 1000  # single images: not counted, counted
_PATIENCE = 5.0  # seconds after which no further single image is taken
_PASSES = 3  # over all images, at least; up to ten times as many as long as they take less than a second


def _measure(reader: str, path: Path, source: str, threads: int) -> dict[str, Any]:
    """The speed of a file with one reader; that of single images with one thread alone."""
    opener = _opener(reader, path, threads)
    images = scale(load_part(source, "test").images)
    began = time.perf_counter()
    runtime = opener(path)
    runtime.scores(images[:1])
    found: dict[str, Any] = {"load_ms": 1000 * (time.perf_counter() - began)}
    if threads == 1:
        singles = 1000 * np.array(_time_singles(runtime, images))
        median, p99 = np.percentile(singles, [50, 99]).tolist()
        found["one_image_ms"] = {"median": median, "p99": p99, "n": len(singles)}
    return found | {"images_per_second": len(images) / _time_pass(runtime, images)}


def _opener(reader: str, path: Path, threads: int) -> Any:
    """The function that loads a file, its library imported already: a server imports once and loads many."""
    if reader in ("keras", "tensorflow"):
        from mnist_pipeline.exports.proof import KerasRuntime, SavedModelRuntime
        from mnist_pipeline.training import backend, keras_file

        backend.start(threads)
        if reader == "tensorflow":
            return SavedModelRuntime
        keras_file.vet(path)
        return lambda path: KerasRuntime(keras_file.load_plain(path))
    from mnist_pipeline.prediction.runtimes import open_runtime

    vet(path, reader)  # type: ignore[arg-type] # a RuntimeName, come as JSON
    if reader != "opencv":
        importlib.import_module({"litert": "ai_edge_litert.interpreter"}.get(reader, reader))
    return lambda path: open_runtime(path, reader, threads)  # type: ignore[arg-type]


def _time_singles(runtime: Any, images: NDArray[np.float32]) -> list[float]:
    """Seconds for one image after another, each another one."""
    spent: list[float] = []
    until = time.perf_counter() + _PATIENCE
    while len(spent) < _WARM_UP + _SINGLES and (len(spent) <= 2 * _WARM_UP or time.perf_counter() < until):
        inputs = runtime.prepare(images[len(spent) % len(images)][None])
        began = time.perf_counter()
        runtime.compute(inputs)
        spent.append(time.perf_counter() - began)
    return spent[_WARM_UP:]


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
    asked = json.loads(sys.stdin.read())
    try:
        sys.stdout.write(json.dumps(_measure(**asked | {"path": Path(asked["path"])})))
    except MnistError as refusal:
        sys.exit(str(refusal))
