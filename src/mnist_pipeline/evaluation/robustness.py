"""What a model makes of the test images once they are corrupted: figures for each of the fifteen ways, and a plot.

A model is given the pixels, as in its training. Its accuracy is that of the likeliest class, refused or not, and so
means the same for every model. One that refuses has two shares more: what it refuses, and what it answers wrongly,
where doubtful images are reconsidered as in a prediction.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.data import Part
from mnist_pipeline.evaluation.corruptions import CORRUPTIONS, corrupted
from mnist_pipeline.evaluation.metrics import images_for, images_of
from mnist_pipeline.evaluation.plots.comparisons import corruptions
from mnist_pipeline.prediction.prediction import reconsidered
from mnist_pipeline.prediction.predictor import Predictor, file_predictor, predictor
from mnist_pipeline.prediction.runtimes import RuntimeName
from mnist_pipeline.prediction.shipping import SHIPPED, ShippedRun
from mnist_pipeline.runs.results import Corrupted, CorruptionRow
from mnist_pipeline.runs.run import Run


def corrupt_run(run: Run) -> Corrupted:
    """Measure a run's model, or the shipped one; its figures go into metrics.json, its plot into plots/."""
    model = predictor(SHIPPED if isinstance(run, ShippedRun) else run, "quickest")
    figures = _figures(model, images_of(run))
    corruptions(figures["rows"], figures["clean"], figures["mean"], run.plots / "corruptions.png", run.name)
    run.add_metrics(Corrupted.stage, figures)
    return Corrupted(run=run.path, name=run.name, **figures)


def corrupt_file(path: Path, runtime: RuntimeName | None) -> Corrupted:
    """Measure a model file, of which nothing is written."""
    model = file_predictor(path, runtime or "quickest")
    return Corrupted(model=str(path), **_figures(model, images_for(path)))


def _figures(model: Predictor, part: Part) -> dict[str, Any]:
    """The accuracy on the images as they are, a row for each way, and the mean accuracy of the ways."""
    rows = [_row(way, model, corrupted(part.images, way), part.labels) for way in CORRUPTIONS]
    return {
        "n": len(part), "threshold": model.threshold,
        "clean": _row("", model, part.images, part.labels)["accuracy"],
        "rows": rows, "mean": float(np.mean([row["accuracy"] for row in rows])), "data_sha256": part.sha256,
    }  # fmt: skip


def _row(way: str, model: Predictor, images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> CorruptionRow:
    shares = model.probabilities(images)
    answers = reconsidered(shares, images, model.probabilities) if model.threshold else shares
    refused = answers.max(axis=1) < model.threshold
    wrong = (answers.argmax(axis=1) != labels) & ~refused
    return {
        "corruption": way, "accuracy": float((shares.argmax(axis=1) == labels).mean()),
        "refused": float(refused.mean()), "wrong": float(wrong.mean()),
    }  # fmt: skip
