"""Keras and SavedModel as runtimes: what every other one is held against."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.training.backend import keras, tf


class KerasRuntime:
    """A Keras model, its forward pass as one compiled graph."""

    name = "keras"

    def __init__(self, model: keras.Model) -> None:
        self._shape = model.input_shape[1:]
        self._call = tf.function(lambda images: model(images, training=False), autograph=False, reduce_retracing=True)

    def prepare(self, images: NDArray[np.float32]) -> NDArray[Any]:
        """Images in 0..1 in the shape that the model takes."""
        return images.reshape(-1, *self._shape)

    def compute(self, inputs: NDArray[Any]) -> NDArray[np.float32]:
        """The model's ten outputs for each."""
        return np.asarray(self._call(tf.constant(inputs)).numpy(), np.float32)

    def scores(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """The model's ten outputs for each of (n, 28, 28) images in 0..1."""
        return self.compute(self.prepare(images))


class SavedModelRuntime(KerasRuntime):
    """A SavedModel of our own making; TensorFlow alone reads it."""

    name = "tensorflow"

    def __init__(self, folder: Path) -> None:
        self._loaded = tf.saved_model.load(str(folder))  # kept: what it serves lives as long as it does
        served = self._loaded.signatures["serving_default"]
        (into,) = served.structured_input_signature[1].values()
        self._shape = tuple(into.shape[1:])
        # As a graph, like a server calls it; called from Python it takes ten times as long.
        self._call = tf.function(
            lambda images: next(iter(served(images).values())), autograph=False, reduce_retracing=True
        )
