"""The train stage: images in; network, numbers and history in the run folder."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.config.schema import Config
from mnist_pipeline.data import Part, validation_indices
from mnist_pipeline.data.own import mix
from mnist_pipeline.runs.files import write_csv, write_json
from mnist_pipeline.runs.run import Run
from mnist_pipeline.runs.watching import Watcher
from mnist_pipeline.training import backend
from mnist_pipeline.training.checkpoints import Checkpoints
from mnist_pipeline.training.fit import Fitted, fit
from mnist_pipeline.training.keras_file import weights_sha256
from mnist_pipeline.training.material import Material
from mnist_pipeline.training.means import mean_of, views_of
from mnist_pipeline.training.models import in_bfloat16
from mnist_pipeline.training.saving import save_keras, save_onnx
from mnist_pipeline.training.scoring import calibrate, choose_threshold, validated


def train_run(run: Run, config: Config, material: Material, watcher: Watcher) -> None:
    """Train to the end, then write every file; metrics.json last, which says that the run is whole."""
    settings, store, part = config.training, Checkpoints(run.checkpoints), material.images
    backend.start(settings.threads)
    rows = validation_indices(part.labels, config.data.validation, config.data.split_seed)
    training, validation = split(part, rows)
    if material.own and config.data.own:
        training = mix(training, material.own, config.data.own)
    if settings.precision == "bfloat16" and not in_bfloat16(settings):
        watcher.note("this processor does not multiply bfloat16: computed in float32, which is quicker here")
    fitted = fit(config, training, validation, store, watcher, material.start)
    views = views_of(fitted.model, config.views)
    model = mean_of(views, fitted.model.name)  # what answers; whatever is chosen or told from here on is about it
    factor = calibrate(views, fitted.model, config, validation) if settings.calibrate else None
    refuses = config.data.rendering and config.data.rendering.negatives
    refusal = choose_threshold(model, config, validation) if refuses else None

    write_json(run.split_file, {"seed": config.data.split_seed, "validation": rows.tolist()})
    _write_history(run, fitted.history)
    save_keras(model, run.model_file)
    save_onnx(model, run.onnx_file)
    if refusal:
        write_json(run.refusal_file, refusal)
    numbers = _numbers(config, material, fitted) | ({"sharpness": factor} if factor else {})
    if len(views) > 1 and len(validation):
        numbers |= validated(model, config, validation)  # in the place of those of the network that was trained
    run.add_metrics("train", numbers)
    store.clear()


def split(part: Part, rows: NDArray[np.int64]) -> tuple[Part, Part]:
    """The images to train on, and those of the given rows, to validate on."""
    training = Part(np.delete(part.images, rows, axis=0), np.delete(part.labels, rows), part.classes)
    return training, Part(part.images[rows], part.labels[rows], part.classes)


def _write_history(run: Run, history: dict[str, list[float]]) -> None:
    """Write the epochs' figures as JSON for programs and CSV for spreadsheets."""
    write_json(run.history_file, history)
    epochs = ([epoch, *figures] for epoch, figures in enumerate(zip(*history.values(), strict=True), start=1))
    write_csv(run.history_file.with_suffix(".csv"), [["epoch", *history], *epochs])


def _numbers(config: Config, material: Material, fitted: Fitted) -> dict[str, Any]:
    kept = (fitted.best_epoch or len(fitted.history["loss"])) - 1
    figures = {name: values[kept] for name, values in fitted.history.items()}
    return {
        "seed": config.training.seed, "epochs": len(fitted.history["loss"]), "best_epoch": fitted.best_epoch,
        "steps": fitted.steps, "train_seconds": round(fitted.seconds, 3),
        "train_loss": figures["loss"], "train_accuracy": figures["accuracy"],
        "val_loss": figures.get("val_loss"), "val_accuracy": figures.get("val_accuracy"),
        "parameters": fitted.model.count_params(), "weights_sha256": weights_sha256(fitted.model),
        **material.digests(), "finished": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }  # fmt: skip
