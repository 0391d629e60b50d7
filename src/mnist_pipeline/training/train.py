"""The train stage: images in; model, numbers and history in the run folder."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

from mnist_pipeline.config import Config
from mnist_pipeline.data import Part
from mnist_pipeline.runs.files import write_json, write_text
from mnist_pipeline.runs.run import Run
from mnist_pipeline.runs.watching import Watcher
from mnist_pipeline.training import backend, confidence, scoring
from mnist_pipeline.training.checkpoints import Checkpoints
from mnist_pipeline.training.fit import Fitted, fit, weights_sha256
from mnist_pipeline.training.keras_file import save_keras
from mnist_pipeline.training.saving import save_onnx


def train_run(run: Run, config: Config, part: Part, watcher: Watcher) -> None:
    """Train to the end, then write every file; the numbers last, for they say that the run is whole."""
    backend.start(config.training.threads)
    store = Checkpoints(run.checkpoints)
    fitted = fit(config, part, store, watcher)
    factor = _calibrated(config, part, fitted)
    write_json(run.split_file, {"seed": config.data.split_seed, "validation": fitted.validation.tolist()})
    _write_history(run, fitted.history)
    save_keras(fitted.model, run.model_file)
    save_onnx(fitted.model, run.onnx_file)
    if config.data.rendering and config.data.rendering.negatives:
        write_json(run.refusal_file, confidence.choose_threshold(fitted.model, config, part, fitted.validation))
    run.add_metrics("train", _numbers(config, part, fitted) | ({"sharpness": factor} if factor else {}))
    store.clear()


def _calibrated(config: Config, part: Part, fitted: Fitted) -> float | None:
    """Scale the model's scores where the config says so; the factor."""
    if not config.training.calibrate:
        return None
    validating = Part(part.images[fitted.validation], part.labels[fitted.validation])
    probabilities, _ = scoring.score(fitted.model, config, validating)
    factor = confidence.sharpness(probabilities, validating.labels)
    confidence.fold(fitted.model, factor)
    return factor


def _numbers(config: Config, part: Part, fitted: Fitted) -> dict[str, Any]:
    kept = (fitted.best_epoch or len(fitted.history["loss"])) - 1
    figures = {name: values[kept] for name, values in fitted.history.items()}
    return {
        "seed": config.training.seed,
        "epochs": len(fitted.history["loss"]),
        "best_epoch": fitted.best_epoch,
        "steps": fitted.steps,
        "train_seconds": round(fitted.seconds, 3),
        "train_loss": figures["loss"],
        "train_accuracy": figures["accuracy"],
        "val_loss": figures.get("val_loss"),
        "val_accuracy": figures.get("val_accuracy"),
        "parameters": fitted.model.count_params(),
        "weights_sha256": weights_sha256(fitted.model),
        "data_sha256": part.sha256,
        "finished": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }


def _write_history(run: Run, history: dict[str, list[float]]) -> None:
    """The epochs' figures as JSON for programs and CSV for spreadsheets."""
    write_json(run.history_file, history)
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(["epoch", *history])
    rows.writerows([epoch, *figures] for epoch, figures in enumerate(zip(*history.values(), strict=True), start=1))
    write_text(run.history_file.with_suffix(".csv"), table.getvalue())
