"""The model that comes with the package: read and checked here, and put there by `make shipped`.

Its two files lie in shipped/: photo.onnx, and photo.json, which holds the file's digest, its config and its figures.
Maintainers call this module as `python -m mnist_pipeline.prediction.shipping RUN`.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

from mnist_pipeline.errors import MnistError, RunError
from mnist_pipeline.packages import installed_as
from mnist_pipeline.runs.files import whole, write_json
from mnist_pipeline.runs.opening import open_run
from mnist_pipeline.runs.run import Run

FOLDER = Path(__file__).parent / "shipped"
LARGEST = 1_500_000  # bytes of the ONNX file
_NAME = "photo"
SHIPPED = "shipped"  # the name of the run that nobody has to train


class Shipped(NamedTuple):
    """The shipped model's ONNX file, and the facts about it."""

    path: Path
    facts: dict[str, Any]


def shipped(folder: Path = FOLDER) -> Shipped:
    """The shipped model, once its file is seen to be the one that the facts are about."""
    path = folder / f"{_NAME}.onnx"
    try:
        facts = json.loads((folder / f"{_NAME}.json").read_text(encoding="utf-8"))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except (OSError, ValueError) as error:
        raise RunError(f"{folder}: the shipped model cannot be read ({error}): reinstall {installed_as()}") from None
    if not isinstance(facts, dict) or digest != facts.get("sha256"):
        raise RunError(f"{path}: is not the shipped model (its sha256 differs): reinstall {installed_as()}")
    return Shipped(path, facts)


def ship(where: str | Path | Run, folder: Path = FOLDER) -> Path:
    """Copy a trained and evaluated run's model and facts into the package; gives the ONNX file's new path."""
    run = open_run(where)
    onnx, facts = run.onnx_file.read_bytes(), _facts(run)
    if len(onnx) > LARGEST:
        raise RunError(f"{run.onnx_file}: has {len(onnx):,} bytes; what is shipped has at most {LARGEST:,}")
    path = folder / f"{_NAME}.onnx"
    with whole(path) as beside:
        beside.write_bytes(onnx)
    write_json(folder / f"{_NAME}.json", {**facts, "sha256": hashlib.sha256(onnx).hexdigest(), "bytes": len(onnx)})
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
        **{figure: trained[figure] for figure in ("weights_sha256", "parameters", "val_accuracy")},
        **{figure: evaluated[figure] for figure in ("test_accuracy", "test_loss", "ece", "n")},
        "refusal": refusal,
        "config": run.config().tree(),
        "versions": environment["versions"],
        "processor": environment["processor"]["model"],
    }


if __name__ == "__main__":
    try:
        print(ship(sys.argv[1]))  # noqa: T201 - this module is its own command line
    except MnistError as error:
        sys.exit(str(error))
