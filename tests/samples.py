"""Runs to test with: some only look trained, some are really trained, in processes of their own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.prediction.shipping import shipped
from mnist_pipeline.runs.files import write_json
from mnist_pipeline.runs.opening import begin
from mnist_pipeline.runs.run import Run

# The numbers of a run that only looks trained and evaluated.
TRAINED: dict[str, Any] = {
    "seed": 7, "epochs": 2, "steps": 3750, "train_seconds": 2.5, "train_loss": 0.03, "train_accuracy": 0.99,
    "val_loss": None, "val_accuracy": None, "best_epoch": None, "parameters": 42310,
    "weights_sha256": "ab" * 32, "data_sha256": "cd" * 32, "finished": "2026-01-02T03:04:05+00:00",
}  # fmt: skip
_SCORES = {"precision": 0.9712, "recall": 0.9785, "f1": 0.9748, "n": 1000}
EVALUATED: dict[str, Any] = {
    "test_accuracy": 0.9785,
    "test_loss": 0.0812,
    "n": 10000,
    "per_class": [{"digit": d, "n": 1000, "right": 980 - d, "accuracy": (980 - d) / 1000} for d in range(10)],
    "confusion": [[0] * 10] * 10,
    "report": {str(digit): _SCORES for digit in range(10)} | {"macro": _SCORES, "weighted": _SCORES},
    "ece": 0.0123,
    "most_confused": [{"true": 4, "answer": 9, "n": 12}],
    "calibration": [{"from": 0.9333, "to": 1.0, "n": 9000, "confidence": 0.99, "accuracy": 0.985}],
    "weights_sha256": "ab" * 32,
    "data_sha256": "cd" * 32,
}
ENVIRONMENT: dict[str, Any] = {
    "versions": {"tensorflow": "2.21.0"}, "python": "3.11.7", "processor": {"model": "A"}, "threads": 1,
}  # fmt: skip
HISTORY = {"loss": [0.3, 0.1], "accuracy": [0.9, 0.97]}


def pretend(name: str, finished: str = TRAINED["finished"], settings: dict[str, Any] | None = None) -> Run:
    """A run that only looks trained and evaluated: it predicts, and has a report; nothing was computed for it."""
    run = begin(load_config("smoke", settings, name=name), ENVIRONMENT)
    run.onnx_file.write_bytes(shipped().path.read_bytes())
    write_json(run.history_file, HISTORY)
    write_json(run.refusal_file, {"threshold": 0.5})
    run.add_metrics("train", TRAINED | {"finished": finished})
    run.add_metrics("evaluate", EVALUATED)
    run.plots.mkdir()
    for picture in ("confusion", "samples", "mistakes", "curves", "architecture"):
        cv2.imwrite(str(run.plots / f"{picture}.png"), np.zeros((20, 30, 3), np.uint8))
    return run


class Trainings:
    """Real `mnist train` processes on the first 3,000 images of MNIST."""

    def __init__(self, source: Path) -> None:
        self.source = source

    def start(
        self, artifacts: Path, recipe: str, *settings: str, before: Callable[[], None] | None = None
    ) -> "subprocess.Popen[str]":
        """Start one, with the given artifacts folder."""
        words = [word for setting in (f"data.source={self.source}", *settings) for word in ("--set", setting)]
        return subprocess.Popen(
            [sys.executable, "-m", "mnist_pipeline", "train", "--config", recipe, "--json", *words],
            env=os.environ | {"MNIST_ARTIFACTS": str(artifacts)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=before,
        )  # fmt: skip

    def run(self, artifacts: Path, recipe: str, *settings: str) -> dict[str, Any]:
        """Run one to its end; its numbers."""
        process = self.start(artifacts, recipe, *settings)
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        numbers: dict[str, Any] = json.loads(out)
        return numbers
