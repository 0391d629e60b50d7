"""A saved Keras model over a part of the data: probabilities and the model's own loss, in one pass."""

from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.config import Config
from mnist_pipeline.data import Part
from mnist_pipeline.errors import RunError
from mnist_pipeline.pixels.preprocess import scale
from mnist_pipeline.prediction.runtimes import normalised
from mnist_pipeline.training.backend import keras, tf
from mnist_pipeline.training.fit import loss_of, targets_of
from mnist_pipeline.training.keras_file import Content, examine

_BATCH = 1000  # no effect on the figures, only on speed
_MOST_VALUES = 2**28  # that the layers give for all images of a batch; of our networks at most 2**27
_LARGEST_VALUES = 2**22  # that they give for one image
_MOST_WORK = 10**10  # multiplications for one image


def load_model(path: Path) -> keras.Model:
    """The model, looked at first and with Keras' safe mode on: a file that would run code is refused."""
    content = examine(path)
    try:
        problem = _excess(content)
        if problem is None:
            return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # whatever Keras and TensorFlow make of a config
        problem = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
    raise RunError(f"{path}: the model cannot be loaded ({problem})")


def _excess(content: Content) -> str | None:
    """What a network would take beyond what its file holds, seen from its layers' shapes: nothing is allocated yet."""
    with keras.StatelessScope(initialize_variables=False):
        model = keras.saving.deserialize_keras_object(content.config, safe_mode=True)
    if any(isinstance(layer, keras.Model) for layer in model.layers):
        return "it has a network inside a network"
    weights = sum(prod(weight.shape) for weight in model.weights)
    if weights > content.values:
        return f"its layers are made for {weights:,} weights, and it holds {content.values:,}"
    work = sum(prod(layer.output.shape[1:-1]) * layer.count_params() for layer in model.layers)
    if _values(model) > _LARGEST_VALUES or work > _MOST_WORK:
        return f"its layers would give {_values(model):,} values for one image, by {work:,} multiplications"
    return None


def _values(model: keras.Model) -> int:
    """How many values all layers together give for one image."""
    return sum(prod(layer.output.shape[1:]) for layer in model.layers)


def score(model: keras.Model, config: Config, part: Part) -> tuple[NDArray[np.float32], float]:
    """Probabilities that add up to one for every image, and the mean loss as Keras computes it."""
    scores, mean = outputs(model, config, part)
    return normalised(scores, config.model.output), mean


def outputs(model: keras.Model, config: Config, part: Part) -> tuple[NDArray[np.float32], float]:
    """The model's own ten outputs for every image, and the mean loss."""
    images = scale(part.images).reshape(-1, *model.input_shape[1:])
    targets = targets_of(config, part.labels)
    loss = loss_of(config)

    # Loss and outputs in one graph, because Keras computes the loss of a sigmoid from the logits behind it.
    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def run(images: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        outputs = model(images, training=False)
        return outputs, loss(targets, outputs) * tf.cast(tf.shape(images)[0], tf.float32)

    together = min(_BATCH, _MOST_VALUES // _values(model))
    starts = range(0, len(part), together)
    pieces = [run(images[at : at + together], targets[at : at + together]) for at in starts]
    mean = sum(float(total) for _, total in pieces) / len(part)
    return np.concatenate([scores.numpy() for scores, _ in pieces]), float(mean)
