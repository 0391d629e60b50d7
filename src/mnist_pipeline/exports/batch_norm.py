"""A batch normalization in ONNX as one node, behind its pooling: quicker than the product and sum of the exporter."""

from itertools import chain

import numpy as np
import onnx
from numpy.typing import NDArray


def join_batch_norms(graph: onnx.GraphProto) -> None:
    """Each product and sum by channel becomes one node; what it computes stays the same.

    ONNX Runtime keeps channels in blocks, and leaves them for every sum. Of what a pooling is about to throw away
    nothing needs to be normalized first: where no scale is negative, the largest stays the largest.
    """
    constants = {constant.name: onnx.numpy_helper.to_array(constant) for constant in graph.initializer}
    for product in [node for node in graph.node if node.op_type == "Mul"]:
        added = _reader(graph, product, "Add")
        scale = _by_channel(constants.get(product.input[1]))
        bias = _by_channel(constants.get(added.input[1])) if added else None
        if added is None or scale is None or bias is None:
            continue
        _join(graph, product, added, scale, bias)
        pooled = _reader(graph, product, "MaxPool")
        if pooled is not None and scale.min() >= 0:
            _swap(product, pooled)
    _drop_unused(graph)


def _reader(graph: onnx.GraphProto, node: onnx.NodeProto, kind: str) -> onnx.NodeProto | None:
    """The node that alone reads what this one gives, if it is of that kind."""
    readers = [other for other in graph.node if node.output[0] in other.input]
    return readers[0] if len(readers) == 1 and readers[0].op_type == kind else None


def _by_channel(values: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
    """The values, one for each channel of (n, channels, height, width); None when they are something else."""
    return values.ravel() if values is not None and values.ndim == 4 and values.size == values.shape[1] else None


def _join(
    graph: onnx.GraphProto,
    product: onnx.NodeProto,
    added: onnx.NodeProto,
    scale: NDArray[np.float32],
    bias: NDArray[np.float32],
) -> None:
    """In place of the product. With no mean and a variance of one, what every runtime computes is exactly both."""
    given = {"scale": scale, "bias": bias, "mean": np.zeros_like(scale), "variance": np.ones_like(scale)}
    names = [f"{product.output[0]}/{name}" for name in given]
    graph.initializer.extend(map(onnx.numpy_helper.from_array, given.values(), names))
    product.CopyFrom(
        onnx.helper.make_node("BatchNormalization", [product.input[0], *names], [added.output[0]], epsilon=0.0)
    )
    graph.node.remove(added)


def _swap(first: onnx.NodeProto, second: onnx.NodeProto) -> None:
    """The second reads what the first did, and the first what comes out of the second."""
    before, between, after = first.input[0], first.output[0], second.output[0]
    kept = onnx.NodeProto()
    kept.CopyFrom(first)
    first.CopyFrom(second)
    second.CopyFrom(kept)
    first.input[0], first.output[0] = before, between
    second.input[0], second.output[0] = between, after


def _drop_unused(graph: onnx.GraphProto) -> None:
    used = set(chain.from_iterable(node.input for node in graph.node))
    for constant in [constant for constant in graph.initializer if constant.name not in used]:
        graph.initializer.remove(constant)
