"""An exported file as a model: evaluate judges it and predict answers with it, without TensorFlow."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from mnist_pipeline.cli import app
from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.data import Part
from mnist_pipeline.errors import RunError
from mnist_pipeline.exports.eight_bits import save_int8_onnx
from mnist_pipeline.exports.forms import FORMS
from mnist_pipeline.prediction.runtimes import open_runtime
from mnist_pipeline.runs.run import Run
from mnist_pipeline.training import models

FORM_NAMES = ("onnx", "onnx-with-scaling", "onnx-int8", "litert", "litert-int8")


def file_of(run: Run, form: str) -> Path:
    return run.exports / FORMS[form].files[0]


def mnist(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


@pytest.mark.usefixtures("tensorflow")
def test_it_is_said_what_opencv_cannot_read_in_eight_bits(tmp_path: Path) -> None:
    """It does not pool behind an activation in eight bits; that it is given bytes by us was said before."""
    block = {"filters": 8, "kernel": 3, "pool": 2}
    config = load_config("cnn-fast", {"model.convolutions": [block, block], "model.hidden": []})
    images = np.random.default_rng(0).random((20, 28, 28), np.float32)
    save_int8_onnx(models.build(config.network, 0), tmp_path / "model.onnx", images)
    open_runtime(tmp_path / "model.onnx", "onnxruntime")
    with pytest.raises(RunError, match=r"not one that opencv reads .*pool"):
        open_runtime(tmp_path / "model.onnx", "opencv")


@pytest.mark.parametrize("form", FORM_NAMES)
def test_evaluate_scores_a_file(exported: Run, form: str) -> None:
    path = file_of(exported, form)
    numbers = json.loads(mnist("evaluate", "--model", str(path), "--json").stdout)
    proven = {check["reader"]: check for check in exported.export_card()["forms"][form]["checks"]}
    assert numbers["model"] == str(path)
    assert numbers["test_accuracy"] == pytest.approx(proven[numbers["runtime"]]["accuracy"], abs=2e-4)
    assert 0.05 < numbers["test_loss"] < 0.4


@pytest.mark.parametrize("form", FORM_NAMES)
def test_predict_answers_with_a_file(exported: Run, form: str, tmp_path: Path, test_images: Part) -> None:
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), test_images.images[number])
    result = mnist("predict", str(tmp_path), "--model", str(file_of(exported, form)), "--json")
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [answer["digit"] for answer in answers] == test_images.labels[:3].tolist()
    for answer in answers:
        assert sum(answer["probabilities"]) == pytest.approx(1)
        assert answer["model"].endswith(FORMS[form].files[0])


def test_predict_takes_a_run_or_a_file(exported: Run) -> None:
    result = mnist("predict", "x.png", "--run", "dense", "--model", str(exported.onnx_file))
    assert result.exit_code == 2
    assert "not both" in result.stderr


def test_evaluate_takes_a_run_or_a_file(exported: Run) -> None:
    result = mnist("evaluate", "dense", "--model", str(exported.onnx_file))
    assert result.exit_code == 2
    assert "not both" in result.stderr


def test_many_pictures_are_answered_by_what_reads_the_file(exported: Run) -> None:
    assert open_runtime(exported.exports / "model.tflite", "quickest").name == "litert"
    assert open_runtime(exported.exports / "model.onnx", "quickest").name == "onnxruntime"
    assert open_runtime(exported.exports / "model.onnx").name == "opencv"


def test_evaluating_a_file_loads_no_tensorflow(exported: Run) -> None:
    code = (
        "import sys; from pathlib import Path; from mnist_pipeline.evaluation.metrics import evaluate_file\n"
        f"evaluate_file(Path({str(exported.exports / 'model.onnx')!r}), None); print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"tensorflow", "keras", "onnxruntime", "matplotlib"} & set(loaded)
