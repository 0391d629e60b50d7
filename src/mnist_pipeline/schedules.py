"""The learning rate as a function of the step, so that a training that goes on needs no memory of it."""

from typing import Any

from mnist_pipeline.backend import keras, tf
from mnist_pipeline.config.schema import OneCycle


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
