"""Models from elsewhere: what is no digit classifier, or too much of one, is one line, whatever its reader does."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from typer.testing import CliRunner

from mnist_pipeline.cli import app
from mnist_pipeline.errors import RunError
from mnist_pipeline.prediction.foreign import check_network, try_out, vet
from mnist_pipeline.prediction.predictor import file_predictor, predictor
from mnist_pipeline.prediction.runtimes import RuntimeName, made_here
from mnist_pipeline.prediction.shipping import shipped
from mnist_pipeline.runs.run import Run

WEIGHTS = np.random.default_rng(0).normal(size=(784, 10)).astype(np.float32)
INPUT = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 28, 28, 1])
FLAT = helper.make_node("Flatten", ["image"], ["flat"])
ENDS = [helper.make_node("MatMul", ["flat", "w"], ["sums"]), helper.make_node("Softmax", ["sums"], ["scores"])]


def constant(name: str, values: Any) -> onnx.TensorProto:
    return numpy_helper.from_array(np.asarray(values), name)


def saved(
    path: Path, nodes: list[Any], *constants: onnx.TensorProto, takes: onnx.ValueInfoProto = INPUT, **more: Any
) -> Path:
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 10])
    graph = helper.make_graph(nodes, "g", [takes], [scores], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, **more)
    path.write_bytes(model.SerializeToString())
    return path


def endless_loop(path: Path) -> Path:
    """OpenCV crashes over it, and ONNX Runtime never ends."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Add", ["x", "x"], ["twice"])],
        "body",
        [
            helper.make_tensor_value_info("round", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("x", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("twice", TensorProto.FLOAT, None),
        ],
    )
    loop = helper.make_node("Loop", ["rounds", "yes", "flat"], ["sum"], body=body)
    first, last = helper.make_node("MatMul", ["sum", "w"], ["sums"]), ENDS[1]
    rounds, yes = constant("rounds", np.int64(2**62)), constant("yes", True)
    return saved(path, [FLAT, loop, first, last], rounds, yes, constant("w", WEIGHTS))


def test_a_loop_is_one_line(tmp_path: Path) -> None:
    path = endless_loop(tmp_path / "model.onnx")
    done = CliRunner().invoke(app, ["predict", "--model", str(path), "examples/7.png"])
    assert done.exit_code == 2
    assert done.stderr == f"Error: {path}: has a node 'Loop', which is none that a digit classifier is made of\n"


@pytest.mark.parametrize("reader", ["opencv", "onnxruntime", "litert"])
def test_a_reader_that_dies_or_takes_too_much_is_one_line(
    reader: RuntimeName, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import os\nos.kill(os.getpid(), 11)\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    with pytest.raises(RunError, match=f"model: not read: {reader} crashed over it, or would take more") as refused:
        try_out(tmp_path / "model", reader)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("where", ["initializer", "attribute"])
@pytest.mark.parametrize("value_first", [False, True])
def test_no_other_file_is_read(where: str, value_first: bool, tmp_path: Path) -> None:
    (tmp_path / "secret.bin").write_bytes(WEIGHTS.tobytes())
    tensor = TensorProto(name="w", dims=[784, 10], data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="secret.bin")
    if where == "initializer":
        path = saved(tmp_path / "model.onnx", [FLAT, *ENDS], tensor)
    else:
        path = saved(tmp_path / "model.onnx", [FLAT, helper.make_node("Constant", [], ["w"], value=tensor), *ENDS])
    usual, other = b"\x0a\x08location\x12\x0asecret.bin", b"\x12\x0asecret.bin\x0a\x08location"
    assert usual in path.read_bytes()
    if value_first:
        path.write_bytes(path.read_bytes().replace(usual, other))
    with pytest.raises(RunError, match="weights in other files, which are not read here"):
        vet(path)


FORBIDDEN = {
    "margins": (
        [
            helper.make_node("Reshape", ["image", "shape"], ["c"]),
            helper.make_node("MaxPool", ["c"], ["p"], kernel_shape=[60_000, 60_000], pads=[59_990] * 4),
            FLAT,
            *ENDS,
        ],
        [constant("shape", [-1, 1, 28, 28]), constant("w", WEIGHTS)],
        "has a node MaxPool that reaches further than 64 pixels",
    ),
    "sizes that the image decides": (
        [
            FLAT,
            helper.make_node("Cast", ["flat"], ["steps"], to=TensorProto.INT64),
            helper.make_node("Reshape", ["steps", "all"], ["line"]),
            helper.make_node("Slice", ["line", "zero", "two"], ["shape"]),
            helper.make_node("Reshape", ["flat", "shape"], ["f"]),
            helper.make_node("MatMul", ["f", "w"], ["sums"]),
            ENDS[1],
        ],
        [constant("all", [784]), constant("zero", [0]), constant("two", [2]), constant("w", WEIGHTS)],
        "lets the image decide what shape its node Reshape gives",
    ),
    "a tensor that is not there": (
        [FLAT, *ENDS],
        [TensorProto(name="w", dims=[784, 10], data_type=TensorProto.FLOAT, raw_data=bytes(31_356))],
        "the model is damaged",
    ),
    "an operator of its author's own": (
        [helper.make_node("Flatten", ["image"], ["flat"], domain="own"), *ENDS],
        [constant("w", WEIGHTS)],
        r"has a node 'own\.Flatten', which is none",
    ),
    "values that the image decides": (
        [
            FLAT,
            helper.make_node("Cast", ["flat"], ["rows"], to=TensorProto.INT64),
            helper.make_node("Gather", ["w", "rows"], ["found"], axis=0),
            helper.make_node("ReduceMean", ["found"], ["sums"], axes=[1], keepdims=0),
            ENDS[1],
        ],
        [constant("w", WEIGHTS)],
        "its node Gather gives, or which values it takes",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", FORBIDDEN)
def test_what_no_trial_shows_is_refused_before_it_is_computed(kind: str, tmp_path: Path) -> None:
    nodes, constants, problem = FORBIDDEN[kind]
    with pytest.raises(RunError, match=problem):
        check_network(saved(tmp_path / "model.onnx", nodes, *constants))


@pytest.mark.parametrize("reader", ["opencv", "onnxruntime"])
def test_much_out_of_little_is_refused_by_its_trial(reader: RuntimeName, tmp_path: Path) -> None:
    """A tensor of 1.6 GB out of two constants of 80 kB."""
    nodes = [
        helper.make_node("Add", ["a", "b"], ["ab"]),
        helper.make_node("ReduceMean", ["ab"], ["mean"], keepdims=0),
        helper.make_node("Add", ["mean", "w0"], ["w"]),
    ]
    line = np.ones((20_000, 1), np.float32)
    constants = [constant("a", line), constant("b", line.T.copy()), constant("w0", WEIGHTS)]
    path = saved(tmp_path / "model.onnx", [*nodes, FLAT, *ENDS], *constants)
    with pytest.raises(RunError, match=r"the model is damaged or not one that|would take more than") as refused:
        vet(path, reader)
    assert "\n" not in str(refused.value)


def test_a_large_file_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "model.onnx").open("wb") as file:
        file.truncate(257 * 2**20)
    with pytest.raises(RunError, match="larger than the 256 MiB read here"):
        vet(tmp_path / "model.onnx")


def test_functions_of_its_author_s_own_are_refused(tmp_path: Path) -> None:
    own = helper.make_function(
        "own", "F", ["x"], ["y"], [helper.make_node("Flatten", ["x"], ["y"])], [helper.make_opsetid("", 17)]
    )
    path = saved(tmp_path / "model.onnx", [FLAT, *ENDS], constant("w", WEIGHTS), functions=[own])
    with pytest.raises(RunError, match="functions of its author's own"):
        check_network(path)


def test_what_a_file_says_of_itself_does_not_reach_the_terminal_raw(tmp_path: Path) -> None:
    path = saved(tmp_path / "model.onnx", [helper.make_node("Red\x1b[31m", ["image"], ["flat"]), *ENDS])
    with pytest.raises(RunError) as refused:
        vet(path)
    assert str(refused.value).isprintable()


def test_a_flood_of_empty_nodes_does_not_take_the_memory(tmp_path: Path) -> None:
    """Each takes two bytes in the file and a hundred in memory."""
    path = saved(tmp_path / "model.onnx", [FLAT, *ENDS], constant("w", WEIGHTS))
    nodes = b"\x0a\x00" * 2**23
    length, size = b"", len(nodes)
    while size > 127:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    path.write_bytes(path.read_bytes() + b"\x3a" + length + bytes([size]) + nodes)
    with pytest.raises(RunError, match=r"the model is damaged|not read: opencv"):
        vet(path)


def test_a_network_as_pytorch_writes_it_is_read(tmp_path: Path) -> None:
    """Its shape goes through nodes of its own, and one image at a time is all that it takes."""
    random = np.random.default_rng(1)
    nodes = [
        helper.make_node("Conv", ["image", "k", "b"], ["c"], kernel_shape=[5, 5], pads=[2, 2, 2, 2]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Shape", ["p"], ["shape"]),
        helper.make_node("Constant", [], ["zero"], value=constant("", np.int64(0))),
        helper.make_node("Gather", ["shape", "zero"], ["n"], axis=0),
        helper.make_node("Constant", [], ["axis"], value=constant("", [0])),
        helper.make_node("Unsqueeze", ["n", "axis"], ["n1"]),
        helper.make_node("Constant", [], ["rest"], value=constant("", [-1])),
        helper.make_node("Concat", ["n1", "rest"], ["flat shape"], axis=0),
        helper.make_node("Reshape", ["p", "flat shape"], ["flat"]),
        helper.make_node("Gemm", ["flat", "g", "gb"], ["sums"], transB=1),
        helper.make_node("LogSoftmax", ["sums"], ["scores"], axis=1),
    ]
    path = saved(
        tmp_path / "model.onnx", nodes,
        constant("k", random.normal(size=(8, 1, 5, 5)).astype(np.float32)), constant("b", np.zeros(8, np.float32)),
        constant("g", random.normal(size=(10, 8 * 14 * 14)).astype(np.float32)),
        constant("gb", np.zeros(10, np.float32)),
        takes=helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, 28, 28]),
    )  # fmt: skip
    model = file_predictor(path, "onnxruntime")
    assert model.probabilities(random.integers(0, 256, (3, 28, 28)).astype(np.uint8)).shape == (3, 10)


def test_only_what_lies_in_the_artifacts_folder_is_trusted(
    smoke_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert made_here(smoke_run.onnx_file)
    assert made_here(shipped().path)
    tried: list[Path] = []
    monkeypatch.setattr("mnist_pipeline.prediction.foreign.try_out", lambda path, name: tried.append(path))
    predictor(smoke_run)
    file_predictor(smoke_run.onnx_file)
    assert tried == []
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    predictor(smoke_run)
    file_predictor(smoke_run.onnx_file)
    assert tried == [smoke_run.onnx_file] * 2


def test_the_models_made_here_pass(smoke_run: Run) -> None:
    check_network(smoke_run.onnx_file)
    try_out(shipped().path, "opencv")
    try_out(shipped().path, "onnxruntime")
