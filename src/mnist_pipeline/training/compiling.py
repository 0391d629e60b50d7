"""What a network is trained with: targets, loss, accuracy, optimizer and learning rate."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.config.schema import Config
from mnist_pipeline.numerals import DIGITS
from mnist_pipeline.training import models
from mnist_pipeline.training.backend import keras, tf
from mnist_pipeline.training.portable import PortableAdam, PortableAdamW, cosine_and_sine


def compiled(config: Config, steps: int = 1, classes: int = len(DIGITS)) -> keras.Model:
    """The network to train, with its optimizer and metrics; `steps` are those of an epoch."""
    training = config.training
    model = models.build(config.network, training.seed, training, classes)
    if training.start:
        models.keep_norms(model)
    # What XLA compiles, and how, is decided by the epoch programs.
    optimizer = _optimizer(config, steps * training.epochs)
    model.compile(optimizer, loss_of(config), metrics=[_accuracy(config)], jit_compile=False)
    # Create the variables of optimizer and metrics now: a compiled loop cannot.
    model.optimizer.build(model.trainable_variables)
    target = tf.constant(targets_of(config, np.zeros(1, np.uint8), classes=classes))
    outputs = tf.zeros((1, *model.output_shape[1:]))
    model.compute_loss(y=target, y_pred=outputs)
    model.compute_metrics(None, target, outputs)
    model.reset_metrics()
    return model


def targets_of(
    config: Config, labels: NDArray[np.uint8], smoothing: float = 0.0, *, classes: int = len(DIGITS)
) -> NDArray[Any]:
    """Labels as the loss takes them: class numbers, or one-hot rows, smoothed, and even where there is no digit."""
    if config.training.loss == "sparse":
        return labels.astype(np.int32)
    rows = np.eye(classes, classes + 1, dtype=np.float32).T  # the last one, of ten digits, is NO_DIGIT's
    rows[classes] = 1 / classes
    by = np.float32(smoothing)
    return (rows * (1 - by) + by / classes)[labels]


def loss_of(config: Config) -> keras.losses.Loss:
    """The loss that the config names."""
    return {
        "sparse": keras.losses.SparseCategoricalCrossentropy,
        "onehot": keras.losses.CategoricalCrossentropy,
        "binary": keras.losses.BinaryCrossentropy,
    }[config.training.loss]()


def _accuracy(config: Config) -> keras.metrics.Metric:
    if config.training.loss == "sparse":
        return keras.metrics.SparseCategoricalAccuracy(name="accuracy")
    return (DigitAccuracy if config.data.rendering else keras.metrics.CategoricalAccuracy)(name="accuracy")


class DigitAccuracy(keras.metrics.CategoricalAccuracy):  # type: ignore[misc]
    """Accuracy of one-hot targets over the images that show a digit: on a non-digit no answer is right."""

    def update_state(self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: Any = None) -> Any:
        """Count the digits of a batch; nothing here comes with sample weights."""
        shows_a_digit = tf.reduce_max(y_true, axis=-1) > 0.5
        return super().update_state(y_true, y_pred, tf.cast(shows_a_digit, tf.float32))


def _optimizer(config: Config, steps: int) -> keras.optimizers.Optimizer:
    settings = config.training.optimizer
    portable = config.training.numerics == "portable"
    kinds = {
        "adam": PortableAdam if portable else keras.optimizers.Adam,
        "adamw": PortableAdamW if portable else keras.optimizers.AdamW,
        "rmsprop": keras.optimizers.RMSprop, "sgd": keras.optimizers.SGD,
    }  # fmt: skip
    rate, schedule = settings.learning_rate, config.training.schedule
    said = settings.model_dump(exclude={"name", "learning_rate"}, exclude_none=True)
    return kinds[settings.name](OneCycleRate(rate, steps, **schedule.model_dump()) if schedule else rate, **said)


@keras.saving.register_keras_serializable("mnist_pipeline")  # the dense networks' working copy rebuilds its optimizer
class OneCycleRate(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """A learning rate that rises in a line to its peak, and falls until the last step."""

    def __init__(self, peak: float, steps: int, rise: float, start: float, end: float, shape: str = "linear") -> None:
        super().__init__()
        self._settings = {"peak": peak, "steps": steps, "rise": rise, "start": start, "end": end}
        self._shape = shape

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """The rate of this step, counted from 0."""
        peak, start, end = (self._settings[name] for name in ("peak", "start", "end"))
        rising = self._settings["steps"] * self._settings["rise"]
        falling = self._settings["steps"] - rising
        at = tf.cast(step, tf.float32)
        up = start + (1 - start) * at / rising
        if self._shape == "cosine":
            cosine, _ = cosine_and_sine(math.pi * tf.clip_by_value((at - rising) / falling, 0.0, 1.0))
            down = end + (1 - end) * (1 + cosine) / 2
        else:
            down = 1 + (end - 1) * (at - rising) / falling
        return peak * tf.maximum(tf.where(at < rising, up, down), 0.0)

    def get_config(self) -> dict[str, Any]:
        """The settings from which Keras builds the schedule again."""
        return {**self._settings, "shape": self._shape}
