"""A saved Keras model over a part of the data: probabilities and the model's own loss, in one pass."""

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.config import Config
from mnist_pipeline.data import Part
from mnist_pipeline.pixels.preprocess import scale
from mnist_pipeline.prediction.runtimes import normalised
from mnist_pipeline.training.backend import keras, tf
from mnist_pipeline.training.fit import loss_of, targets_of
from mnist_pipeline.training.keras_file import values_of

_BATCH = 1000  # no effect on the figures, only on speed
_MOST_VALUES = 2**28  # that the layers give for all images of a batch; of our networks at most 2**27


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

    together = min(_BATCH, _MOST_VALUES // values_of(model))
    starts = range(0, len(part), together)
    pieces = [run(images[at : at + together], targets[at : at + together]) for at in starts]
    mean = sum(float(total) for _, total in pieces) / len(part)
    return np.concatenate([scores.numpy() for scores, _ in pieces]), float(mean)
