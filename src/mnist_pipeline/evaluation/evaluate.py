"""The evaluation of a trained run on the test images: its numbers into metrics.json, its plots into plots/."""

from dataclasses import replace

import numpy as np

from mnist_pipeline.evaluation.metrics import compute_metrics, images_of
from mnist_pipeline.evaluation.plots import charts, images
from mnist_pipeline.prediction.runtimes import normalised
from mnist_pipeline.runs.run import Run
from mnist_pipeline.training import backend, scoring
from mnist_pipeline.training.backend import keras
from mnist_pipeline.training.keras_file import load_model, weights_sha256


def evaluate_run(run: Run, with_plots: bool) -> None:
    """Run the model over the test images once, draw the plots where they are wanted, then write the numbers."""
    config = run.config()
    history = run.history() if with_plots else {}  # first, because a damaged file is refused at once
    part = images_of(run)
    backend.start()
    model = load_model(run)
    outputs, loss = scoring.outputs(model, config, part)
    probabilities = normalised(outputs, config.model.output)
    metrics = compute_metrics(probabilities, part.labels, loss, part.classes)
    if with_plots:
        if history:
            charts.curves(history, run.plots / "curves.png")
        charts.confusion(np.array(metrics.confusion), run.plots / "confusion.png", run.name, part.classes)
        charts.architecture(describe(model), run.plots / "architecture.png", run.name)
        images.answers(part, probabilities, run.plots)
    metrics = replace(metrics, weights_sha256=weights_sha256(model), data_sha256=part.sha256)
    run.add_metrics("evaluate", metrics.tree())


def describe(model: keras.Model) -> list[charts.Layer]:
    """Name, kind, output shape and parameters of each layer behind the input, in order."""
    return [
        charts.Layer(layer.name, type(layer).__name__, tuple(layer.output.shape[1:]), layer.count_params())
        for layer in model.layers
        if not isinstance(layer, keras.layers.InputLayer)
    ]
