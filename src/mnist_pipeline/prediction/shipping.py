"""A trained and evaluated run into the package, as the model that answers before anything is trained.

`make shipped` calls it as `python -m mnist_pipeline.prediction.shipping RUN`.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from mnist_pipeline.errors import MnistError, RunError
from mnist_pipeline.prediction.shipped import FOLDER, NAME
from mnist_pipeline.runs.files import whole, write_json
from mnist_pipeline.runs.opening import open_run
from mnist_pipeline.runs.run import Run

_LARGEST = 1_500_000  # bytes


def ship(where: str | Path | Run, folder: Path = FOLDER) -> Path:
    """Write the run's ONNX and what is known of it; gives the ONNX's place in the package."""
    run = open_run(where)
    onnx, facts = run.onnx_file.read_bytes(), facts_of(run)
    if len(onnx) > _LARGEST:
        raise RunError(f"{run.onnx_file}: has {len(onnx):,} bytes; what is shipped has at most {_LARGEST:,}")
    place = folder / f"{NAME}.onnx"
    with whole(place) as beside:
        beside.write_bytes(onnx)
    write_json(folder / f"{NAME}.json", {**facts, "sha256": hashlib.sha256(onnx).hexdigest(), "bytes": len(onnx)})
    return place


def facts_of(run: Run) -> dict[str, Any]:
    """The numbers of a run that judge its model, its whole config, and what it was made with."""
    trained, evaluated, environment = run.figures("train"), run.figures("evaluate"), run.environment()
    if trained["weights_sha256"] != evaluated["weights_sha256"]:
        raise RunError(f"{run.path}: was evaluated with other weights: mnist evaluate {run.path}")
    return {
        "name": run.config().name,
        "seed": run.config().training.seed,
        "weights_sha256": trained["weights_sha256"],
        "parameters": trained["parameters"],
        "val_accuracy": trained["val_accuracy"],
        **{figure: evaluated[figure] for figure in ("test_accuracy", "test_loss", "ece", "n")},
        "refusal": _refusal(run),
        "config": run.config().tree(),
        "versions": environment["versions"],
        "processor": environment["processor"]["model"],
    }


def _refusal(run: Run) -> dict[str, Any]:
    try:
        return dict(json.loads(run.refusal_file.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        raise RunError(f"{run.path}: has no refusal.json: its recipe needs data.rendering with negatives") from None


def main() -> int:
    """The one word is a run; an expected failure is one line on stderr."""
    try:
        print(ship(sys.argv[1] if len(sys.argv) > 1 else NAME))  # noqa: T201 - this module is its own command line
    except MnistError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
