"""A moving average of a network's weights over the steps, batch normalisation's statistics included."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.training.backend import keras, tf

Step = Callable[[tuple[tf.Tensor, tf.Tensor]], Any]


class Average:
    """Stands beside a model's weights in their order; in the first steps it forgets faster, to lose the start."""

    def __init__(self, model: keras.Model, decay: float) -> None:
        self._model, self._decay = model, decay
        self._values = [tf.Variable(weight.value) for weight in model.weights]

    def following(self, train_step: Step) -> Step:
        """The step, and the average moved after it."""

        def step(batch: tuple[tf.Tensor, tf.Tensor]) -> None:
            train_step(batch)
            done = tf.cast(self._model.optimizer.iterations.value, tf.float32)
            kept = tf.minimum(self._decay, (1 + done) / (10 + done))
            for value, weight in zip(self._values, self._model.weights, strict=True):
                value.assign_add((1 - kept) * (weight.value - value))

        return step

    def weights(self) -> list[NDArray[np.float32]]:
        """The averages, as model.get_weights gives the weights."""
        return [value.numpy() for value in self._values]

    def restore(self, weights: Sequence[NDArray[np.float32]]) -> None:
        """Go on from a checkpoint's."""
        for value, weight in zip(self._values, weights, strict=True):
            value.assign(weight)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The model computes with the averages while the block lasts."""
        own = self._model.get_weights()
        self._model.set_weights(self.weights())
        try:
            yield
        finally:
            self._model.set_weights(own)
