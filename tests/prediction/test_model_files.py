"""ONNX and LiteRT files from elsewhere: nothing is read that is not what its name says."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_pipeline.errors import RunError
from mnist_pipeline.prediction.foreign import vet
from mnist_pipeline.prediction.predictor import Predictor
from mnist_pipeline.prediction.runtimes import open_runtime
from mnist_pipeline.runs.run import Run


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
    with pytest.raises(RunError, match="no model that litert reads, whatever its name says"):
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
    with pytest.raises(RunError, match="gives 3 scores for an image, expected 10: a model of other classes"):
        Predictor(str(tmp_path / "o.onnx"), "other", "softmax", reader)
