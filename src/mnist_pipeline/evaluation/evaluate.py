"""The evaluate stage: a trained run over the test images; numbers and pictures into the run folder."""

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.data import Part, load_part
from mnist_pipeline.evaluation import plots
from mnist_pipeline.evaluation.metrics import Metrics, measure
from mnist_pipeline.evaluation.plots.network import Layer
from mnist_pipeline.prediction.runtimes import normalised
from mnist_pipeline.runs.run import Run
from mnist_pipeline.training import backend, scoring
from mnist_pipeline.training.backend import keras
from mnist_pipeline.training.fit import weights_sha256
from mnist_pipeline.training.keras_file import load_model


def evaluate_run(run: Run, pictures: bool) -> None:
    """Look at the test images once, draw where pictures are wanted, write the numbers."""
    config, history = run.config(), run.history() if pictures else {}
    part = load_part(config.data.source, "test")
    backend.start()
    model = load_model(run.model_file)
    outputs, loss = scoring.outputs(model, config, part)
    probabilities = normalised(outputs, config.model.output)
    metrics = measure(probabilities, part.labels, loss)
    digests = {"weights_sha256": weights_sha256(model), "data_sha256": part.sha256}
    if pictures:
        _draw(run, describe(model), history, part, probabilities, metrics)
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


def describe(model: keras.Model) -> list[Layer]:
    """Name, kind, output shape and parameters of each layer, in order."""
    return [
        Layer(layer.name, type(layer).__name__, tuple(layer.output.shape[1:]), layer.count_params())
        for layer in model.layers
        if not isinstance(layer, keras.layers.InputLayer)
    ]
