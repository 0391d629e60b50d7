"""A model config as an untrained Keras network, in its plain form, which is saved, or in the form that it trains in.

Both forms have the same weights in the same order, and mean the same. While a network trains, some of its layers
compute differently: to be quicker, or to give the same bits on every processor.
"""

from math import prod
from typing import Any, NamedTuple

from mnist_pipeline.config.schema import CnnModel, Convolution, DenseModel, Model, Training
from mnist_pipeline.numerals import DIGITS
from mnist_pipeline.pixels.preprocess import SIDE
from mnist_pipeline.runs.provenance import multiplies_bfloat16
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
    pools_early: bool = False  # before the activation, where that comes to the same


# Of these the largest of some values goes with the largest input.
_RISING = {"relu", "elu", "leaky_relu", "selu", "sigmoid", "tanh"}
_PORTABLE = _LayerSet(PortableDense, PortableConvolution, PortableMaxPooling, PortableBatchNormalization)


def build(settings: Model, seed: int, training: Training | None = None, classes: int = len(DIGITS)) -> keras.Model:
    """The network in its plain form, or in that of the training; its first weights are a function of the seed alone."""
    layers, policy = _LayerSet(), "float32"
    if training:
        fast = _LayerSet(batch_norm=FusedBatchNormalization, pools_early=True)
        layers = _PORTABLE if training.numerics == "portable" else fast
        policy = "mixed_bfloat16" if in_bfloat16(training) else policy
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy(policy)
    try:
        if isinstance(settings, CnnModel):
            return _cnn(settings, layers, classes)
        assert isinstance(settings, DenseModel)  # an ensemble is made of networks that are trained
        return _dense(settings, layers, classes)
    finally:
        keras.config.set_dtype_policy("float32")


def in_bfloat16(training: Training) -> bool:
    """Whether products are computed in bfloat16: where the config asks for it and the processor multiplies it.

    Without such instructions an epoch of cnn-fast takes 145 s in bfloat16, and 15 s in float32.
    """
    return training.precision == "bfloat16" and multiplies_bfloat16()


def keep_norms(network: keras.Model) -> None:
    """Have batch normalizations stay as they are in a training of this network, which is not yet compiled.

    So a network that is trained further computes as it answers. By each batch's own mean and variance it computed
    otherwise from the first step on: 5 more of 5,999 validation images were wrong when its weights had hardly moved.
    """
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False


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
    entering: list[keras.KerasTensor] = []  # what each block is given
    for number, block in enumerate(settings.convolutions, start=1):
        entering.append(x)
        early = layers.pools_early and _may_pool_early(block, settings)
        x = _convolved(x, number, block, settings, layers, early)
        if block.residual:
            around = settings.convolutions[number - block.residual : number]
            x = _with_shortcut(x, entering[-block.residual], number, prod(each.stride for each in around), layers)
        if block.pool > 1 and not early:
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


def _may_pool_early(block: Convolution, settings: CnnModel) -> bool:
    """Whether pooling before the activation comes to the same, in a block that pools."""
    between = block.residual or (block.batch_norm and not settings.norm_first) or block.separable
    return block.pool > 1 and not between and settings.activation in _RISING


def _convolved(
    x: keras.KerasTensor, number: int, block: Convolution, settings: CnnModel, layers: _LayerSet, early: bool
) -> keras.KerasTensor:
    """A block's convolution, activation and batch normalisation in the network's order; early: pooled in between."""
    norm_first = block.batch_norm and settings.norm_first
    shape: dict[str, Any] = {"strides": block.stride, "padding": "same", "name": f"conv{number}"}
    shape |= {"use_bias": False} if norm_first else {"activation": settings.activation}
    if early and not norm_first:
        return PooledConvolution(block.pool, filters=block.filters, kernel_size=block.kernel, **shape)(x)
    kind = keras.layers.SeparableConv2D if block.separable else layers.convolution
    x = kind(block.filters, block.kernel, **shape)(x)
    if block.batch_norm:
        x = layers.batch_norm(name=f"bn{number}")(x)
    if early:
        x = layers.max_pooling(block.pool, name=f"pool{number}")(x)
    return keras.layers.Activation(settings.activation, name=f"activation{number}")(x) if norm_first else x


def _with_shortcut(
    x: keras.KerasTensor, given: keras.KerasTensor, number: int, stride: int, layers: _LayerSet
) -> keras.KerasTensor:
    """The sum of what blocks make and what they were given, which is brought to the same size where it has another."""
    if given.shape != x.shape:
        fitting = {"strides": stride, "padding": "same", "use_bias": False}
        given = layers.convolution(x.shape[-1], 1, **fitting, name=f"shortcut{number}")(given)
    return keras.layers.Add(name=f"sum{number}")([x, given])


def _output(x: keras.KerasTensor, classes: int, activation: str, layers: _LayerSet) -> keras.KerasTensor:
    """The classes' scores, in full precision whatever the layers before computed in."""
    return layers.dense(classes, activation=activation, name="output", dtype="float32")(x)


class PooledConvolution(keras.layers.Conv2D):  # type: ignore[misc]
    """A convolution and its pooling, then bias and activation: the same in another order, on a quarter of the values.

    For a batch of 256 the three behind a convolution to 28x28x24 took 16 ms, and 25 ms with the pooling last.
    """

    def __init__(self, pool: int, **settings: Any) -> None:
        super().__init__(**settings)
        self._pool = pool

    def convolution_op(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """Convolve, and keep the largest of each window."""
        return tf.nn.max_pool2d(super().convolution_op(inputs, kernel), self._pool, self._pool, "VALID")

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The shape behind the pooling."""
        images, height, width, filters = super().compute_output_shape(input_shape)
        return images, height // self._pool, width // self._pool, filters


class FusedBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
    """Batch normalisation whose training pass is one operation instead of ten: a third less time for a small CNN."""

    def call(self, inputs: tf.Tensor, training: bool | None = None, mask: Any = None) -> tf.Tensor:
        """Normalise by Keras' formula, up to rounding."""
        if not (training and self.trainable):
            return super().call(inputs, training=training, mask=mask)
        output, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs, scale=self.gamma.value, offset=self.beta.value, mean=[], variance=[], epsilon=self.epsilon
        )
        # The operation gives the sample's variance; Keras keeps the biased one.
        count = tf.cast(tf.size(inputs) // tf.shape(inputs)[-1], variance.dtype)
        for moving, batch in ((self.moving_mean, mean), (self.moving_variance, variance * (count - 1) / count)):
            moving.assign(moving * self.momentum + batch * (1 - self.momentum))
        return output
