"""A trained Keras model to the files that leave the framework: ONNX."""

import contextlib
import io
import logging
import warnings
from pathlib import Path

from mnist_pipeline.backend import keras, tf
from mnist_pipeline.files import whole


def save_keras(model: keras.Model, path: Path) -> None:
    """The model in Keras' own format."""
    with whole(path) as beside:
        model.save(beside)


def save_onnx(model: keras.Model, path: Path) -> None:
    """The model as ONNX, float32, any number of images at a time."""
    model(tf.zeros((1, *model.input_shape[1:])))  # the exporter wants a model that was called once
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    with whole(path) as beside, warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # tf2onnx probes for numpy names that are gone
        model.export(str(beside), format="onnx", verbose=False)
