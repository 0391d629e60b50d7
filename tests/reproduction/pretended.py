"""Runs of a recipe that only look trained and evaluated, and a band to check them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.config.schema import Config
from mnist_pipeline.data import Part
from mnist_pipeline.runs.opening import begin
from mnist_pipeline.runs.run import Run
from tests.samples import EVALUATED, TRAINED

DATA = Part(np.zeros((10, 28, 28), np.uint8), np.arange(10, dtype=np.uint8))  # that they were trained and tested on
ACCURACIES = (0.970, 0.971, 0.969)


ENVIRONMENT = {
    "versions": {"tensorflow": "2.21.0", "keras": "3.15.1"}, "python": "3.11.7", "processor": {"model": "A"},
    "threads": 1,
}  # fmt: skip


BAND = {"n": 20, "test_accuracy": {"mean": 0.97, "sd": 0.001}, "test_loss": {"mean": 0.13, "sd": 0.01}}


def pretend(config: Config, accuracy: float, weights: str = "a" * 64, loss: float = 0.13, **facts: Any) -> Run:
    """A run folder that looks trained and evaluated."""
    run = begin(config, ENVIRONMENT | facts)
    run.model_file.write_text(f"keras {weights}")
    run.onnx_file.write_text(f"onnx {weights}")
    digests = {"weights_sha256": weights, "data_sha256": DATA.sha256}
    run.add_metrics("train", TRAINED | {"seed": config.training.seed} | digests)
    per_class = [row | {"accuracy": accuracy} for row in EVALUATED["per_class"]]
    figures = {"test_accuracy": accuracy, "test_loss": loss, "per_class": per_class}
    run.add_metrics("evaluate", EVALUATED | figures | digests)
    return run


def pretend_seeds(path: Path, accuracies: Sequence[float] = ACCURACIES, **figures: Any) -> None:
    for seed, accuracy in enumerate(accuracies):
        pretend(load_config(path, seed=seed), accuracy, **figures)
