"""A trained and evaluated run put into the package as the model that comes with it: `make shipped`."""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from mnist_pipeline.errors import MnistError, RunError
from mnist_pipeline.prediction.shipping import FACTS, FOLDER, MODEL
from mnist_pipeline.runs.files import whole, write_json
from mnist_pipeline.runs.opening import open_run
from mnist_pipeline.runs.run import Run

LARGEST = 1_500_000  # bytes of the ONNX file


def ship(where: str | Path | Run, folder: Path = FOLDER) -> Path:
    """Copy a trained and evaluated run's model and facts into the package; gives the ONNX file's new path."""
    run = open_run(where)
    onnx, facts = run.onnx_file.read_bytes(), _facts(run)
    if len(onnx) > LARGEST:
        raise RunError(f"{run.onnx_file}: has {len(onnx):,} bytes; what is shipped has at most {LARGEST:,}")
    path = folder / MODEL
    with whole(path) as beside:
        beside.write_bytes(onnx)
    write_json(folder / FACTS, {**facts, "sha256": hashlib.sha256(onnx).hexdigest(), "bytes": len(onnx)})
    return path


def _facts(run: Run) -> dict[str, Any]:
    trained, evaluated, environment = run.figures("train"), run.figures("evaluate"), run.environment()
    if trained["weights_sha256"] != evaluated["weights_sha256"]:
        raise RunError(f"{run.path}: was evaluated with other weights: mnist evaluate {run.path}")
    try:
        refusal = dict(json.loads(run.refusal_file.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        raise RunError(f"{run.path}: has no refusal.json: its recipe needs data.rendering with negatives") from None
    return {
        "name": run.config().name,
        "seed": run.config().training.seed,
        **{figure: trained[figure] for figure in ("weights_sha256", "parameters", "val_accuracy", "finished")},
        **{figure: evaluated[figure] for figure in ("test_accuracy", "test_loss", "ece", "n")},
        "refusal": refusal,
        "config": run.config().tree(),
        "versions": environment["versions"],
        "processor": environment["processor"]["model"],
    }


if __name__ == "__main__":
    try:
        print(ship(sys.argv[1]))
    except MnistError as error:
        sys.exit(str(error))
