"""Every form of a run, one fresh process after another, and what came out as rows."""

import json
import subprocess
from pathlib import Path
from typing import Any

from mnist_pipeline.errors import RunError
from mnist_pipeline.exports.forms import FORMS, missing
from mnist_pipeline.process import command
from mnist_pipeline.runs.run import Run
from mnist_pipeline.runs.watching import Watcher

THREADS = (1, 2)


def measure_run(run: Run, watcher: Watcher) -> dict[str, Any]:
    """A row for Keras, one for each exported form and each library that reads it; and what is left out, in words."""
    card = run.export_card()
    keras = {"accuracy": card["keras"]["test_accuracy"], "agreement": 1.0, "ties": 0}
    source = card["data"]["source"]
    rows = [{**measured("keras", "keras", run.model_file, source, watcher), **keras}]
    for name, form in card["forms"].items():
        if name == "c-array":  # the bytes of litert-int8
            continue
        path = run.exports / FORMS[name].files[0]
        for check in form["checks"]:
            proven = {figure: check[figure] for figure in keras}
            rows.append({**measured(name, check["reader"], path, source, watcher), **proven})
    left_out = [
        f"{form.name}: takes {' and '.join(missing(form))}: pip install 'mnist-pipeline[export]'"
        for form in FORMS.values()
        if missing(form)
    ]
    return {"rows": rows, "left_out": left_out}


def measured(form: str, reader: str, path: Path, source: str, watcher: Watcher) -> dict[str, Any]:
    """Size and speed of one file with one library, on the test images of a source."""
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
    answer = subprocess.run(  # noqa: S603 - words of our own, no shell
        command("exports.bench_worker"),
        input=json.dumps(asked), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if answer.returncode:
        lines = answer.stderr.strip().splitlines() or [f"exit code {answer.returncode}"]
        raise RunError(f"{asked['path']}: cannot be measured with {asked['reader']} ({lines[-1]})")
    found: dict[str, Any] = json.loads(answer.stdout)
    return found
