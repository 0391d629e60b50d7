"""The export of a run: what it writes, what it refuses, and what it leaves when a form does not hold."""

import sys
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from mnist_pipeline import pipeline
from mnist_pipeline.cli import app
from mnist_pipeline.errors import RunError
from mnist_pipeline.exports import proof
from mnist_pipeline.exports.forms import FORMS, select_forms
from mnist_pipeline.runs.opening import claimed
from mnist_pipeline.runs.run import Run


def mnist(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def test_export_prints_the_files_and_notes_the_proof(exported_copy: Run) -> None:
    result = mnist("export", "dense", "--to", "onnx", "--with-scaling")
    assert result.exit_code == 0
    assert f"{exported_copy.path}/export/model-with-scaling.onnx" in result.stdout.splitlines()
    assert "opencv: 10,000 of 10,000 labels as Keras" in result.stderr


def test_the_same_export_again_gives_the_same_bytes(exported_copy: Run) -> None:
    before = {name: form["files"] for name, form in exported_copy.export_card()["forms"].items()}
    pipeline.export("dense", ["onnx", "onnx-int8", "litert-int8"])
    after = {name: form["files"] for name, form in exported_copy.export_card()["forms"].items()}
    assert after == before


def test_a_failed_check_leaves_no_file_and_takes_no_other_with_it(
    exported_copy: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof, "TOLERANCE", 0.0)
    monkeypatch.setattr(proof, "LOST", -1.0)
    assert (exported_copy.exports / "model.onnx").exists()
    result = mnist("export", "dense", "--to", "onnx", "--to", "litert-int8", "--to", "saved-model")
    assert result.exit_code == 1
    assert "onnx: not kept: not equal to the model" in result.stderr
    assert "litert-int8: not kept: not as good as the model" in result.stderr
    assert "Traceback" not in result.stderr
    for name in ("model.onnx", "model-int8.tflite"):
        assert not (exported_copy.exports / name).exists()
    assert {"onnx", "litert-int8"}.isdisjoint(exported_copy.export_card()["forms"])
    assert not list(exported_copy.exports.glob(".writing-*"))


def test_steps_of_eight_bits_come_from_the_training_images_alone(
    exported_copy: Run, trainings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other test images: the same files. Other training images: others."""
    monkeypatch.setattr(proof, "LOST", 1.0)  # of inverted digits hardly any is read right
    given = dict(np.load(trainings.source))
    variants = {
        "as it is": given,
        "other test images": {**given, "x_test": 255 - given["x_test"]},
        "other training images": {**given, "x_train": given["x_train"] // 2},
    }
    digests = {}
    config = exported_copy.config_file.read_text()
    for number, (name, arrays) in enumerate(variants.items()):
        source = exported_copy.path / f"{number}.npz"
        np.savez(source, **arrays)
        exported_copy.config_file.write_text(config.replace("source: mnist", f"source: {source}"))
        forms = pipeline.export("dense", ["litert-int8", "onnx-int8"])["forms"]
        digests[name] = [forms[form]["files"][0]["sha256"] for form in ("litert-int8", "onnx-int8")]
    assert digests["as it is"] == digests["other test images"]
    assert all(map(str.__ne__, digests["as it is"], digests["other training images"]))


@pytest.mark.parametrize("form", ["onnx-int8", "litert", "c-array"])
def test_a_missing_extra_is_one_line_that_names_it(exported: Run, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("onnxruntime", "ai_edge_litert"):
        monkeypatch.setitem(sys.modules, module, None)
    result = mnist("export", "dense", "--to", form)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.endswith('[export]"')
    assert ("onnxruntime" if form == "onnx-int8" else "ai-edge-litert") in line


def test_without_the_extra_onnx_is_made_and_checked_with_what_is_there(
    exported_copy: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("onnxruntime", "ai_edge_litert"):
        monkeypatch.setitem(sys.modules, module, None)
    card = pipeline.export("dense", ["onnx"])
    assert [check["reader"] for check in card["forms"]["onnx"]["checks"]] == ["opencv"]
    result = mnist("evaluate", "--model", str(exported_copy.exports / "model.tflite"))
    assert result.exit_code == 2
    assert '[export]"' in result.stderr


def test_all_without_the_extra_is_what_can_be_made_and_says_what_was_left_out(
    exported_copy: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    monkeypatch.setattr("mnist_pipeline.exports.export.export_run", lambda _, forms, __: made.extend(map(str, forms)))
    for module in ("onnxruntime", "ai_edge_litert"):
        monkeypatch.setitem(sys.modules, module, None)
    result = mnist("export", "dense")
    assert result.exit_code == 0
    left_out = [line.split(": ")[1] for line in result.stderr.splitlines() if line.startswith("left out: ")]
    assert left_out == ["onnx-int8", "litert", "litert-int8", "c-array"]
    assert len(made) + len(left_out) == len(FORMS)
    assert result.stderr.count('[export]"') == len(left_out)


def test_an_unknown_form_is_refused_with_those_there_are(exported: Run) -> None:
    result = mnist("export", "dense", "--to", "coreml")
    assert result.exit_code == 2
    assert "litert-int8" in result.stderr


def test_all_is_all() -> None:
    assert [form.name for form in select_forms(["all"], with_scaling=False)] == list(FORMS)
    assert [form.name for form in select_forms(["onnx"], with_scaling=True)] == ["onnx", "onnx-with-scaling"]


def test_nothing_is_exported_while_the_run_is_trained(exported: Run) -> None:
    with claimed("dense"), pytest.raises(RunError, match="another process"):
        pipeline.export("dense", ["onnx"])


def test_what_a_killed_export_left_is_swept_away(exported_copy: Run) -> None:
    left = exported_copy.exports / ".writing-killed"
    left.mkdir()
    (left / "model.onnx").write_bytes(b"half")
    pipeline.export("dense", ["onnx"])
    assert not left.exists()


def test_a_damaged_card_is_written_anew(exported_copy: Run) -> None:
    exported_copy.export_card_file.write_text('{"forms": [')
    assert pipeline.export("dense", ["onnx"])["forms"].keys() == {"onnx"}
