"""The cost of each exported form of a run: size, time to load, latency and throughput.

Each row is measured in fresh processes, one for each number of threads, so that no library warms up or slows another.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

from mnist_pipeline.errors import RunError
from mnist_pipeline.exports.forms import FORMS, missing
from mnist_pipeline.process import command
from mnist_pipeline.runs.run import Run
from mnist_pipeline.runs.watching import Watcher

_THREADS = (1, 2)


def measure_run(run: Run, watcher: Watcher) -> dict[str, Any]:
    """`rows`: Keras, then each form on the card by each of its readers; `left_out`: forms that lack a package."""
    card = run.export_card()
    source = card["data"]["source"]
    keras = {"accuracy": card["keras"]["test_accuracy"], "agreement": 1.0, "ties": 0}
    rows = [measure_file("keras", "keras", run.model_file, source, watcher) | keras]
    for name, form in card["forms"].items():
        if name == "c-array":  # the bytes of litert-int8
            continue
        path = run.exports / FORMS[name].files[0]
        for check in form["checks"]:
            proven = {key: check[key] for key in keras}
            rows.append(measure_file(name, check["reader"], path, source, watcher) | proven)
    left_out = [
        f"{form.name}: takes {' and '.join(missing(form))}: pip install 'mnist-pipeline[export]'"
        for form in FORMS.values()
        if missing(form)
    ]
    return {"rows": rows, "left_out": left_out}


def measure_file(form: str, reader: str, path: Path, source: str, watcher: Watcher) -> dict[str, Any]:
    """Size and speed of one file with one reader, on the test images of a source."""
    watcher.note(f"{form} ({reader})")
    asked = {"reader": reader, "path": str(path), "source": source}
    found = {threads: _in_worker({**asked, "threads": threads, "singles": threads == 1}) for threads in _THREADS}
    files = path.rglob("*") if path.is_dir() else [path]
    speeds = {str(threads): numbers["images_per_second"] for threads, numbers in found.items()}
    size = sum(file.stat().st_size for file in files if file.is_file())
    return {"form": form, "reader": reader, "bytes": size, **found[1], "images_per_second": speeds}


def _in_worker(asked: dict[str, Any]) -> dict[str, Any]:
    answer = subprocess.run(  # noqa: S603 - words of our own, no shell
        command("exports.bench_worker"),
        input=json.dumps(asked), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if answer.returncode:
        lines = answer.stderr.strip().splitlines() or [f"exit code {answer.returncode}"]
        raise RunError(f"{asked['path']}: cannot be measured with {asked['reader']} ({lines[-1]})")
    found: dict[str, Any] = json.loads(answer.stdout)
    return found
