"""What leaves the project is what it came from: every form against Keras, read by the libraries it is for."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from mnist_pipeline import pipeline, train
from mnist_pipeline.cli import app
from mnist_pipeline.config import load_config
from mnist_pipeline.data import Part, load_part
from mnist_pipeline.errors import ExportError, RunError
from mnist_pipeline.exports import proof
from mnist_pipeline.exports.bench import measured
from mnist_pipeline.exports.forms import FORMS, select_forms
from mnist_pipeline.pixels.preprocess import scale
from mnist_pipeline.prediction.predictor import file_predictor
from mnist_pipeline.prediction.runtimes import normalised, open_runtime, output_of
from mnist_pipeline.runs.run import Run, claimed
from mnist_pipeline.runs.watching import Watcher
from mnist_pipeline.training.keras_file import load_model
from mnist_pipeline.training.saving import join_batch_norms
from mnist_pipeline.training.scoring import outputs

FILES = {
    "onnx": "model.onnx", "onnx-with-scaling": "model-with-scaling.onnx", "onnx-int8": "model-int8.onnx",
    "litert": "model.tflite", "litert-int8": "model-int8.tflite",
}  # fmt: skip
READ_BY = [
    (form, reader)
    for form in FILES
    for reader in (("litert",) if form.startswith("litert") else ("opencv", "onnxruntime"))
]


def mnist(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


@pytest.fixture(scope="session")
def exported_artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An artifacts folder in which dense.yaml, with its sigmoids, was trained shortly and exported in every form."""
    folder = tmp_path_factory.mktemp("exported")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MNIST_ARTIFACTS", str(folder))
        train(load_config("dense", {"training.epochs": 2}))
        pipeline.export("dense")
    return folder


@pytest.fixture
def dense(exported_artifacts: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("MNIST_ARTIFACTS", str(exported_artifacts))
    return Run(exported_artifacts / "dense")


@pytest.fixture
def copy(dense: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The run in a folder of its own, with which a test may do what it likes."""
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    shutil.copytree(dense.path, tmp_path / "dense")
    return Run(tmp_path / "dense")


@pytest.fixture(scope="session")
def test_part() -> Part:
    return load_part("mnist", "test")


@pytest.fixture(scope="session")
def keras_outputs(exported_artifacts: Path, test_part: Part) -> np.ndarray[Any, Any]:
    run = Run(exported_artifacts / "dense")
    return outputs(load_model(run.model_file), run.config(), test_part)[0]


def card_of(run: Run) -> dict[str, Any]:
    card: dict[str, Any] = json.loads(run.export_card_file.read_text())
    return card


@pytest.mark.parametrize(("form", "reader"), READ_BY)
def test_every_reader_gives_what_keras_gives(
    dense: Run, form: str, reader: Any, test_part: Part, keras_outputs: np.ndarray[Any, Any]
) -> None:
    """The promise itself, by none of the code that checks it when exporting."""
    found = open_runtime(dense.exports / FILES[form], reader).scores(scale(test_part.images))
    right = (found.argmax(1) == test_part.labels).mean()
    if "int8" in form:
        assert right >= (keras_outputs.argmax(1) == test_part.labels).mean() - 0.001
        return
    expected = normalised(keras_outputs, "sigmoid") if form == "onnx-with-scaling" else keras_outputs
    top = np.sort(keras_outputs, axis=1)
    clear = top[:, -1] - top[:, -2] > 1e-5
    assert clear.sum() > 9_900
    assert (found.argmax(1) == keras_outputs.argmax(1))[clear].all()
    # Sigmoids next to 1 have lost what normalising them would need; there the file knows more than Keras' output.
    far_from_one = keras_outputs.max(axis=1) < 0.99
    rows = far_from_one if form == "onnx-with-scaling" else slice(None)
    np.testing.assert_allclose(found[rows], expected[rows], atol=1e-5)


def test_the_saved_model_is_served_by_tensorflow_and_gives_the_same(
    dense: Run, test_part: Part, keras_outputs: np.ndarray[Any, Any]
) -> None:
    from mnist_pipeline.training.backend import tf

    served = tf.saved_model.load(str(dense.exports / "saved-model")).signatures["serving_default"]
    (found,) = served(image=tf.constant(scale(test_part.images[:500]))).values()
    np.testing.assert_allclose(found.numpy(), keras_outputs[:500], atol=1e-5)


def test_the_eight_bit_dense_network_is_small(dense: Run) -> None:
    assert (dense.exports / "model-int8.tflite").stat().st_size <= 50_000
    assert (dense.exports / "model-int8.onnx").stat().st_size <= 60_000


@pytest.mark.parametrize(("factor", "order"), [(0.5, ["MaxPool", "Norm"]), (-0.5, ["Norm", "MaxPool"])])
def test_a_batch_normalization_is_one_node_behind_its_pooling(factor: float, order: list[str]) -> None:
    """Of a channel that is turned round the smallest value becomes the largest: then it comes first."""
    import onnx
    import onnxruntime
    from onnx.helper import make_graph, make_model, make_node, make_opsetid, make_tensor_value_info

    channels = {"s": np.array([factor, 3], np.float32), "b": np.array([0.1, -7], np.float32)}
    graph = make_graph(
        [make_node("Mul", ["x", "s"], ["a"]), make_node("Add", ["a", "b"], ["c"]),
         make_node("MaxPool", ["c"], ["y"], kernel_shape=[2, 2], strides=[2, 2])],
        "small",
        [make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 2, 4, 4])],
        [make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1, 2, 2, 2])],
        [onnx.numpy_helper.from_array(channels[name].reshape(1, 2, 1, 1), name) for name in channels],
    )  # fmt: skip
    model = make_model(graph, opset_imports=[make_opsetid("", 15)], ir_version=8)
    images = np.random.default_rng(0).normal(size=(1, 2, 4, 4)).astype(np.float32)
    before: list[Any] = []
    after: list[Any] = []
    for found in (before, after):
        onnx.checker.check_model(model)
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        found += [session.run(None, {"x": images})[0], [node.op_type for node in model.graph.node]]
        join_batch_norms(model.graph)
    np.testing.assert_allclose(after[0], before[0], atol=1e-6)
    assert after[1] == [kind.replace("Norm", "BatchNormalization") for kind in order]


def test_pixels_go_into_the_scaled_form_as_they_are(dense: Run, test_part: Part) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(dense.exports / "model-with-scaling.onnx")
    (into,) = session.get_inputs()
    assert (into.name, into.type, into.shape) == ("pixels", "tensor(uint8)", ["n", 28, 28])
    (found,) = session.run(None, {"pixels": test_part.images[:100]})
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
    assert (found.argmax(1) == test_part.labels[:100]).mean() > 0.9


def test_eight_bit_litert_takes_pixels_less_128(dense: Run, test_part: Part) -> None:
    """By LiteRT itself, as a phone would: bytes in, bytes out, no float anywhere."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(dense.exports / "model-int8.tflite"))
    interpreter.allocate_tensors()
    (into,), (out,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert into["dtype"] == out["dtype"] == np.int8
    assert into["quantization"] == (pytest.approx(1 / 255), -128)
    interpreter.set_tensor(into["index"], (test_part.images[:1].astype(int) - 128).astype(np.int8))
    interpreter.invoke()
    assert interpreter.get_tensor(out["index"]).argmax() == test_part.labels[0]


def test_the_card_says_what_the_files_are(dense: Run) -> None:
    card = card_of(dense)
    assert card["forms"].keys() == FORMS.keys()
    assert card["weights_sha256"] == dense.figures("train")["weights_sha256"]
    assert card["classes"] == list("0123456789")
    assert "CC BY-SA 3.0" in card["data"]["licence"]
    for form in card["forms"].values():
        for file in form["files"]:
            content = (dense.exports / file["file"]).read_bytes()
            assert (len(content), hashlib.sha256(content).hexdigest()) == (file["bytes"], file["sha256"])
        for check in form["checks"]:
            assert check["n"] == 10_000
    listed = {file["file"] for form in card["forms"].values() for file in form["files"]} | {"card.md", "card.json"}
    there = {path.relative_to(dense.exports).as_posix() for path in dense.exports.rglob("*") if path.is_file()}
    assert there == listed


def test_the_card_says_what_goes_in_and_comes_out(dense: Run) -> None:
    forms = card_of(dense)["forms"]
    assert forms["onnx"]["input"] == {
        "name": "image", "shape": ["n", 28, 28], "type": "float32", "range": "0 to 1: pixel / 255",
    }  # fmt: skip
    assert forms["onnx"]["needs_normalising"] is True
    assert forms["litert"]["needs_normalising"] is True
    assert forms["onnx-with-scaling"]["needs_normalising"] is False
    assert forms["litert-int8"]["needs_normalising"] is False
    assert forms["litert-int8"]["input"]["range"] == "-128 to 127: pixel - 128"
    page = (dense.exports / "card.md").read_text()
    assert "p / (1 - p)" in page
    assert all(f"**{name}**" in page for name in FORMS)


def test_the_card_tells_from_what_on_a_model_answers(copy: Run) -> None:
    copy.refusal_file.write_text('{"threshold": 0.83}')
    assert pipeline.export("dense", ["onnx"])["refuses_below"] == 0.83
    assert "below 0.83 holds no digit" in (copy.exports / "card.md").read_text()
    assert file_predictor(copy.exports / "model.onnx").threshold == 0.83
    assert file_predictor(copy.onnx_file).threshold == 0


def test_the_snippet_on_the_card_reads_pictures(dense: Run, test_part: Part, tmp_path: Path) -> None:
    """Digits as somebody would have them: large, dark on light, off the middle."""
    page = (dense.exports / "card.md").read_text()
    (snippet,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    assert len(snippet.splitlines()) <= 15
    names: dict[str, Any] = {}
    exec(snippet, names)  # it is what the reader will do
    runtime = open_runtime(dense.exports / "model.onnx")
    right = 0
    for image, label in zip(test_part.images[:200], test_part.labels[:200], strict=True):
        paper = np.full((300, 260), 255, np.uint8)
        paper[30:198, 70:238] = 255 - cv2.resize(image, (168, 168), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(tmp_path / "digit.png"), paper)
        seen = names["digit"](str(tmp_path / "digit.png"))
        assert (seen.shape, seen.dtype) == ((28, 28), np.uint8)
        right += int(runtime.scores(scale(seen[None]))[0].argmax() == label)
    assert right >= 180


def test_the_c_array_compiles_and_holds_the_model(dense: Run, tmp_path: Path) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler here")
    (tmp_path / "main.c").write_text(
        '#include <stdio.h>\n#include "model_int8.h"\n'
        "int main(void) {\n"
        "  int dimensions[] = MNIST_INPUT_DIMENSIONS;\n"
        "  double scale = MNIST_INPUT_SCALE;\n"
        "  if (dimensions[1] != MNIST_INPUT_HEIGHT || MNIST_INPUT_ZERO_POINT != -128 || scale > 0.00393) return 1;\n"
        "  return fwrite(mnist_model, 1, MNIST_MODEL_SIZE, stdout) != MNIST_MODEL_SIZE;\n"
        "}\n"
    )
    program = tmp_path / "program"
    source = dense.exports / "model_int8.c"
    words = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", f"-I{dense.exports}", "-o", str(program)]
    subprocess.run([compiler, *words, str(tmp_path / "main.c"), str(source)], check=True)
    out = subprocess.run([program], capture_output=True, check=True).stdout
    assert out == (dense.exports / "model-int8.tflite").read_bytes()


@pytest.mark.parametrize("form", FILES)
def test_evaluate_scores_a_file(dense: Run, form: str) -> None:
    path = dense.exports / FILES[form]
    numbers = json.loads(mnist("evaluate", "--model", str(path), "--json").stdout)
    proven = {check["reader"]: check for check in card_of(dense)["forms"][form]["checks"]}
    assert numbers["model"] == str(path)
    assert numbers["test_accuracy"] == pytest.approx(proven[numbers["runtime"]]["accuracy"], abs=2e-4)
    assert 0.05 < numbers["test_loss"] < 0.4


@pytest.mark.parametrize("form", FILES)
def test_predict_answers_with_a_file(dense: Run, form: str, tmp_path: Path, test_part: Part) -> None:
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), test_part.images[number])
    result = mnist("predict", str(tmp_path), "--model", str(dense.exports / FILES[form]), "--json")
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [answer["digit"] for answer in answers] == test_part.labels[:3].tolist()
    for answer in answers:
        assert sum(answer["probabilities"]) == pytest.approx(1)
        assert answer["model"].endswith(FILES[form])


def test_predict_takes_a_run_or_a_file(dense: Run) -> None:
    result = mnist("predict", "x.png", "--run", "dense", "--model", str(dense.onnx_file))
    assert result.exit_code == 2
    assert "not both" in result.stderr


def test_many_pictures_are_answered_by_what_reads_the_file(dense: Run) -> None:
    assert open_runtime(dense.exports / "model.tflite", "quickest").name == "litert"
    assert open_runtime(dense.exports / "model.onnx", "quickest").name == "onnxruntime"
    assert open_runtime(dense.exports / "model.onnx").name == "opencv"


def test_evaluating_a_file_loads_no_tensorflow(dense: Run) -> None:
    code = (
        "import sys; from mnist_pipeline.pipeline import evaluate_file\n"
        f"evaluate_file({str(dense.exports / 'model.onnx')!r}); print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"tensorflow", "keras", "onnxruntime", "matplotlib"} & set(loaded)


def test_evaluate_takes_a_run_or_a_file(dense: Run) -> None:
    result = mnist("evaluate", "dense", "--model", str(dense.onnx_file))
    assert result.exit_code == 2
    assert "not both" in result.stderr


def test_what_the_scores_are_is_seen_from_the_file(dense: Run) -> None:
    kinds = {form: output_of(open_runtime(dense.exports / file)) for form, file in FILES.items()}
    assert [form for form, kind in kinds.items() if kind == "sigmoid"] == ["onnx", "onnx-int8", "litert"]


def test_export_prints_the_files_and_notes_the_proof(copy: Run) -> None:
    result = mnist("export", "dense", "--to", "onnx", "--with-scaling")
    assert result.exit_code == 0
    assert f"{copy.path}/export/model-with-scaling.onnx" in result.stdout.splitlines()
    assert "opencv: 10,000 of 10,000 labels as Keras" in result.stderr


def test_the_same_export_again_gives_the_same_bytes(copy: Run) -> None:
    before = {name: form["files"] for name, form in card_of(copy)["forms"].items()}
    pipeline.export("dense", ["onnx", "onnx-int8", "litert-int8"])
    after = {name: form["files"] for name, form in card_of(copy)["forms"].items()}
    assert after == before


def test_the_order_in_which_the_converter_keeps_its_constants_changes_no_byte(smoke_run: Run, tmp_path: Path) -> None:
    """They come out of a set, whose order is another in each process."""
    import onnx

    from mnist_pipeline.training.saving import tidy

    paths = [tmp_path / "one.onnx", tmp_path / "other.onnx"]
    for path in paths:
        model = onnx.load(smoke_run.onnx_file)
        constants = sorted(model.graph.initializer, key=lambda constant: constant.name, reverse=path is paths[1])
        del model.graph.initializer[:]
        model.graph.initializer.extend(constants)
        onnx.save(model, path)
    assert paths[0].read_bytes() != paths[1].read_bytes()
    for path in paths:
        tidy(path, joined=True)
    assert paths[0].read_bytes() == paths[1].read_bytes() == smoke_run.onnx_file.read_bytes()


def test_a_failed_check_leaves_no_file_and_takes_no_other_with_it(copy: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "TOLERANCE", 0.0)
    monkeypatch.setattr(proof, "LOST", -1.0)
    assert (copy.exports / "model.onnx").exists()
    result = mnist("export", "dense", "--to", "onnx", "--to", "litert-int8", "--to", "saved-model")
    assert result.exit_code == 1
    assert "onnx: not equal to the model, so it is not kept" in result.stderr
    assert "litert-int8: not as good as the model, so it is not kept" in result.stderr
    assert "Traceback" not in result.stderr
    for name in ("model.onnx", "model-int8.tflite"):
        assert not (copy.exports / name).exists()
    assert {"onnx", "litert-int8"}.isdisjoint(card_of(copy)["forms"])
    assert not list(copy.exports.glob(".writing-*"))


def proven(**changes: Any) -> proof.Proof:
    kept = {"reader": "x", "n": 1000, "accuracy": 0.97, "keras_accuracy": 0.97, "agreement": 1.0, "ties": 0}
    return proof.Proof(**{**kept, "largest_difference": 1e-6, **changes})


@pytest.mark.parametrize(
    ("form", "changes"),
    [
        ("onnx", {"largest_difference": 1.1e-5}),
        ("onnx", {"largest_difference": float("nan")}),
        ("onnx", {"agreement": 0.999}),
        ("litert-int8", {"accuracy": 0.968}),
    ],
)
def test_what_does_not_hold_is_refused(form: str, changes: dict[str, Any]) -> None:
    with pytest.raises(ExportError, match="not kept"):
        proof.require(FORMS[form], proven(**changes))


def test_what_just_holds_is_kept() -> None:
    proof.require(FORMS["onnx"], proven(largest_difference=1e-5))
    proof.require(FORMS["litert-int8"], proven(accuracy=0.969, agreement=0.9, largest_difference=0.5))


def test_another_label_agrees_only_where_keras_scores_both_the_same() -> None:
    ours = np.zeros((3, 10), np.float32)
    ours[0, [3, 4]], ours[1, [3, 4]], ours[2, 3] = [1, 1 - 1e-6], [0.9, 0.8], 1
    theirs = ours.copy()
    theirs[:2, 4] = 1
    theirs[:2, 3] = 0.5
    keras = proof.Keras(ours, ours, np.full(3, 3, np.uint8))
    found = proof.compare(FORMS["onnx"], "x", theirs, keras)
    assert found.ties == 1
    assert found.agreement == pytest.approx(2 / 3)
    assert found.accuracy == pytest.approx(1 / 3)


def test_steps_of_eight_bits_come_from_the_training_images_alone(
    copy: Run, trainings: Any, monkeypatch: pytest.MonkeyPatch
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
    config = copy.config_file.read_text()
    for number, (name, arrays) in enumerate(variants.items()):
        source = copy.path / f"{number}.npz"
        np.savez(source, **arrays)
        copy.config_file.write_text(config.replace("source: mnist", f"source: {source}"))
        forms = pipeline.export("dense", ["litert-int8", "onnx-int8"])["forms"]
        digests[name] = [forms[form]["files"][0]["sha256"] for form in ("litert-int8", "onnx-int8")]
    assert digests["as it is"] == digests["other test images"]
    assert all(map(str.__ne__, digests["as it is"], digests["other training images"]))


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
    assert {weight.dtype for weight in load_model(run.model_file).weights} == {"float32"}
    (check, _) = pipeline.export(run, ["onnx"])["forms"]["onnx"]["checks"]
    assert check["n"] == 500


@pytest.mark.slow
def test_a_model_trained_in_mixed_precision_leaves_in_every_form(
    trainings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof, "LOST", 0.02)  # one of 500 images is 0.2 points
    assert pipeline.export(trained_in_bfloat16(trainings.source))["forms"].keys() == FORMS.keys()


@pytest.mark.parametrize("form", ["onnx-int8", "litert", "c-array"])
def test_a_missing_extra_is_one_line_that_names_it(dense: Run, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("onnxruntime", "ai_edge_litert"):
        monkeypatch.setitem(sys.modules, module, None)
    result = mnist("export", "dense", "--to", form)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert "pip install 'mnist-pipeline[export]'" in line
    assert ("onnxruntime" if form == "onnx-int8" else "ai-edge-litert") in line


def test_without_the_extra_onnx_is_made_and_checked_with_what_is_there(
    copy: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("onnxruntime", "ai_edge_litert"):
        monkeypatch.setitem(sys.modules, module, None)
    card = pipeline.export("dense", ["onnx"])
    assert [check["reader"] for check in card["forms"]["onnx"]["checks"]] == ["opencv"]
    result = mnist("evaluate", "--model", str(copy.exports / "model.tflite"))
    assert result.exit_code == 2
    assert "mnist-pipeline[export]" in result.stderr


def test_an_unknown_form_is_refused_with_those_there_are(dense: Run) -> None:
    result = mnist("export", "dense", "--to", "coreml")
    assert result.exit_code == 2
    assert "litert-int8" in result.stderr


def test_all_is_all() -> None:
    assert [form.name for form in select_forms(["all"], with_scaling=False)] == list(FORMS)
    assert [form.name for form in select_forms(["onnx"], with_scaling=True)] == ["onnx", "onnx-with-scaling"]


def test_nothing_is_exported_while_the_run_is_trained(dense: Run) -> None:
    with claimed("dense"), pytest.raises(RunError, match="another process"):
        pipeline.export("dense", ["onnx"])


def test_what_a_killed_export_left_is_swept_away(copy: Run) -> None:
    left = copy.exports / ".writing-killed"
    left.mkdir()
    (left / "model.onnx").write_bytes(b"half")
    pipeline.export("dense", ["onnx"])
    assert not left.exists()


def test_a_damaged_card_is_written_anew(copy: Run) -> None:
    copy.export_card_file.write_text('{"forms": [')
    assert pipeline.export("dense", ["onnx"])["forms"].keys() == {"onnx"}


def test_bench_measures_in_a_process_of_its_own(dense: Run) -> None:
    """One form, read by what starts quickest; every form is measured where tests may take minutes."""
    told: list[str] = []
    path = dense.exports / "model-int8.tflite"
    row = measured("litert-int8", "litert", path, "mnist", Watcher(note=told.append))
    assert (row["form"], row["reader"]) == ("litert-int8", "litert")
    assert 0 < row["one_image_ms"]["median"] <= row["one_image_ms"]["p99"]
    assert row["images_per_second"].keys() == {"1", "2"}
    assert min(row["images_per_second"].values()) > 100
    assert row["load_ms"] > 0
    assert row["bytes"] == path.stat().st_size
    assert told == ["litert-int8 (litert)"]


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
    """In processes of their own, as a user has it; the convolutional network after two epochs instead of twenty."""
    by_command(tmp_path, "train", "--config", recipe, *(["--set", "training.epochs=2"] if recipe == "cnn" else []))
    by_command(tmp_path, "export", recipe)
    forms = card_of(Run(tmp_path / recipe))["forms"]
    assert forms.keys() == FORMS.keys()
    assert forms["litert-int8"]["files"][0]["bytes"] <= most
    readers = {name: {check["reader"] for check in form["checks"]} for name, form in forms.items()}
    assert readers == {name: set(form.readers) for name, form in FORMS.items()}
    rows = json.loads(by_command(tmp_path, "bench", recipe, "--json"))["rows"]
    assert len(rows) == 1 + sum(len(form.readers) for name, form in FORMS.items() if name != "c-array")
    assert all(row["agreement"] == 1 for row in rows if row["form"] == "keras" or FORMS[row["form"]].exact)
    assert all(row["accuracy"] >= rows[0]["accuracy"] - 0.00101 for row in rows)


@pytest.mark.slow
def test_the_smallest_recipe_leaves_in_float(tmp_path: Path) -> None:
    """Ten units a layer: in eight bits some seeds lose too much, and are refused."""
    by_command(tmp_path, "train", "--config", "tiny")
    by_command(tmp_path, "export", "tiny", "--to", "onnx", "--to", "litert", "--to", "saved-model", "--with-scaling")
    assert len(card_of(Run(tmp_path / "tiny"))["forms"]) == 4
