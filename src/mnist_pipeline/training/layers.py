"""Layers and an optimizer with the same weights and meaning as Keras' own, for while a network trains.

What is saved and exported is made of Keras' own: models.build makes both forms from one config.
"""

from collections.abc import Callable
from typing import Any

from mnist_pipeline.config.schema import OneCycle
from mnist_pipeline.training.backend import keras, tf


class FusedBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
    """Batch normalisation whose training pass is one operation instead of ten: a third less time for a small CNN."""

    def call(self, inputs: tf.Tensor, training: bool | None = None, mask: Any = None) -> tf.Tensor:
        """Keras' formula, up to rounding."""
        if not training:
            return super().call(inputs, training=training, mask=mask)
        output, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=self.gamma.value,
            offset=self.beta.value,
            mean=[],
            variance=[],
            epsilon=self.epsilon,
        )
        # The operation gives the sample's variance; Keras keeps the biased one.
        count = tf.cast(tf.size(inputs) // tf.shape(inputs)[-1], variance.dtype)
        for moving, batch in (
            (self.moving_mean, mean),
            (self.moving_variance, variance * (count - 1) / count),
        ):
            moving.assign(moving * self.momentum + batch * (1 - self.momentum))
        return output


class PortableDense(keras.layers.Dense):  # type: ignore[misc]
    """A dense layer whose products XLA computes itself, forwards and backwards."""

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """As Keras' own."""
        return self.activation(_portable_product(inputs, self.kernel.value) + self.bias.value)


class DigitAccuracy(keras.metrics.CategoricalAccuracy):  # type: ignore[misc]
    """Keras' accuracy of one-hot targets, over the images that show a digit: elsewhere no answer is right."""

    def update_state(self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: Any = None) -> Any:
        """As Keras' own; nothing here comes with weights of its own."""
        shows_a_digit = tf.reduce_max(y_true, axis=-1) > 0.5
        return super().update_state(y_true, y_pred, tf.cast(shows_a_digit, tf.float32))


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _portable_product(
    a: tf.Tensor, b: tf.Tensor
) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]]:
    """The product a b, its gradients written with explicit transposes.

    TensorFlow's own gradients ask for products of transposed operands, which XLA hands on to a library.
    """

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.matmul(upstream, tf.transpose(b)), tf.matmul(tf.transpose(a), upstream)

    return tf.matmul(a, b), gradient


class PortableAdam(keras.optimizers.Adam):  # type: ignore[misc]
    """Keras' Adam, the powers of its bias correction taken by multiplying: `pow` differs between processors."""

    def update_step(self, gradient: tf.Tensor, variable: keras.Variable, learning_rate: tf.Tensor) -> None:
        """As Keras' own."""
        step = tf.cast(self.iterations.value, tf.int32) + 1
        correction = tf.sqrt(1.0 - _power(self.beta_2, step)) / (1.0 - _power(self.beta_1, step))
        alpha = tf.cast(learning_rate, variable.dtype) * tf.cast(correction, variable.dtype)
        index = self._get_variable_index(variable)
        mean, square = self._momentums[index], self._velocities[index]
        self.assign_add(mean, (gradient - mean) * (1 - self.beta_1))
        self.assign_add(square, (tf.square(gradient) - square) * (1 - self.beta_2))
        self.assign_sub(variable, mean * alpha / (tf.sqrt(square.value) + self.epsilon))


def _power(base: float, exponent: tf.Tensor) -> tf.Tensor:
    """The power by squaring: products of doubles, exact to the last bit everywhere."""
    result, square = tf.constant(1.0, tf.float64), base
    for bit in range(31):
        is_set = tf.bitwise.bitwise_and(tf.bitwise.right_shift(exponent, bit), 1) > 0
        result = tf.where(is_set, result * tf.constant(square, tf.float64), result)
        square *= square
    return result


@keras.saving.register_keras_serializable("mnist_pipeline")  # the dense networks' working copy rebuilds its optimizer
class OneCycleRate(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """Up in a line to the peak, and down in a line until the last step."""

    def __init__(self, peak: float, steps: int, rise: float, start: float, end: float) -> None:
        super().__init__()
        self._settings = {"peak": peak, "steps": steps, "rise": rise, "start": start, "end": end}

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """The rate of this step, counted from 0."""
        peak, start, end = (self._settings[name] for name in ("peak", "start", "end"))
        rising = self._settings["steps"] * self._settings["rise"]
        falling = self._settings["steps"] - rising
        at = tf.cast(step, tf.float32)
        up = start + (1 - start) * at / rising
        down = 1 + (end - 1) * (at - rising) / falling
        return peak * tf.maximum(tf.where(at < rising, up, down), 0.0)

    def get_config(self) -> dict[str, Any]:
        """What Keras makes it again from."""
        return dict(self._settings)


def rate_of(peak: float, schedule: OneCycle | None, steps: int) -> float | OneCycleRate:
    """What an optimizer takes as its learning rate: a number, or a function of the step."""
    return peak if schedule is None else OneCycleRate(peak, steps, **schedule.model_dump())
