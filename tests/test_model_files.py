"""Model files from elsewhere: nothing in them runs, nothing is read that is not what its name says."""

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from mnist_pipeline.errors import RunError
from mnist_pipeline.prediction import runtimes
from mnist_pipeline.prediction.foreign import try_out, vet
from mnist_pipeline.prediction.runtimes import open_runtime
from mnist_pipeline.runs.run import Run
from mnist_pipeline.training import keras_file
from mnist_pipeline.training.scoring import load_model


def changed(source: Path, target: Path, **members: bytes | None) -> Path:
    """The .keras file with other contents for some members, by their stems; None leaves a member out."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = members.get(name.split(".")[0], old.read(name))
            if content is not None:
                new.writestr(name, content)
    return target


def config_of(path: Path) -> Any:
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("config.json"))


def test_the_models_made_here_are_loaded(smoke_run: Run) -> None:
    assert load_model(smoke_run.model_file).count_params() == smoke_run.figures("train")["parameters"]


def test_a_lambda_layer_is_refused_with_the_reason(tmp_path: Path, tensorflow: None) -> None:
    from mnist_pipeline.training.backend import keras

    model = keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Lambda(lambda x: x * 2)])
    model.save(tmp_path / "model.keras")
    with pytest.raises(RunError, match="Lambda layer: that is a program"):
        load_model(tmp_path / "model.keras")


@pytest.mark.parametrize("module", ["os", "builtins", "kerasx.layers", "keras_evil", None])
def test_a_class_that_is_not_keras_own_is_refused(smoke_run: Run, tmp_path: Path, module: str | None) -> None:
    config = config_of(smoke_run.model_file)
    config["config"]["layers"][2] |= {"module": module, "class_name": "Thing"}
    path = changed(smoke_run.model_file, tmp_path / "model.keras", config=json.dumps(config).encode())
    with pytest.raises(RunError, match="not one of Keras' own"):
        load_model(path)


def test_a_file_that_is_not_what_its_name_says_is_refused(smoke_run: Run, tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    for content in (b"", b"\x80\x04pickle", b"\x89HDF\r\n\x1a\n", smoke_run.onnx_file.read_bytes()):
        path.write_bytes(content)
        with pytest.raises(RunError, match=r"no \.keras file, whatever its name says"):
            load_model(path)
    with pytest.raises(RunError, match="is missing"):
        load_model(tmp_path / "none.keras")


def test_members_are_bounded_before_they_are_unpacked(
    smoke_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keras_file, "LARGEST", 2**20)
    bomb = changed(smoke_run.model_file, tmp_path / "bomb.keras", model=bytes(2**21))
    assert bomb.stat().st_size < 2**15
    with pytest.raises(RunError, match="unpacked it is larger"):
        load_model(bomb)
    monkeypatch.setattr(keras_file, "LARGEST", 2**10)
    with pytest.raises(RunError, match="it is larger than"):
        load_model(smoke_run.model_file)


def test_other_members_are_refused(smoke_run: Run, tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    shutil.copy(smoke_run.model_file, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../escape.txt", "x")
    with pytest.raises(RunError, match="something else"):
        load_model(path)
    with pytest.raises(RunError, match="something else"):
        load_model(changed(smoke_run.model_file, tmp_path / "less.keras", metadata=None))


@pytest.mark.parametrize("how", ["external link", "external storage", "soft link", "huge"])
def test_weights_that_point_elsewhere_or_lie_about_their_size_are_refused(
    smoke_run: Run, tmp_path: Path, how: str
) -> None:
    weights = tmp_path / "model.weights.h5"
    with h5py.File(weights, "w") as file:
        if how == "external link":
            file["layers"] = h5py.ExternalLink("/etc/hostname", "/")
        elif how == "external storage":
            file.create_dataset("0", (4,), "u1", external=[("/etc/hostname", 0, 4)])
        elif how == "soft link":
            file["layers"] = h5py.SoftLink("/layers")
        else:
            file.create_dataset("0", (2**40,), "f4", chunks=(1024,), compression="gzip")
    path = changed(smoke_run.model_file, tmp_path / "model.keras", model=weights.read_bytes())
    with pytest.raises(RunError, match="claim to be larger" if how == "huge" else "point elsewhere"):
        load_model(path)


def test_an_onnx_file_that_keeps_its_weights_elsewhere_is_refused(smoke_run: Run, tmp_path: Path) -> None:
    import onnx

    path = tmp_path / "model.onnx"
    onnx.save(onnx.load(smoke_run.onnx_file), path, save_as_external_data=True, location="w.bin", size_threshold=0)
    with pytest.raises(RunError, match="weights in other files"):
        open_runtime(path)


@pytest.mark.parametrize("name", ["model.onnx", "model.tflite"])
@pytest.mark.parametrize("content", [b"", b"\x80\x04pickle", b"PK\x03\x04zip", b"\x89HDF\r\n\x1a\n"])
def test_a_model_of_another_kind_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RunError, match="whatever its name says"):
        open_runtime(tmp_path / name)


def test_an_onnx_file_under_litert_s_name_is_refused(smoke_run: Run, tmp_path: Path) -> None:
    shutil.copy(smoke_run.onnx_file, tmp_path / "model.tflite")
    with pytest.raises(RunError, match="not a LiteRT model, whatever its name says"):
        open_runtime(tmp_path / "model.tflite")


@pytest.mark.parametrize("reader", ["opencv", "onnxruntime"])
def test_a_damaged_file_is_one_line(
    smoke_run: Run, tmp_path: Path, reader: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    content = smoke_run.onnx_file.read_bytes()
    (tmp_path / "model.onnx").write_bytes(content[: len(content) // 2])
    with pytest.raises(RunError, match="is damaged") as refused:
        open_runtime(tmp_path / "model.onnx", reader)
    assert "\n" not in str(refused.value)
    assert capfd.readouterr().err == ""


def test_a_foreign_graph_that_makes_no_sense_is_refused_before_it_is_computed(smoke_run: Run, tmp_path: Path) -> None:
    """OpenCV would crash on it."""
    import onnx

    model = onnx.load(smoke_run.onnx_file)
    model.graph.node[2].input[0] = "nowhere"
    onnx.save(model, tmp_path / "model.onnx")
    with pytest.raises(RunError, match="is damaged"):
        vet(tmp_path / "model.onnx")
    content = smoke_run.onnx_file.read_bytes()
    (tmp_path / "half.onnx").write_bytes(content[: len(content) // 2])
    with pytest.raises(RunError, match="is damaged"):
        vet(tmp_path / "half.onnx")
    try_out(smoke_run.onnx_file, "opencv")


def test_opening_says_nothing_on_stdout(smoke_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """ONNX Runtime would explain there that it cannot read its own error message."""
    content = smoke_run.onnx_file.read_bytes()
    assert b"MatMul" in content
    (tmp_path / "model.onnx").write_bytes(content.replace(b"MatMul", b"Ma\xffMul"))
    with pytest.raises(RunError):
        open_runtime(tmp_path / "model.onnx", "onnxruntime")
    assert capsys.readouterr().out == ""


def test_a_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="a folder"):
        open_runtime(tmp_path)


def test_a_large_file_is_not_even_read(smoke_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtimes, "LARGEST_MODEL", 1000)
    with pytest.raises(RunError, match="more than the"):
        open_runtime(smoke_run.onnx_file)


@pytest.mark.parametrize("reader", ["opencv", "onnxruntime"])
def test_a_model_of_something_else_is_refused(tmp_path: Path, reader: Any) -> None:
    """It takes digits and gives three scores."""
    import onnx
    from onnx import helper

    weights = onnx.numpy_helper.from_array(np.ones((784, 3), np.float32), "w")
    shape = onnx.numpy_helper.from_array(np.array([-1, 784]), "s")
    graph = helper.make_graph(
        [helper.make_node("Reshape", ["image", "s"], ["x"]), helper.make_node("MatMul", ["x", "w"], ["y"])],
        "other",
        [helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, ["n", 28, 28])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["n", 3])],
        [weights, shape],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8), tmp_path / "o.onnx")
    with pytest.raises(RunError, match="no digit classifier"):
        open_runtime(tmp_path / "o.onnx", reader)


@pytest.mark.parametrize(
    ("units", "problem"),
    [
        (700_000, "made for 556,500,010 weights, and it holds 25,450"),
        (10**9, "made for 795,000,000,010 weights, and it holds 25,450"),
        ("x", "could not be deserialized"),
        (2.5, "cannot be loaded"),
        (10**30, "cannot be loaded"),
    ],
)
def test_layers_for_more_weights_than_the_file_holds_are_refused_before_they_are_made(
    smoke_run: Run, tmp_path: Path, units: Any, problem: str
) -> None:
    config = config_of(smoke_run.model_file)
    dense = next(layer for layer in config["config"]["layers"] if layer["class_name"] == "Dense")
    dense["config"]["units"] = units
    for layer in config["config"]["layers"]:
        layer.pop("build_config", None)
    path = changed(smoke_run.model_file, tmp_path / "model.keras", config=json.dumps(config).encode())
    with pytest.raises(RunError, match=problem) as refused:
        load_model(path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("Resizing", "keras.layers"), ("ZeroPadding2D", "keras.layers"), ("StringLookup", "keras.layers"),
        ("TFSMLayer", "keras.layers"), ("get_file", "keras.utils"), ("Functional", "keras.src.models"),
    ],
)  # fmt: skip
def test_a_part_that_no_digit_classifier_is_made_of_is_refused(
    smoke_run: Run, tmp_path: Path, name: str, module: str
) -> None:
    """Some make much out of little, and some read files."""
    config = config_of(smoke_run.model_file)
    config["config"]["layers"][2] |= {"module": module, "class_name": name}
    path = changed(smoke_run.model_file, tmp_path / "model.keras", config=json.dumps(config).encode())
    with pytest.raises(RunError, match=f"a part '{name}', which is none"):
        load_model(path)


def test_layers_that_give_much_for_an_image_are_refused(tmp_path: Path, tensorflow: None) -> None:
    from mnist_pipeline.training.backend import keras

    layers = keras.layers
    wide = [layers.Input((28, 28, 1)), layers.Conv2D(9000, 1), layers.GlobalAveragePooling2D(), layers.Dense(10)]
    keras.Sequential(wide).save(tmp_path / "model.keras")
    with pytest.raises(RunError, match=r"would give 7,065,\d+ values for one image"):
        load_model(tmp_path / "model.keras")
    inner = keras.Sequential([layers.Input((28, 28)), layers.Flatten(), layers.Dense(10)])
    keras.Sequential([layers.Input((28, 28)), inner]).save(tmp_path / "model.keras")
    with pytest.raises(RunError, match="a network inside a network"):
        load_model(tmp_path / "model.keras")


@pytest.mark.parametrize("member", ["config.json", "model.weights.h5"])
def test_garbage_inside_a_whole_archive_is_one_line(smoke_run: Run, tmp_path: Path, member: str) -> None:
    path = changed(smoke_run.model_file, tmp_path / "model.keras")
    with zipfile.ZipFile(path) as archive:
        starts = archive.getinfo(member).header_offset + 30 + len(member)
    content = bytearray(path.read_bytes())
    content[starts : starts + 20] = b"\xff" * 20
    path.write_bytes(content)
    with pytest.raises(RunError, match="it is damaged"):
        load_model(path)


def test_weights_that_lead_to_the_same_array_without_end_are_refused(smoke_run: Run, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "w.h5", "w") as file:
        inner = file.create_group("0")
        for number in range(1, 40):
            outer = file.create_group(str(number))
            outer["a"] = outer["b"] = inner
            inner = outer
    path = changed(smoke_run.model_file, tmp_path / "model.keras", model=(tmp_path / "w.h5").read_bytes())
    with pytest.raises(RunError, match="more than 10,000 arrays"):
        load_model(path)
