"""A trained Keras model as files: Keras' own, ONNX, and TensorFlow's SavedModel."""

import contextlib
import io
import logging
import warnings
from pathlib import Path

import onnx

from mnist_pipeline.backend import keras, tf
from mnist_pipeline.files import whole


def save_keras(model: keras.Model, path: Path) -> None:
    """The model in Keras' own format."""
    with whole(path) as beside:
        model.save(beside)


def save_onnx(model: keras.Model, path: Path) -> None:
    """The model as ONNX, float32, any number of images at a time; its ends called by their names."""
    model(tf.zeros((1, *model.input_shape[1:]), model.inputs[0].dtype))  # the exporter wants a model once called
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    with whole(path) as beside:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")  # tf2onnx probes for numpy names that are gone
            model.export(str(beside), format="onnx", verbose=False)
        _name_ends(beside)


def save_folder(model: keras.Model, path: Path) -> None:
    """The model as a SavedModel, which TensorFlow Serving and its like take."""
    model.export(str(path), format="tf_saved_model", verbose=False)


def _name_ends(path: Path) -> None:
    """The converter's names for the output and the number of images, as in Identity:0 and unk__20, are nobody's."""
    graph = onnx.load(path)
    output = graph.graph.output[0]
    for node in graph.graph.node:
        node.output[:] = ["scores" if name == output.name else name for name in node.output]
    output.name = "scores"
    for end in (graph.graph.input[0], output):
        end.type.tensor_type.shape.dim[0].dim_param = "n"
    onnx.checker.check_model(graph)
    onnx.save(graph, path)
