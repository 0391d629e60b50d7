"""What a run's JSON files have to hold: one wrong value is said with its place."""

import copy
from typing import Any

import pytest

from mnist_pipeline.runs import shapes
from tests.samples import ENVIRONMENT, EVALUATED, HISTORY, TRAINED

CARD: dict[str, Any] = {
    "weights_sha256": "ab", "keras": {"test_accuracy": 0.9}, "data": {"source": "mnist"},
    "forms": {"onnx": {
        "files": [{"file": "model.onnx", "bytes": 9, "sha256": "cd"}],
        "checks": [{"reader": "opencv", "accuracy": 0.9, "agreement": 1, "ties": 0, "largest_difference": 1e-7}],
        "input": {"name": "x", "type": "float32", "shape": [None, 28], "range": "0 to 1"},
        "output": {"name": "y", "type": "float32", "shape": [None, 10]},
        "needs_normalising": False,
    }},
}  # fmt: skip
WHOLE: dict[str, tuple[shapes.Shape, Any]] = {
    "train": (shapes.STAGES["train"], TRAINED),
    "evaluate": ((shapes.STAGES["evaluate"], shapes.WHOLE["evaluate"]), EVALUATED),
    "history": (shapes.HISTORY, HISTORY), "environment": (shapes.ENVIRONMENT, ENVIRONMENT),
    "refusal": (shapes.REFUSAL, {"threshold": 0.5}), "card": (shapes.EXPORT_CARD, CARD),
}  # fmt: skip


@pytest.mark.parametrize("file", WHOLE)
def test_a_whole_file_fits(file: str) -> None:
    shape, value = WHOLE[file]
    assert shapes.misfit(value, shape, "it") is None


@pytest.mark.parametrize(
    ("file", "way", "value", "problem"),
    [
        ("train", "seed", -1, "it.seed is no count"),
        ("train", "epochs", 2.0, "it.epochs is no count"),
        ("train", "steps", True, "it.steps is no count"),
        ("train", "train_loss", float("nan"), "it.train_loss is no number"),
        ("train", "train_seconds", 10**20, "it.train_seconds is no number"),
        ("train", "train_accuracy", 1.1, "it.train_accuracy is not between 0 and 1"),
        ("train", "val_loss", "x", "it.val_loss is no number"),
        ("train", "weights_sha256", 3, "it.weights_sha256 is no text"),
        ("train", "finished", "yesterday", "it.finished is no time"),
        ("evaluate", "confusion.3", [0] * 9, "it has not the same classes everywhere"),
        ("evaluate", "most_confused.0.true", 10, "it has not the same classes everywhere"),
        ("evaluate", "most_confused.0.true", -1, "it.most_confused[0].true is no class"),
        ("evaluate", "per_class.1.digit", 0, "it.per_class is not a row for each class"),
        ("evaluate", "report", {}, "it has not the same classes everywhere"),
        ("evaluate", "report", [], "it.report is no object"),
        ("evaluate", "calibration", {}, "it.calibration is no list"),
        ("history", "loss", [], "it has not a value for every epoch"),
        ("history", "loss", [0.1], "it has not a value for every epoch"),
        ("history", "accuracy", ["x", "y"], "it.accuracy[0] is no number"),
        ("environment", "processor", {}, "it.processor lacks model"),
        ("environment", "changed", "x", "it.changed is no list"),
        ("refusal", "threshold", 2, "it.threshold is not between 0 and 1"),
        ("card", "forms.onnx.files.0.bytes", -1, "it.forms.onnx.files[0].bytes is no count"),
        ("card", "forms.onnx.output.scale", "x", "it.forms.onnx.output.scale is no number"),
    ],
)
def test_a_wrong_value_is_said_with_its_place(file: str, way: str, value: Any, problem: str) -> None:
    shape, whole = WHOLE[file]
    tree: Any = copy.deepcopy(whole)
    *path, last = [int(step) if step.isdecimal() else step for step in way.split(".")]
    node = tree
    for step in path:
        node = node[step]
    node[last] = value
    assert shapes.misfit(tree, shape, "it") == problem
