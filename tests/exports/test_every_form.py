"""Every recipe in every form, as a user exports it: minutes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mnist_pipeline import pipeline, train
from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.exports import proof
from mnist_pipeline.exports.forms import FORMS
from mnist_pipeline.runs.run import Run
from mnist_pipeline.training.keras_file import load_model


def by_command(artifacts: Path, *words: str) -> str:
    answer = subprocess.run(
        [sys.executable, "-m", "mnist_pipeline", *words],
        env=os.environ | {"MNIST_ARTIFACTS": str(artifacts)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


@pytest.mark.slow
@pytest.mark.parametrize(("recipe", "most"), [("dense", 50_000), ("dense-10", 50_000), ("cnn", 480_000)])
def test_every_recipe_leaves_in_every_form(recipe: str, most: int, tmp_path: Path) -> None:
    """In processes of their own, as a user has it; the convolutional network after four epochs instead of twenty."""
    by_command(tmp_path, "train", "--config", recipe, *(["--set", "training.epochs=4"] if recipe == "cnn" else []))
    by_command(tmp_path, "export", recipe)
    forms = Run(tmp_path / recipe).export_card()["forms"]
    assert forms.keys() == FORMS.keys()
    assert forms["litert-int8"]["files"][0]["bytes"] <= most
    readers = {name: {check["reader"] for check in form["checks"]} for name, form in forms.items()}
    assert readers == {name: set(form.readers) for name, form in FORMS.items()}
    rows = json.loads(by_command(tmp_path, "bench", recipe, "--json"))["rows"]
    assert len(rows) == 1 + sum(len(form.readers) for form in FORMS.values() if form.measured)
    assert all(row["agreement"] == 1 for row in rows if row["form"] == "keras" or FORMS[row["form"]].exact)
    assert all(row["accuracy"] >= rows[0]["accuracy"] - 0.00101 for row in rows)


@pytest.mark.slow
def test_the_smallest_recipe_leaves_in_float(tmp_path: Path) -> None:
    """Ten units a layer: in eight bits some seeds lose too much, and are refused."""
    by_command(tmp_path, "train", "--config", "tiny")
    by_command(tmp_path, "export", "tiny", "--to", "onnx", "--to", "litert", "--to", "saved-model", "--with-scaling")
    assert len(Run(tmp_path / "tiny").export_card()["forms"]) == 4


def trained_in_bfloat16(source: Path) -> Run:
    settings = {
        "data.source": str(source), "training.precision": "bfloat16", "training.epochs": 2,
        "model.convolutions": [{"filters": 8, "kernel": 3, "batch_norm": True, "pool": 4}], "model.hidden": [],
        "training.early_stopping": None, "training.plateau": None, "training.keep_best": None,
    }  # fmt: skip
    return Run(Path(train(load_config("cnn", settings))["run"]))


@pytest.mark.slow
def test_a_model_trained_in_mixed_precision_leaves_in_full(trainings: Any) -> None:
    run = trained_in_bfloat16(trainings.source)
    assert {weight.dtype for weight in load_model(run).weights} == {"float32"}
    (check, _) = pipeline.export(run, ["onnx"])["forms"]["onnx"]["checks"]
    assert check["n"] == 500


@pytest.mark.slow
def test_a_model_trained_in_mixed_precision_leaves_in_every_form(
    trainings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof, "LOST", 0.02)  # one of 500 images is 0.2 points
    assert pipeline.export(trained_in_bfloat16(trainings.source))["forms"].keys() == FORMS.keys()


@pytest.mark.slow
@pytest.mark.parametrize("norm_first", [True, False])
def test_every_kind_of_block_leaves_in_every_form(
    norm_first: bool, trainings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof, "LOST", 0.02)  # one of 500 images is 0.2 points
    blocks = [
        {"filters": 8, "kernel": 5, "stride": 2, "batch_norm": True},
        {"filters": 12, "separable": True, "batch_norm": True},
        {"filters": 12, "batch_norm": True, "residual": 2, "pool": 2},
        {"filters": 12, "separable": True, "stride": 2, "residual": 1},
    ]
    settings = {
        "data.source": str(trainings.source), "training.epochs": 8, "model.convolutions": blocks, "model.hidden": [],
        "model.pooling": "average", "model.norm_first": norm_first, "model.activation": "leaky_relu",
        "training.early_stopping": None, "training.plateau": None, "training.keep_best": None,
    }  # fmt: skip
    run = Run(Path(train(load_config("cnn", settings))["run"]))
    assert pipeline.export(run)["forms"].keys() == FORMS.keys()
