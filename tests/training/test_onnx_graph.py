"""What becomes of the graph that the exporter wrote: batch normalizations joined, constants in order."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_pipeline.data import Part
from mnist_pipeline.pixels.preprocess import scale
from mnist_pipeline.prediction.predictor import predictor
from mnist_pipeline.prediction.shipping import ShippedRun, shipped
from mnist_pipeline.runs.run import Run
from mnist_pipeline.training.saving import join_batch_norms


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


@pytest.mark.usefixtures("tensorflow")
def test_a_network_comes_back_from_its_file(test_images: Part) -> None:
    """Convolutions, batch normalizations before and behind the pooling, and the dense layer at the end."""
    from mnist_pipeline.training.saving import load_onnx

    run, images = ShippedRun(), test_images.images[:200]
    model = load_onnx(shipped().path, run.config().model)
    np.testing.assert_allclose(model(scale(images)[..., None]), predictor("shipped").probabilities(images), atol=1e-5)


@pytest.mark.usefixtures("tensorflow")
def test_a_batch_normalization_has_the_same_bits_on_every_processor(tmp_path: Path) -> None:
    """Those of float64 rounded once, where TensorFlow's float32 has other last bits on another processor."""
    import onnx

    from mnist_pipeline.training import models
    from mnist_pipeline.training.means import joined
    from mnist_pipeline.training.saving import save_onnx
    from tests.training.test_blocks import network, randomize

    member = models.build(network([{"filters": 64, "batch_norm": True, "pool": 2}]), seed=0)
    randomize(member)
    save_onnx(joined([member]), tmp_path / "model.onnx")
    graph = onnx.load(tmp_path / "model.onnx").graph
    constants = {constant.name: onnx.numpy_helper.to_array(constant) for constant in graph.initializer}
    (norm,) = (node for node in graph.node if node.op_type == "BatchNormalization")
    gamma, beta, mean, variance = (weight.astype(np.float64) for weight in member.get_layer("bn1").get_weights())
    scale = gamma / np.sqrt(variance + 0.001)
    np.testing.assert_array_equal(constants[norm.input[1]], scale.astype(np.float32))
    np.testing.assert_array_equal(constants[norm.input[2]], (beta - mean * scale).astype(np.float32))
