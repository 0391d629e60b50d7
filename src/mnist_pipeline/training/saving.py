"""A network as files, the same bytes for the same network: Keras' own, and ONNX that runtimes compute quickly."""

import contextlib
import io
import json
import logging
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray

from mnist_pipeline.config.schema import Model
from mnist_pipeline.prediction.shipping import ShippedRun
from mnist_pipeline.runs.files import whole
from mnist_pipeline.runs.run import Run
from mnist_pipeline.training.backend import keras, tf
from mnist_pipeline.training.keras_file import load_model
from mnist_pipeline.training.models import build


class Norm(NamedTuple):
    """What a batch normalization multiplies each channel with, and what it adds then."""

    scale: NDArray[np.float32]
    bias: NDArray[np.float32]

    def is_near(self, other: "Norm") -> bool:
        """Whether the other one comes to the same up to rounding."""
        same_shape = self.scale.shape == other.scale.shape
        return same_shape and all(np.allclose(a, b, rtol=1e-4, atol=1e-5) for a, b in zip(self, other, strict=True))


def save_keras(model: keras.Model, path: Path) -> None:
    """Write the model as a .keras file, without what Keras puts in of its moment: times, and addresses in memory."""
    with whole(path) as beside:
        model.save(beside)
        with zipfile.ZipFile(beside) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(beside, "w") as archive:
            for name, content in members.items():
                archive.writestr(zipfile.ZipInfo(name), _timeless(content) if name.endswith(".json") else content)


def _timeless(content: bytes) -> str:
    """A member's JSON without the date, in which parts that are one object share a number counted from 1."""
    numbers: dict[int, int] = {}

    def plain(part: dict[str, Any]) -> dict[str, Any]:
        if "shared_object_id" in part:
            part["shared_object_id"] = numbers.setdefault(part["shared_object_id"], len(numbers) + 1)
        return {key: value for key, value in part.items() if key != "date_saved"}

    return json.dumps(json.loads(content, object_hook=plain))


def save_onnx(model: keras.Model, path: Path, *, joined: bool = True) -> None:
    """Write the model as ONNX, float32, for any number of images at a time.

    Its batch normalizations are joined to one node each, unless it is to be made into eight bits.
    """
    model(tf.zeros((1, *model.input_shape[1:]), model.inputs[0].dtype))  # the exporter wants a model once called
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    with whole(path) as beside:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")  # tf2onnx probes for numpy names that are gone
            model.export(str(beside), format="onnx", verbose=False)
        tidy(beside, joined, [*_norms(model)])


def _norms(model: keras.Model) -> Iterator[Norm]:
    """What a network's batch normalizations come to, computed in float64 and rounded once: alike on every processor.

    What TensorFlow computes in float32 differs in its last bits between an AMD EPYC and an Intel Xeon.
    """
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _norms(layer)
        elif isinstance(layer, keras.layers.BatchNormalization):
            mean, variance = (np.float64(value) for value in (layer.moving_mean, layer.moving_variance))
            scale = (np.float64(layer.gamma) if layer.scale else 1.0) / np.sqrt(variance + layer.epsilon)
            bias = (np.float64(layer.beta) if layer.center else 0.0) - mean * scale
            yield Norm(scale.astype(np.float32), bias.astype(np.float32))


def load_network(run: Run) -> keras.Model:
    """A trained run's network; of the shipped model there is the ONNX file alone."""
    return load_onnx(run.onnx_file, run.config().model) if isinstance(run, ShippedRun) else load_model(run)


def load_onnx(path: Path, settings: Model) -> keras.Model:
    """The network of these settings with the weights of an ONNX file that `save_onnx` made of such a network."""
    graph = onnx.load(path).graph
    constants = {constant.name: onnx.numpy_helper.to_array(constant) for constant in graph.initializer}
    read = [constants[name] for node in graph.node for name in node.input if name in constants]
    weights = [values for values in read if values.dtype == np.float32]  # the others are shapes
    model = build(settings, seed=0)  # of ten digits, as the shipped model is
    for layer in model.layers:
        taken, weights = weights[: len(layer.weights)], weights[len(layer.weights) :]
        if isinstance(layer, keras.layers.Conv2D):
            taken[0] = taken[0].transpose(2, 3, 1, 0)
        elif isinstance(layer, keras.layers.BatchNormalization):
            taken[3] = taken[3] - np.float32(layer.epsilon)  # which Keras adds to the variance
        layer.set_weights(taken)
    return model


def tidy(path: Path, joined: bool, norms: Sequence[Norm] = ()) -> None:
    """Write the exporter's file again: joined where asked, names and order no longer by chance."""
    model = onnx.load(path)
    if joined:
        join_batch_norms(model.graph, norms)
    _rename(model.graph)
    sort_constants(model.graph)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _rename(graph: onnx.GraphProto) -> None:
    """Name input and output by what they are, all else by numbers.

    The converter's names, like Identity:0 and unk__20, count what the process did before: the same network would give
    another file each time.
    """
    graph.name, graph.doc_string = "mnist", ""
    names = {"": "", graph.input[0].name: graph.input[0].name, graph.output[0].name: "scores"}
    for number, node in enumerate(graph.node):
        node.name = f"{node.op_type}{number}"
        node.input[:] = [names.setdefault(name, f"value{len(names)}") for name in node.input]
        node.output[:] = [names.setdefault(name, f"value{len(names)}") for name in node.output]
    for value in (*graph.initializer, *graph.output):
        value.name = names.setdefault(value.name, f"value{len(names)}")
    for end in (graph.input[0], graph.output[0]):
        end.type.tensor_type.shape.dim[0].dim_param = "n"
    del graph.value_info[:]  # shapes in between, which every reader finds out for itself


def sort_constants(graph: onnx.GraphProto) -> None:
    """Put constants into the order in which the nodes read them.

    Converters keep them in sets of strings, which Python puts into another order in each process.
    """
    order = {name: number for number, name in enumerate(chain.from_iterable(node.input for node in graph.node))}
    graph.initializer.sort(key=lambda constant: order[constant.name])


def join_batch_norms(graph: onnx.GraphProto, norms: Sequence[Norm] = ()) -> None:
    """Join each product and sum by channel, which the exporter writes for a batch normalization, to one node.

    Of the network's own norms the one that comes to the same takes the place of what the exporter wrote. ONNX Runtime
    keeps channels in blocks, and leaves them for every sum. The node goes behind the pooling, where there are fewer
    values to normalize: where no scale is negative, the largest stays the largest.
    """
    constants = {constant.name: onnx.numpy_helper.to_array(constant) for constant in graph.initializer}
    for product in [node for node in graph.node if node.op_type == "Mul"]:
        added = _reader(graph, product, "Add")
        scale = _by_channel(constants.get(product.input[1]))
        bias = _by_channel(constants.get(added.input[1])) if added else None
        if added is None or scale is None or bias is None:
            continue
        written = Norm(scale, bias)
        scale, bias = next((norm for norm in norms if norm.is_near(written)), written)
        # With a mean of 0 and a variance of 1 every runtime computes exactly both.
        given = {"scale": scale, "bias": bias, "mean": np.zeros_like(scale), "variance": np.ones_like(scale)}
        names = [f"{product.output[0]}/{name}" for name in given]
        graph.initializer.extend(map(onnx.numpy_helper.from_array, given.values(), names))
        first, between = product.input[0], added.output[0]
        norm = onnx.helper.make_node("BatchNormalization", [first, *names], [between], epsilon=0.0)
        pooled = _reader(graph, added, "MaxPool")
        if pooled is not None and scale.min() >= 0:
            norm.input[0], norm.output[0] = between, pooled.output[0]
            product.CopyFrom(pooled)
            product.input[0], product.output[0] = first, between
            pooled.CopyFrom(norm)
        else:
            product.CopyFrom(norm)
        graph.node.remove(added)
    used = set(chain.from_iterable(node.input for node in graph.node))
    for constant in [constant for constant in graph.initializer if constant.name not in used]:
        graph.initializer.remove(constant)


def _reader(graph: onnx.GraphProto, node: onnx.NodeProto, kind: str) -> onnx.NodeProto | None:
    """The only node that reads the output of this one, if it is of that kind."""
    readers = [other for other in graph.node if node.output[0] in other.input]
    return readers[0] if len(readers) == 1 and readers[0].op_type == kind else None


def _by_channel(values: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
    """The values, one for each channel of (n, channels, height, width); None when they are something else."""
    return values.ravel() if values is not None and values.ndim == 4 and values.size == values.shape[1] else None
