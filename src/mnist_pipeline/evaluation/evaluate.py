"""The evaluate stage: a trained run over the test images; numbers and pictures into the run folder."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.data import Part, load_part
from mnist_pipeline.evaluation import plots
from mnist_pipeline.evaluation.metrics import Metrics, measure
from mnist_pipeline.evaluation.plots.network import Layer
from mnist_pipeline.prediction.runtimes import Name, made_here, open_runtime, output_of, probabilities
from mnist_pipeline.runs.run import Run
from mnist_pipeline.training import backend, models, scoring
from mnist_pipeline.training.fit import weights_sha256


def evaluate_run(run: Run, pictures: bool) -> None:
    """Look at the test images once, draw where pictures are wanted, write the numbers."""
    config, history = run.config(), run.history() if pictures else {}
    part = load_part(config.data.source, "test")
    backend.start()
    model = scoring.load_model(run.model_file)
    probabilities, loss = scoring.score(model, config, part)
    metrics = measure(probabilities, part.labels, loss)
    digests = {"weights_sha256": weights_sha256(model), "data_sha256": part.sha256}
    if pictures:
        _draw(run, models.describe(model), history, part, probabilities, metrics)
    run.add_metrics("evaluate", metrics.tree() | digests)


def _draw(
    run: Run,
    layers: list[Layer],
    history: dict[str, list[float]],
    part: Part,
    probabilities: NDArray[np.float32],
    metrics: Metrics,
) -> None:
    answers, confidences = probabilities.argmax(axis=1), probabilities.max(axis=1)
    plots.confusion(np.array(metrics.confusion), run.plots / "confusion.png", run.name)
    plots.samples(part.images, part.labels, answers, confidences, run.plots / "samples.png")
    plots.mistakes(part.images, part.labels, answers, confidences, run.plots / "mistakes.png")
    plots.curves(history, run.plots / "curves.png")
    plots.architecture(layers, run.plots / "architecture.png", run.name)


_LEAST = 1e-7  # as Keras clips a probability before it takes the logarithm


def evaluate_file(path: Path, name: Name | None) -> dict[str, Any]:
    """The figures of a model file; its loss is the cross-entropy of the normalised probabilities."""
    runtime = open_runtime(path, name, foreign=not made_here(path))
    part = load_part("mnist", "test")
    found = probabilities(runtime, part.images, output_of(runtime))
    sure = found[np.arange(len(part)), part.labels].astype(np.float64)
    metrics = measure(found, part.labels, float(-np.log(np.maximum(sure, _LEAST)).mean()))
    return {"model": str(path), "runtime": runtime.name, **metrics.tree(), "data_sha256": part.sha256}
