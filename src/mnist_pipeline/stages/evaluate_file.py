"""An exported file over the test images, through the runtime that reads it and without TensorFlow."""

from pathlib import Path
from typing import Any

import numpy as np

from mnist_pipeline.data import load_part
from mnist_pipeline.evaluation import measure
from mnist_pipeline.prediction.runtimes import Name, made_here, open_runtime, output_of, probabilities

_LEAST = 1e-7  # as Keras clips a probability before it takes the logarithm


def evaluate_file(path: Path, name: Name | None) -> dict[str, Any]:
    """The figures of a model file; its loss is the cross-entropy of the normalised probabilities."""
    runtime = open_runtime(path, name, foreign=not made_here(path))
    part = load_part("mnist", "test")
    found = probabilities(runtime, part.images, output_of(runtime))
    sure = found[np.arange(len(part)), part.labels].astype(np.float64)
    metrics = measure(found, part.labels, float(-np.log(np.maximum(sure, _LEAST)).mean()))
    return {"model": str(path), "runtime": runtime.name, **metrics.tree(), "data_sha256": part.sha256}
