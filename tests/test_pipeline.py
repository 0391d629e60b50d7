"""The stages on the real data: train, evaluate, report, predict, and the numbers agree all the way."""

import hashlib
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import mnist_pipeline
from mnist_pipeline import predict, train
from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.data import load_part
from mnist_pipeline.prediction.predictor import predictor
from mnist_pipeline.runs.results import Evaluated, Trained
from mnist_pipeline.runs.run import Run
from mnist_pipeline.runs.watching import Watcher, printing
from mnist_pipeline.training.keras_file import load_model
from mnist_pipeline.training.scoring import outputs

TRAIN_KEYS = {
    "run", "name", "seed", "epochs", "steps", "train_seconds", "train_loss", "train_accuracy", "val_loss",
    "val_accuracy", "parameters", "weights_sha256", "data_sha256",
}  # fmt: skip
EVALUATE_KEYS = {
    "run", "test_accuracy", "test_loss", "n", "per_class", "confusion", "report", "ece", "weights_sha256",
}  # fmt: skip
PREDICT_KEYS = {
    "image", "digit", "label", "guess", "nearest", "confidence", "probabilities", "inverted", "reason", "model",
}  # fmt: skip


def test_a_run_holds_every_file_it_promises(smoke_run: Run) -> None:
    files = {str(path.relative_to(smoke_run.path)) for path in smoke_run.path.rglob("*") if path.is_file()}
    assert files - {"statement.json"} == {  # which other tests write
        ".lock", "config.yaml", "environment.json", "split.json", "history.csv", "history.json",
        "metrics.json", "model.keras", "model.onnx", "report.html", "plots/confusion.png",
        "plots/samples.png", "plots/mistakes.png", "plots/curves.png", "plots/architecture.png",
    }  # fmt: skip


def test_one_epoch_of_the_smoke_recipe_is_in_its_band(smoke_run: Run) -> None:
    test = smoke_run.metrics()["evaluate"]
    assert 0.92 < test["test_accuracy"] < 0.97
    assert 0.10 < test["test_loss"] < 0.27


def test_what_the_stages_give_back_is_what_they_wrote(smoke_run: Run) -> None:
    trained, evaluated = Trained.of(smoke_run), Evaluated.of(smoke_run)
    about = {"run": str(smoke_run.path), "name": "smoke"}
    assert trained.tree() == about | smoke_run.figures("train")
    assert evaluated.tree() == about | smoke_run.figures("evaluate")
    assert trained.tree().keys() >= TRAIN_KEYS
    assert evaluated.tree().keys() >= EVALUATE_KEYS
    assert trained["weights_sha256"] == trained.weights_sha256 == evaluated.weights_sha256


def test_training_counts_what_it_did(smoke_run: Run) -> None:
    numbers = smoke_run.metrics()["train"]
    kept = 60_000 - len(json.loads(smoke_run.split_file.read_text())["validation"])
    assert numbers["steps"] == -(-kept // 200)
    assert numbers["parameters"] == 784 * 32 + 32 + 32 * 10 + 10
    assert numbers["data_sha256"] == load_part("mnist", "train").sha256


def test_the_same_config_again_does_nothing_and_says_so(smoke_run: Run) -> None:
    notes: list[str] = []
    before = smoke_run.metrics_file.read_bytes()
    numbers = train(load_config("smoke"), watcher=Watcher(note=notes.append))
    assert "trained with this config already" in notes[0]
    assert smoke_run.metrics_file.read_bytes() == before
    assert numbers["weights_sha256"] == smoke_run.metrics()["train"]["weights_sha256"]


@pytest.mark.parametrize("options", [{}, {"progress": False}, {"watcher": Watcher()}], ids=["as it is", "off", "told"])
def test_from_python_a_training_is_shown_on_stderr_unless_told_otherwise(
    smoke_run: Run, options: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    train("smoke", **options)
    assert ("trained with this config already" in capsys.readouterr().err) is (options == {})


def test_the_watcher_of_python_prints_a_line_an_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    printing(15).epoch(3, {"loss": 0.3, "accuracy": 0.9, "val_loss": 0.2, "val_accuracy": 0.95, "learning_rate": 0.001})
    line = "epoch  3/15  loss 0.3000  accuracy 90.00%  validation 0.2000 95.00%  rate 0.001\n"
    assert capsys.readouterr().err == line


def test_the_saved_model_gives_the_numbers_of_the_run(smoke_run: Run) -> None:
    part = load_part("mnist", "test")
    probabilities, loss = outputs(load_model(smoke_run), smoke_run.config(), part)
    test = smoke_run.metrics()["evaluate"]
    assert float((probabilities.argmax(1) == part.labels).mean()) == test["test_accuracy"]
    assert loss == test["test_loss"]


def test_the_digest_is_over_the_float32_bytes_of_the_weights_in_order(smoke_run: Run) -> None:
    digest = hashlib.sha256()
    for weight in load_model(smoke_run).weights:
        digest.update(np.asarray(weight, np.float32).tobytes())
    metrics = smoke_run.metrics()
    assert digest.hexdigest() == metrics["train"]["weights_sha256"] == metrics["evaluate"]["weights_sha256"]


def test_opencv_gives_the_probabilities_of_keras(smoke_run: Run) -> None:
    part = load_part("mnist", "test")
    expected, _ = outputs(load_model(smoke_run), smoke_run.config(), part)
    found = predictor(smoke_run).probabilities(part.images)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_test_image_from_a_file_gets_the_probabilities_of_its_array(smoke_run: Run, tmp_path: Path) -> None:
    images = load_part("mnist", "test").images[:20]
    model = predictor(smoke_run, way="plain")
    for number, (image, expected) in enumerate(zip(images, model.probabilities(images), strict=True)):
        path = tmp_path / f"{number}.png"
        cv2.imwrite(str(path), image)
        np.testing.assert_allclose(model.predict(path).probabilities or [], expected, atol=1e-6)


def test_a_prediction_holds_what_is_promised(smoke_run: Run, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "digit.png"), 255 - load_part("mnist", "test").images[0])
    answer = predict(tmp_path / "digit.png", smoke_run)
    assert answer.tree().keys() == PREDICT_KEYS
    assert answer.digit == answer.guess == 7
    assert answer.inverted is True
    assert answer.probabilities is not None
    assert sum(answer.probabilities) == pytest.approx(1, abs=1e-6)
    assert answer.confidence == pytest.approx(answer.probabilities[7])
    assert answer.sentence().endswith("sure)")


def test_a_file_that_cannot_be_read_among_others_is_an_answer_too(smoke_run: Run, tmp_path: Path) -> None:
    (answer,) = predictor(smoke_run).predict_many([tmp_path / "none.png"])
    assert (answer.digit, answer.guess, answer.probabilities) == (None, None, None)
    assert answer.error is not None
    assert "no such file" in answer.error
    assert answer.tree().keys() == PREDICT_KEYS | {"error"}


def test_validation_images_are_not_trained_on(smoke_run: Run) -> None:
    split = json.loads(smoke_run.split_file.read_text())["validation"]
    assert len(split) == len(set(split)) == pytest.approx(6000, abs=5)
    assert split == sorted(split)


def test_the_history_is_the_same_in_both_its_forms(smoke_run: Run) -> None:
    header, row = (smoke_run.path / "history.csv").read_text().splitlines()
    history = smoke_run.history()
    assert header.split(",") == ["epoch", *history]
    assert [float(cell) for cell in row.split(",")[1:]] == [values[0] for values in history.values()]


def test_nothing_personal_is_in_the_environment(smoke_run: Run) -> None:
    text = smoke_run.environment_file.read_text()
    assert str(Path.home()) not in text
    assert set(smoke_run.environment()) == {
        "versions", "python", "system", "machine", "processor", "threads", "flags", "source", "lock",
        "data_sha256",
    }  # fmt: skip


def test_an_unknown_public_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        _ = mnist_pipeline.nonsense
