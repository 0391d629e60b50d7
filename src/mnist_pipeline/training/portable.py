"""Layers, an update rule and sines that give the same bits on every x86-64 processor with AVX2.

Keras' own come to libraries that choose their sums by processor, or to functions that processors round differently.
Each of these means the same up to rounding, and is made of products, sums and comparisons that XLA compiles itself.
"""

import math
from collections.abc import Callable
from typing import Any

from mnist_pipeline.training.backend import keras, tf


class PortableDense(keras.layers.Dense):  # type: ignore[misc]
    """A dense layer whose products XLA computes itself, forwards and backwards."""

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Compute what Keras' dense layer does, by products of our own."""
        return self.activation(_portable_product(inputs, self.kernel.value) + self.bias.value)


class PortableConvolution(keras.layers.Conv2D):  # type: ignore[misc]
    """A convolution as one product: the window around each place as a row, times the kernel as a matrix."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Compute what Keras' convolution does with padding `same` and a square kernel."""
        (side, _), (step, _), (*sides, channels) = self.kernel_size, self.strides, inputs.shape[1:]
        height, width = (-(-length // step) for length in sides)  # rounded up
        around = []
        for length, places in zip(sides, (height, width), strict=True):
            missing = max((places - 1) * step + side - length, 0)
            around.append((missing // 2, missing - missing // 2))
        padded = tf.pad(inputs, ((0, 0), *around, (0, 0)))
        down, right = ((places - 1) * step + 1 for places in (height, width))
        shifted = [padded[:, y : y + down : step, x : x + right : step] for y in range(side) for x in range(side)]
        rows = tf.reshape(tf.concat(shifted, axis=-1), (-1, side * side * channels))
        product = _portable_product(rows, tf.reshape(self.kernel.value, (-1, self.filters)))
        product = tf.reshape(product, (-1, height, width, self.filters))
        return self.activation(_plus_bias(product, self.bias.value) if self.use_bias else product)


class PortableMaxPooling(keras.layers.MaxPooling2D):  # type: ignore[misc]
    """The largest of each window as a chain of maxima, in which the first of equals gets the gradient, as in Keras."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Compute what Keras' pooling does with whole windows side by side."""
        (side, _), (height, width, channels) = self.pool_size, inputs.shape[1:]
        rows, columns = height // side, width // side
        whole = inputs[:, : rows * side, : columns * side]
        windows = tf.reshape(whole, (-1, rows, side, columns, side, channels))
        largest = windows[:, :, 0, :, 0]
        for place in range(1, side * side):
            largest = tf.maximum(largest, windows[:, :, place // side, :, place % side])
        return largest


class PortableBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
    """Batch normalisation by means, a root and a division, instead of a library's operation."""

    def call(self, inputs: tf.Tensor, training: bool | None = None, mask: Any = None) -> tf.Tensor:
        """Normalise by Keras' formula, and move the statistics while training."""
        if not (training and self.trainable):
            scale = self.gamma.value / tf.sqrt(self.moving_variance.value + self.epsilon)
            return (inputs - self.moving_mean.value) * scale + self.beta.value
        output, mean, variance = _normalized(inputs, self.gamma.value, self.beta.value, self.epsilon)
        for moving, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + batch * (1 - self.momentum))
        return output


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _normalized(
    inputs: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, epsilon: float
) -> tuple[tuple[tf.Tensor, tf.Tensor, tf.Tensor], Callable[..., Any]]:
    """The inputs normalised over the batch, their mean and their variance; only the first of these has a gradient."""
    mean = _means(inputs)
    centred = inputs - mean
    variance = _means(tf.square(centred))
    root = tf.sqrt(variance + epsilon)

    def gradient(upstream: tf.Tensor, *_: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, None]:
        along, across = _means(upstream), _means(upstream * centred)
        count = _places(inputs)
        changed = (upstream - along - centred * (across / tf.square(root))) * (gamma / root)
        return changed, across / root * count, along * count, None

    return (centred * (gamma / root) + beta, mean, variance), gradient


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _plus_bias(inputs: tf.Tensor, bias: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], Any]]:
    """The inputs (images, height, width, features) plus each feature's bias."""

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return upstream, _means(upstream) * _places(upstream)

    return inputs + bias, gradient


def _means(values: tf.Tensor) -> tf.Tensor:
    """Each feature's mean over images and places, the images first: all at once take XLA five times as long."""
    return tf.reduce_mean(tf.reduce_mean(values, 0), (0, 1))


def _places(values: tf.Tensor) -> tf.Tensor:
    """The number of images times that of places."""
    return tf.cast(tf.reduce_prod(tf.shape(values)[:-1]), values.dtype)


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _portable_product(a: tf.Tensor, b: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], Any]]:
    """The matrix product a b, its gradients written with explicit transposes.

    TensorFlow's own gradients ask for products of transposed operands, which XLA hands on to a library. And a product
    turned around to spare the transpose of `a`, twice as quick for convolutions, had other bits with two threads.
    """

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.matmul(upstream, tf.transpose(b)), tf.matmul(tf.transpose(a), upstream)

    return tf.matmul(a, b), gradient


class PortableAdam(keras.optimizers.Adam):  # type: ignore[misc]
    """Keras' Adam, the powers of its bias correction taken by multiplying: `pow` differs between processors."""

    def apply(self, grads: list[tf.Tensor], trainable_variables: list[keras.Variable] | None = None) -> Any:
        """Move all variables, after their common bias correction: one for each took half of the time to compile."""
        step = tf.cast(self.iterations.value, tf.int32) + 1
        self._correction = tf.sqrt(1.0 - _power(self.beta_2, step)) / (1.0 - _power(self.beta_1, step))
        return super().apply(grads, trainable_variables)

    def update_step(self, gradient: tf.Tensor, variable: keras.Variable, learning_rate: tf.Tensor) -> None:
        """Move one variable by Adam's rule."""
        alpha = tf.cast(learning_rate, variable.dtype) * tf.cast(self._correction, variable.dtype)
        index = self._get_variable_index(variable)
        mean, square = self._momentums[index], self._velocities[index]
        self.assign_add(mean, (gradient - mean) * (1 - self.beta_1))
        self.assign_add(square, (tf.square(gradient) - square) * (1 - self.beta_2))
        self.assign_sub(variable, mean * alpha / (tf.sqrt(square.value) + self.epsilon))


class PortableAdamW(PortableAdam, keras.optimizers.AdamW):  # type: ignore[misc]
    """Keras' AdamW, which is Adam with weights that decay, with the portable step."""


def _power(base: float, exponent: tf.Tensor) -> tf.Tensor:
    """The power by squaring: products of doubles, exact to the last bit everywhere."""
    result, square = tf.constant(1.0, tf.float64), base
    for bit in range(31):
        is_set = tf.bitwise.bitwise_and(tf.bitwise.right_shift(exponent, bit), 1) > 0
        result = tf.where(is_set, result * tf.constant(square, tf.float64), result)
        square *= square
    return result


def cosine_and_sine(angle: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Both of an angle of at most half a turn, to 1e-6: the series for a quarter of it, doubled twice."""
    quarter = angle / 4
    square = quarter * quarter
    cosine, sine = (_series(square, first) for first in (0, 1))
    sine *= quarter
    for _ in range(2):
        cosine, sine = 1 - 2 * sine * sine, 2 * sine * cosine
    return cosine, sine


def _series(square: tf.Tensor, first: int) -> tf.Tensor:
    """The sum of (-1)^n square^n / (2 n + first)!, which is a cosine, or a sine through its angle."""
    total = tf.zeros_like(square)
    for term in range(6, -1, -1):
        total = total * square + (-1) ** term / math.factorial(2 * term + first)
    return total
