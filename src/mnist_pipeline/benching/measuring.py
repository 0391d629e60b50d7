"""Every form of a run, one fresh process after another, and what came out as rows."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from mnist_pipeline.errors import RunError
from mnist_pipeline.exports.forms import FORMS, missing
from mnist_pipeline.runs import Run
from mnist_pipeline.runtimes import installed
from mnist_pipeline.watching import Watcher

THREADS = (1, 2)


def measure_run(run: Run, watcher: Watcher) -> dict[str, Any]:
    """A row for Keras, and one for each form and each library that reads it; and what had to be left out, in words."""
    source = run.config().data.source
    rows, left_out = [], []
    keras = _row("keras", "keras", run.model_file, source, watcher)
    for name, form in FORMS.items():
        if name == "c-array":  # the bytes of litert-int8
            continue
        if missing(form):
            left_out.append(f"{name}: takes {' and '.join(missing(form))}: pip install 'mnist-pipeline[export]'")
            continue
        readers = [reader for reader in form.readers if reader == "tensorflow" or installed(reader)]
        rows += [_row(name, reader, run.exports / form.files[0], source, watcher) for reader in readers]
    return {"rows": [_finished(row, keras) for row in [keras, *rows]], "left_out": left_out}


def _row(form: str, reader: str, path: Path, source: str, watcher: Watcher) -> dict[str, Any]:
    watcher.note(f"{form} ({reader})")
    asked = {"reader": reader, "path": str(path), "source": source}
    found = [_process({**asked, "threads": threads, "singles": threads == 1}) for threads in THREADS]
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    return {
        "form": form,
        "reader": reader,
        "bytes": sum(file.stat().st_size for file in files),
        **found[0],
        "images_per_second": {
            str(threads): figures["images_per_second"] for threads, figures in zip(THREADS, found, strict=True)
        },
    }


def _process(asked: dict[str, Any]) -> dict[str, Any]:
    answer = subprocess.run(
        [sys.executable, "-m", "mnist_pipeline.benching.worker"],
        input=json.dumps(asked), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if answer.returncode:
        lines = answer.stderr.strip().splitlines() or [f"exit code {answer.returncode}"]
        raise RunError(f"{asked['path']}: cannot be measured with {asked['reader']} ({lines[-1]})")
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def _finished(row: dict[str, Any], keras: dict[str, Any]) -> dict[str, Any]:
    """Answers become the two figures that they are for."""
    answers = np.array(row["answers"])
    return {key: value for key, value in row.items() if key not in ("answers", "labels")} | {
        "accuracy": float((answers == np.array(row["labels"])).mean()),
        "agreement": float((answers == np.array(keras["answers"])).mean()),
    }
