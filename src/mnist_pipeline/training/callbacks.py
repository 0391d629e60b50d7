"""The moving average of the weights, and Keras callbacks: best weights, early stopping, history, checkpoints."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.config.schema import Training
from mnist_pipeline.errors import TrainingError
from mnist_pipeline.runs.watching import Watcher
from mnist_pipeline.training.backend import keras, tf
from mnist_pipeline.training.checkpoints import Checkpoints, TrainingState

Callbacks = dict[str, keras.callbacks.Callback]
Weights = list[NDArray[np.float32]]
Step = Callable[[tuple[tf.Tensor, tf.Tensor]], Any]  # trains on a batch


class Average:
    """A moving average of a network's weights over the steps, batch normalisation's statistics included.

    In the first steps it forgets faster than its decay says, to lose the random start.
    """

    def __init__(self, model: keras.Model, decay: float) -> None:
        self._model, self._decay = model, decay
        self.values = [
            keras.Variable(tf.identity(weight.value)) for weight in model.weights
        ]  # of a copy: else they were one

    def following(self, train_step: Step) -> Step:
        """The step, and the average moved after it."""
        return self.behind(train_step, self._model.optimizer, self._model.weights, self.values)

    def behind(
        self, train_step: Step, optimizer: keras.optimizers.Optimizer, weights: Sequence[keras.Variable],
        values: Sequence[keras.Variable],
    ) -> Step:  # fmt: skip
        """A step that trains other variables than the model's own, and their averages moved after it."""

        def step(batch: tuple[tf.Tensor, tf.Tensor]) -> None:
            train_step(batch)
            done = tf.cast(optimizer.iterations.value, tf.float32)
            kept = tf.minimum(self._decay, (1 + done) / (10 + done))
            for value, weight in zip(values, weights, strict=True):
                value.assign_add((1 - kept) * (weight.value - value.value))

        return step

    def weights(self) -> Weights:
        """The averages in the order of model.get_weights."""
        return [value.numpy() for value in self.values]

    def restore(self, weights: Sequence[NDArray[np.float32]]) -> None:
        """Go on from the averages of a checkpoint."""
        for value, weight in zip(self.values, weights, strict=True):
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


class KeepBest(keras.callbacks.Callback):  # type: ignore[misc]
    """Remember the weights of the epoch that is best by one figure; the earlier one on a draw."""

    def __init__(self, monitor: str, average: Average | None = None) -> None:
        super().__init__()
        self.monitor, self._average = monitor, average
        self.best: float | None = None
        self.best_epoch: int | None = None
        self.weights: Weights = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Compare with the best so far."""
        value = float(logs[self.monitor])
        if self.best is None or (value > self.best if _mode(self.monitor) == "max" else value < self.best):
            self.best, self.best_epoch = value, epoch + 1
            self.weights = self._average.weights() if self._average else self.model.get_weights()


def deciding(training: Training, average: Average | None) -> Callbacks:
    """The callbacks that the config asks for, in the order in which they decide."""
    callbacks: Callbacks = {}
    if training.keep_best:
        callbacks["keep_best"] = KeepBest(training.keep_best, average)
    if plateau := training.plateau:
        settings = plateau.model_dump()
        settings["min_lr"] = settings.pop("min_learning_rate")
        callbacks["plateau"] = keras.callbacks.ReduceLROnPlateau(**settings, mode=_mode(plateau.monitor))
    if stop := training.early_stopping:  # which keeps no weights: KeepBest does
        callbacks["early_stopping"] = keras.callbacks.EarlyStopping(**stop.model_dump(), mode=_mode(stop.monitor))
    return callbacks


def _mode(monitor: str) -> str:
    return "max" if monitor.endswith("accuracy") else "min"


# The attributes in which a callback keeps what it has seen; Keras forgets them between two calls of fit.
_MEMORY = {
    "plateau": ("wait", "best", "cooldown_counter"),
    "early_stopping": ("wait", "best"),
    "keep_best": ("best", "best_epoch"),
}


class Bookkeeper(keras.callbacks.Callback):  # type: ignore[misc]
    """Book every epoch's figures and write its checkpoint; when a training goes on, restore the other callbacks.

    It comes last in the list of callbacks, so that the checkpoint holds what the others have decided.
    """

    def __init__(
        self, deciding: Callbacks, store: Checkpoints, watcher: Watcher, state: TrainingState, average: Average | None
    ) -> None:
        super().__init__()
        self._deciding, self._store, self._watcher, self._average = deciding, store, watcher, average
        self._resumed, self.history = state, state.history
        self._started = time.perf_counter() - state.seconds

    @property
    def seconds(self) -> float:
        """Training time so far, that of earlier processes included."""
        return time.perf_counter() - self._started

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Restore the other callbacks, which have just reset themselves."""
        self.restore()
        self._watcher.begin(self._resumed.epoch, self.params["epochs"])

    def restore(self) -> None:
        """Give the other callbacks what they had seen when the checkpoint was written."""
        for name, memory in self._resumed.callbacks.items():
            for attribute, value in memory.items():
                setattr(self._deciding[name], attribute, value)
        if "keep_best" in self._deciding:
            self._deciding["keep_best"].weights = self._resumed.best

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Tell the watcher how much of the epoch is done; what Keras calls a batch is a chunk here."""
        self._watcher.progress((batch + 1) / self.params["steps"])

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Note the learning rate that this epoch is trained with, before a plateau lowers it."""
        self._learning_rate = float(self.model.optimizer.learning_rate)

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Book the figures, write the checkpoint, tell the watcher."""
        figures = {name: float(value) for name, value in logs.items() if name != "learning_rate"}
        if not all(math.isfinite(value) for value in figures.values()):
            advice = f"lower training.optimizer.learning_rate (it is {self._learning_rate:g})"
            raise TrainingError(f"epoch {epoch + 1}: the loss is not a number any more: {advice}")
        figures["learning_rate"] = self._learning_rate
        for name, value in figures.items():
            self.history.setdefault(name, []).append(value)
        self._store.save(self._state(epoch + 1))
        self._watcher.epoch(epoch + 1, figures)

    def _state(self, epoch: int) -> TrainingState:
        keep_best = self._deciding.get("keep_best")
        return TrainingState(
            epoch=epoch, history=self.history, seconds=self.seconds, stopped=bool(self.model.stop_training),
            weights=self.model.get_weights(),
            optimizer=[np.asarray(variable) for variable in self.model.optimizer.variables],
            average=self._average.weights() if self._average else [],
            best=keep_best.weights if keep_best else [],
            callbacks={
                name: {attribute: getattr(callback, attribute) for attribute in _MEMORY[name]}
                for name, callback in self._deciding.items()
            },
        )  # fmt: skip
