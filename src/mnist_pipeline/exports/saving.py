"""A trained Keras model as files: Keras' own, ONNX, and TensorFlow's SavedModel."""

import contextlib
import io
import logging
import warnings
from pathlib import Path

import onnx

from mnist_pipeline.backend import keras, tf
from mnist_pipeline.exports.batch_norm import join_batch_norms
from mnist_pipeline.runs.files import whole


def save_keras(model: keras.Model, path: Path) -> None:
    """The model in Keras' own format."""
    with whole(path) as beside:
        model.save(beside)


def save_onnx(model: keras.Model, path: Path, *, joined: bool = True) -> None:
    """The model as ONNX, float32, any number of images at a time; the same bytes for the same network.

    Batch normalizations are joined to one node each, unless it is to be made into eight bits.
    """
    model(tf.zeros((1, *model.input_shape[1:]), model.inputs[0].dtype))  # the exporter wants a model once called
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    with whole(path) as beside:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")  # tf2onnx probes for numpy names that are gone
            model.export(str(beside), format="onnx", verbose=False)
        tidy(beside, joined)


def save_folder(model: keras.Model, path: Path) -> None:
    """The model as a SavedModel, which TensorFlow Serving and its like take."""
    model.export(str(path), format="tf_saved_model", verbose=False)


def tidy(path: Path, joined: bool) -> None:
    """What the exporter wrote, written again."""
    model = onnx.load(path)
    if joined:
        join_batch_norms(model.graph)
    _rename(model.graph)
    sort_constants(model.graph)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def sort_constants(graph: onnx.GraphProto) -> None:
    """Constants in the order in which the nodes read them.

    Converters keep them in sets of strings, which Python puts into another order in each process.
    """
    order = {name: number for number, name in enumerate(name for node in graph.node for name in node.input)}
    constants = sorted(graph.initializer, key=lambda constant: order[constant.name])
    del graph.initializer[:]
    graph.initializer.extend(constants)


def _rename(graph: onnx.GraphProto) -> None:
    """Ends by names that say what they are, all else by numbers.

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
