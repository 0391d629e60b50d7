"""The files of an ensemble: a network whose answer is the mean of its members', and numbers as a training has them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import fmean
from typing import Any

from mnist_pipeline.config.schema import Config
from mnist_pipeline.data import Part, load_part, validation_indices
from mnist_pipeline.runs.files import write_json
from mnist_pipeline.runs.run import Run
from mnist_pipeline.training import backend
from mnist_pipeline.training.backend import keras
from mnist_pipeline.training.keras_file import load_model, weights_sha256
from mnist_pipeline.training.means import joined
from mnist_pipeline.training.members import digests
from mnist_pipeline.training.saving import save_keras, save_onnx
from mnist_pipeline.training.scoring import choose_threshold, validated


def join_runs(run: Run, config: Config, members: Sequence[Run]) -> None:
    """Write every file of the ensemble; metrics.json last, which says that the run is whole."""
    data = config.data
    part = load_part(data.source, "train", data.classes, transposed=data.transposed)
    rows = validation_indices(part.labels, data.validation, data.split_seed)
    validation = Part(part.images[rows], part.labels[rows], part.classes)
    backend.start()
    model = joined([load_model(member) for member in members])
    refuses = data.rendering and data.rendering.negatives
    refusal = choose_threshold(model, config, validation) if refuses else None

    write_json(run.split_file, {"seed": data.split_seed, "validation": rows.tolist()})
    save_keras(model, run.model_file)
    save_onnx(model, run.onnx_file)
    if refusal:
        write_json(run.refusal_file, refusal)
    own = validated(model, config, validation) if len(validation) else {}
    run.add_metrics("train", _numbers(members, model) | own)


def _numbers(members: Sequence[Run], model: keras.Model) -> dict[str, Any]:
    """The members' trainings together: sums, and of loss and accuracy the mean."""
    trained = [member.figures("train") for member in members]
    sums = {name: sum(each[name] for each in trained) for name in ("epochs", "steps", "train_seconds")}
    means = {name: fmean(each[name] for each in trained) for name in ("train_loss", "train_accuracy")}
    return {
        "seed": None, "best_epoch": None, "val_loss": None, "val_accuracy": None,
        **sums, "train_seconds": round(sums["train_seconds"], 3), **means,
        "parameters": model.count_params(), "weights_sha256": weights_sha256(model),
        "data_sha256": trained[0]["data_sha256"], "members": digests(members),
        "finished": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }  # fmt: skip
