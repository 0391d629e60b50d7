"""What every test has: an artifacts folder of its own, and one small trained run for all."""

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_pipeline import evaluate, report, train
from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.data import load_part
from mnist_pipeline.runs.run import Run
from tests.samples import Trainings

# A job in the background of a shell ignores Ctrl-C, and so would the processes that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)


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
    from mnist_pipeline.training.keras_file import load_plain
    from mnist_pipeline.training.scoring import outputs

    run = Run(exported_artifacts / "dense")
    return outputs(load_plain(run.model_file), run.config(), test_images)[0]
