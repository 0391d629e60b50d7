"""The model that comes with the package is whole, is as good as its page says, and is put there by one call."""

import hashlib
import json
import re
import shutil
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import pytest

from benchmarks.shipping import LARGEST, ship
from mnist_pipeline import pipeline
from mnist_pipeline.config.checking import check
from mnist_pipeline.data import Part, load_part
from mnist_pipeline.errors import RunError
from mnist_pipeline.evaluation.metrics import compute_metrics
from mnist_pipeline.exports.forms import FORMS
from mnist_pipeline.prediction.predictor import file_predictor, predictor
from mnist_pipeline.prediction.shipping import FOLDER, ShippedRun, shipped
from mnist_pipeline.runs.run import Run
from tests.commands import mnist


def test_the_shipped_model_is_the_one_that_its_numbers_belong_to() -> None:
    model = shipped()
    assert hashlib.sha256(model.path.read_bytes()).hexdigest() == model.facts["sha256"]
    assert model.path.stat().st_size <= LARGEST
    assert model.facts["name"] == "photo"
    assert 0.1 < model.facts["refusal"]["threshold"] < 1


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred of the test images in the place of all."""
    part = load_part("mnist", "test")
    first = Part(part.images[:100], part.labels[:100])
    monkeypatch.setattr("mnist_pipeline.evaluation.metrics.load_part", lambda *_, **__: first)


@pytest.mark.usefixtures("few")
def test_the_shipped_model_is_evaluated_and_reported_as_a_run_is() -> None:
    result = mnist("evaluate", "shipped")
    assert result.stdout.startswith("shipped: test accuracy 100.00% (100 of 100)")
    result = mnist("report", "shipped")
    assert result.exit_code == 0, result.stderr
    page = Path(result.stdout.strip()).read_text(encoding="utf-8")
    assert "100 of 100 right" in page
    assert page.count("<img src=") == 3
    assert shipped().facts["weights_sha256"] in page
    assert "mnist train photo" in page
    assert "Every epoch" not in page
    assert set(re.findall(r'href="#(\w+)"', page)) == set(re.findall(r'<section id="(\w+)"', page))


def test_the_shipped_model_is_exported_and_measured_as_a_run_is(monkeypatch: pytest.MonkeyPatch) -> None:
    export, measure = MagicMock(), MagicMock(return_value={"rows": [], "left_out": []})
    monkeypatch.setattr("mnist_pipeline.exports.export.export_run", export)
    monkeypatch.setattr("mnist_pipeline.exports.bench.measure_run", measure)
    assert pipeline.bench("shipped").name == "shipped"
    ((run, forms, _),) = (call.args for call in export.call_args_list)
    assert [form.name for form in forms] == [name for name, form in FORMS.items() if form.measured]
    assert (run, measure.call_args.args[0]) == (ShippedRun(), ShippedRun())
    assert run.config().tree() == check(shipped().facts["config"], "shipped").tree()
    assert Run(run.path).threshold() == run.threshold() == shipped().facts["refusal"]["threshold"]


def test_without_tensorflow_the_shipped_model_leaves_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "missing", lambda packages: [name for name in packages if name == "tensorflow"])
    result = mnist("export", "shipped")
    assert result.exit_code == 0
    assert re.fullmatch(r"left out: all but onnx, which take tensorflow: .* install .*\n", result.stderr)
    path = Path(result.stdout.strip())
    assert path.read_bytes() == shipped().path.read_bytes()
    assert file_predictor(path).threshold == shipped().facts["refusal"]["threshold"]


@pytest.mark.slow
def test_the_shipped_model_leaves_in_every_form() -> None:
    exported = pipeline.export("shipped")
    assert exported.forms.keys() == FORMS.keys()
    assert exported.card["keras"]["test_accuracy"] == shipped().facts["test_accuracy"]
    assert exported.card["weights_sha256"] == shipped().facts["weights_sha256"]
    assert mnist("predict", "examples/7.png", "--model", exported.run / "export/model-int8.tflite").exit_code == 0


def test_no_run_takes_the_name_of_the_shipped_model() -> None:
    assert "comes with the package: choose another --name" in mnist("train", "smoke", "--name", "shipped").stderr


def test_the_shipped_model_is_right_and_calibrated_as_it_says() -> None:
    model, part = shipped(), load_part("mnist", "test")
    quick, plain = predictor("shipped", "onnxruntime"), predictor("shipped", "opencv")
    pieces = [quick.probabilities(part.images[at : at + 500]) for at in range(0, len(part), 500)]
    np.testing.assert_allclose(plain.probabilities(part.images[:500]), pieces[0], atol=1e-5)
    metrics = compute_metrics(np.concatenate(pieces), part.labels, loss=0.0)
    assert metrics.test_accuracy == model.facts["test_accuracy"] >= 0.995
    assert metrics.ece == pytest.approx(model.facts["ece"], abs=1e-4)
    assert metrics.ece <= 0.005


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped files."""
    for name in ("photo.onnx", "photo.json"):
        shutil.copy(FOLDER / name, tmp_path / name)
    return tmp_path


def test_another_file_in_its_place_is_refused_in_one_line(folder: Path) -> None:
    with (folder / "photo.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(RunError, match=r"is not the shipped model \(its sha256 differs\): reinstall") as refusal:
        shipped(folder)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("content", [None, "{", "[]", "{}"])
def test_a_page_that_is_missing_or_damaged_is_refused_in_one_line(content: str | None, folder: Path) -> None:
    page = folder / "photo.json"
    page.unlink()
    if content is not None:
        page.write_text(content)
    with pytest.raises(RunError, match="reinstall mnist-kit") as refusal:
        shipped(folder)
    assert "\n" not in str(refusal.value)


def test_a_run_is_shipped_with_its_numbers(smoke_run: Run, tmp_path: Path) -> None:
    run = Run(shutil.copytree(smoke_run.path, tmp_path / "copy"))
    with pytest.raises(RunError, match=r"has no refusal\.json"):
        ship(run, tmp_path / "there")
    run.refusal_file.write_text(json.dumps({"threshold": 0.5}))
    ship(run, tmp_path / "there")
    model = shipped(tmp_path / "there")
    assert model.path.read_bytes() == run.onnx_file.read_bytes()
    assert (model.facts["name"], model.facts["refusal"]) == ("smoke", {"threshold": 0.5})
    assert model.facts["weights_sha256"] == run.figures("evaluate")["weights_sha256"]


def test_what_is_too_large_or_evaluated_with_other_weights_is_not_shipped(smoke_run: Run, tmp_path: Path) -> None:
    run = Run(shutil.copytree(smoke_run.path, tmp_path / "copy"))
    run.refusal_file.write_text(json.dumps({"threshold": 0.5}))
    run.onnx_file.write_bytes(bytes(LARGEST + 1))
    with pytest.raises(RunError, match="1,500,001 bytes"):
        ship(run, tmp_path / "there")
    run.add_metrics("evaluate", run.figures("evaluate") | {"weights_sha256": "0"})
    with pytest.raises(RunError, match="other weights"):
        ship(run, tmp_path / "there")
    assert not (tmp_path / "there").exists()
