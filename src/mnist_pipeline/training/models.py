"""A model config as an untrained Keras network, in its plain form, which is saved, or in the form that it trains in.

Both forms have the same weights in the same order, and mean the same. While a network trains, some of its layers
compute differently: to be quicker, or to give the same bits on every processor.
"""

from typing import Any, NamedTuple

from mnist_pipeline.config.schema import CnnModel, DenseModel, Model, Training
from mnist_pipeline.numerals import DIGITS
from mnist_pipeline.pixels.preprocess import SIDE
from mnist_pipeline.training.backend import keras, tf
from mnist_pipeline.training.portable import (
    PortableBatchNormalization,
    PortableConvolution,
    PortableDense,
    PortableMaxPooling,
)


class _LayerSet(NamedTuple):
    """The classes that a network is built of; by default Keras' own, to be saved."""

    dense: type[Any] = keras.layers.Dense
    convolution: type[Any] = keras.layers.Conv2D
    max_pooling: type[Any] = keras.layers.MaxPooling2D
    batch_norm: type[Any] = keras.layers.BatchNormalization


_PORTABLE = _LayerSet(PortableDense, PortableConvolution, PortableMaxPooling, PortableBatchNormalization)


def build(settings: Model, seed: int, training: Training | None = None, classes: int = len(DIGITS)) -> keras.Model:
    """The network in its plain form, or in that of the training; its first weights are a function of the seed alone."""
    layers, policy = _LayerSet(), "float32"
    if training:
        layers = _PORTABLE if training.numerics == "portable" else _LayerSet(batch_norm=FusedBatchNormalization)
        policy = "mixed_bfloat16" if training.precision == "bfloat16" else policy
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy(policy)
    try:
        if isinstance(settings, CnnModel):
            return _cnn(settings, layers, classes)
        assert isinstance(settings, DenseModel)  # an ensemble is made of networks that are trained
        return _dense(settings, layers, classes)
    finally:
        keras.config.set_dtype_policy("float32")


def _dense(settings: DenseModel, layers: _LayerSet, classes: int) -> keras.Model:
    inputs = keras.Input((SIDE, SIDE), name="image")
    x = keras.layers.Flatten(name="flatten")(inputs)
    for number, units in enumerate(settings.hidden, start=1):
        x = layers.dense(units, activation=settings.activation, name=f"dense{number}")(x)
        if settings.dropout:
            x = keras.layers.Dropout(settings.dropout, name=f"dropout{number}")(x)
    return keras.Model(inputs, _output(x, classes, settings.output, layers), name="dense")


def _cnn(settings: CnnModel, layers: _LayerSet, classes: int) -> keras.Model:
    inputs = keras.Input((SIDE, SIDE, 1), name="image")
    x = inputs
    for number, block in enumerate(settings.convolutions, start=1):
        x = layers.convolution(
            block.filters, block.kernel, padding="same", activation=settings.activation, name=f"conv{number}"
        )(x)
        if block.batch_norm:
            x = layers.batch_norm(name=f"bn{number}")(x)
        if block.pool > 1:
            x = layers.max_pooling(block.pool, name=f"pool{number}")(x)
    if settings.pooling == "average":
        x = keras.layers.GlobalAveragePooling2D(name="average")(x)
    else:
        x = keras.layers.Flatten(name="flatten")(x)
    for number, units in enumerate(settings.hidden, start=1):
        x = layers.dense(units, activation=settings.activation, name=f"dense{number}")(x)
    if settings.dropout:
        x = keras.layers.Dropout(settings.dropout, name="dropout")(x)
    return keras.Model(inputs, _output(x, classes, settings.output, layers), name="cnn")


def _output(x: keras.KerasTensor, classes: int, activation: str, layers: _LayerSet) -> keras.KerasTensor:
    """The classes' scores, in full precision whatever the layers before computed in."""
    return layers.dense(classes, activation=activation, name="output", dtype="float32")(x)


class FusedBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
    """Batch normalisation whose training pass is one operation instead of ten: a third less time for a small CNN."""

    def call(self, inputs: tf.Tensor, training: bool | None = None, mask: Any = None) -> tf.Tensor:
        """Normalise by Keras' formula, up to rounding."""
        if not training:
            return super().call(inputs, training=training, mask=mask)
        output, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs, scale=self.gamma.value, offset=self.beta.value, mean=[], variance=[], epsilon=self.epsilon
        )
        # The operation gives the sample's variance; Keras keeps the biased one.
        count = tf.cast(tf.size(inputs) // tf.shape(inputs)[-1], variance.dtype)
        for moving, batch in ((self.moving_mean, mean), (self.moving_variance, variance * (count - 1) / count)):
            moving.assign(moving * self.momentum + batch * (1 - self.momentum))
        return output
