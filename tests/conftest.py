"""What several test modules share: a folder for runs of their own, and one small trained run."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from mnist_pipeline import evaluate, report, train
from mnist_pipeline.config import load_config
from mnist_pipeline.data import load_part
from mnist_pipeline.prediction.shipped import shipped
from mnist_pipeline.runs.files import write_json
from mnist_pipeline.runs.run import Run, begin

# A job in the background of a shell ignores Ctrl-C, and so would the processes that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)


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


@pytest.fixture(autouse=True)
def _own_artifacts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees or touches the runs of the user."""
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path / "artifacts"))


@pytest.fixture(scope="session")
def smoke_artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An artifacts folder in which smoke.yaml was trained, evaluated and reported, once for all tests."""
    folder = tmp_path_factory.mktemp("smoke")
    before = os.environ.get("MNIST_ARTIFACTS")
    os.environ["MNIST_ARTIFACTS"] = str(folder)
    try:
        train(load_config("smoke"))
        evaluate("smoke")
        report("smoke")
    finally:
        os.environ.pop("MNIST_ARTIFACTS")
        if before is not None:
            os.environ["MNIST_ARTIFACTS"] = before
    return folder


@pytest.fixture
def smoke_run(smoke_artifacts: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The trained smoke run, in an artifacts folder that is the current one."""
    monkeypatch.setenv("MNIST_ARTIFACTS", str(smoke_artifacts))
    return Run(smoke_artifacts / "smoke")


@pytest.fixture(scope="session")
def tensorflow() -> None:
    """TensorFlow started as a training starts it, for tests that compute with it themselves."""
    from mnist_pipeline.training import backend

    backend.start(1)


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


@pytest.fixture(scope="session")
def trainings(tmp_path_factory: pytest.TempPathFactory) -> Trainings:
    """The means to train in processes of their own."""
    path = tmp_path_factory.mktemp("data") / "small.npz"
    train, test = load_part("mnist", "train"), load_part("mnist", "test")
    np.savez(
        path,
        x_train=train.images[:3000], y_train=train.labels[:3000], x_test=test.images[:500], y_test=test.labels[:500],
    )  # fmt: skip
    return Trainings(path)


@pytest.fixture(scope="session")
def exported_artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An artifacts folder in which dense.yaml, with its sigmoids, was trained shortly and exported in every form."""
    from mnist_pipeline import pipeline

    folder = tmp_path_factory.mktemp("exported")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MNIST_ARTIFACTS", str(folder))
        train(load_config("dense", {"training.epochs": 2}))
        pipeline.export("dense")
    return folder


@pytest.fixture
def exported(exported_artifacts: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The exported run, in an artifacts folder that is the current one."""
    monkeypatch.setenv("MNIST_ARTIFACTS", str(exported_artifacts))
    return Run(exported_artifacts / "dense")


@pytest.fixture
def exported_copy(exported: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The exported run in a folder of its own, with which a test may do what it likes."""
    import shutil

    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    shutil.copytree(exported.path, tmp_path / "dense")
    return Run(tmp_path / "dense")


@pytest.fixture(scope="session")
def test_images() -> Any:
    """The test images of MNIST."""
    return load_part("mnist", "test")


@pytest.fixture(scope="session")
def keras_outputs(exported_artifacts: Path, test_images: Any) -> Any:
    """The ten outputs of the exported run's Keras model for each test image."""
    from mnist_pipeline.training.scoring import load_model, outputs

    run = Run(exported_artifacts / "dense")
    return outputs(load_model(run.model_file), run.config(), test_images)[0]
