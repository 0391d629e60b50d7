"""At an epoch's end: keep the best weights, book the figures, write the checkpoint, tell who watches."""

import math
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.config.schema import EarlyStopping, Plateau, Training
from mnist_pipeline.errors import TrainingError
from mnist_pipeline.runs.watching import Watcher
from mnist_pipeline.training.averaging import Average
from mnist_pipeline.training.backend import keras
from mnist_pipeline.training.checkpoints import Checkpoints, TrainingState


class KeepBest(keras.callbacks.Callback):  # type: ignore[misc]
    """Remember the weights of the epoch that is best by one figure; the earlier one on a draw."""

    def __init__(self, monitor: str, average: Average | None = None) -> None:
        super().__init__()
        self.monitor, self._average = monitor, average
        self.best: float | None = None
        self.best_epoch: int | None = None
        self.weights: list[NDArray[np.float32]] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Compare with the best so far."""
        value = float(logs[self.monitor])
        if self.best is None or (value > self.best if _mode(self.monitor) == "max" else value < self.best):
            self.best, self.best_epoch = value, epoch + 1
            self.weights = self._average.weights() if self._average else self.model.get_weights()


def early_stopping(settings: EarlyStopping) -> keras.callbacks.EarlyStopping:
    """Keras' own, without its copy of the best weights: that is KeepBest's business."""
    return keras.callbacks.EarlyStopping(
        settings.monitor,
        patience=settings.patience,
        min_delta=settings.min_delta,
        mode=_mode(settings.monitor),
    )


def plateau(settings: Plateau) -> keras.callbacks.ReduceLROnPlateau:
    """Keras' own."""
    return keras.callbacks.ReduceLROnPlateau(
        settings.monitor,
        factor=settings.factor,
        patience=settings.patience,
        min_delta=settings.min_delta,
        min_lr=settings.min_learning_rate,
        mode=_mode(settings.monitor),
    )


def _mode(monitor: str) -> str:
    return "max" if monitor.endswith("accuracy") else "min"


# The attributes in which a callback keeps what it has seen; Keras forgets them between two calls of fit.
_MEMORY = {
    "plateau": ("wait", "best", "cooldown_counter"),
    "early_stopping": ("wait", "best"),
    "keep_best": ("best", "best_epoch"),
}


def deciding(training: Training, average: Average | None = None) -> dict[str, keras.callbacks.Callback]:
    """The callbacks that the config asks for, in the order in which they decide."""
    callbacks: dict[str, keras.callbacks.Callback] = {}
    if training.keep_best:
        callbacks["keep_best"] = KeepBest(training.keep_best, average)
    if training.plateau:
        callbacks["plateau"] = plateau(training.plateau)
    if training.early_stopping:
        callbacks["early_stopping"] = early_stopping(training.early_stopping)
    return callbacks


class Bookkeeper(keras.callbacks.Callback):  # type: ignore[misc]
    """Last in the list, so that it books what the others have decided; gives it back to them on resuming."""

    def __init__(
        self,
        deciding: dict[str, keras.callbacks.Callback],
        store: Checkpoints,
        watcher: Watcher,
        state: TrainingState | None,
        average: Average | None = None,
    ) -> None:
        super().__init__()
        self._average = average
        self._deciding, self._store, self._watcher = deciding, store, watcher
        self._resumed = state
        self._before = state.seconds if state else 0.0
        self._started = time.perf_counter()
        self.history: dict[str, list[float]] = dict(state.history) if state else {}

    @property
    def seconds(self) -> float:
        """Training time so far, that of earlier processes included."""
        return self._before + time.perf_counter() - self._started

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """The other callbacks have just reset themselves."""
        self.remind()
        self._watcher.begin(self._resumed.epoch if self._resumed else 0, self.params["epochs"])

    def remind(self) -> None:
        """Give the other callbacks the memory that the checkpoint kept for them."""
        if self._resumed is None:
            return
        for name, memory in self._resumed.callbacks.items():
            for attribute, value in memory.items():
                setattr(self._deciding[name], attribute, value)
        if "keep_best" in self._deciding:
            self._deciding["keep_best"].weights = unnumbered(self._resumed.arrays, "best")

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """A part of the epoch is done."""
        self._watcher.progress((batch + 1) / self.params["steps"])

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Note the learning rate that this epoch is trained with, before anyone lowers it."""
        self._learning_rate = float(self.model.optimizer.learning_rate)

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Book the figures, write the checkpoint, tell the watcher."""
        figures = {name: float(value) for name, value in logs.items() if name != "learning_rate"}
        if not all(math.isfinite(value) for value in figures.values()):
            raise TrainingError(
                f"epoch {epoch + 1}: the loss is not a number any more: lower "
                f"training.optimizer.learning_rate (it is {self._learning_rate:g})"
            )
        figures["learning_rate"] = self._learning_rate
        for name, value in figures.items():
            self.history.setdefault(name, []).append(value)
        self._store.save(self._state(epoch + 1))
        self._watcher.epoch(epoch + 1, figures)

    def _state(self, epoch: int) -> TrainingState:
        keep_best = self._deciding.get("keep_best")
        return TrainingState(
            epoch=epoch,
            arrays=numbered("weight", self.model.get_weights())
            | numbered("optimizer", [np.asarray(variable) for variable in self.model.optimizer.variables])
            | numbered("average", self._average.weights() if self._average else [])
            | numbered("best", keep_best.weights if keep_best else []),
            history=self.history,
            callbacks={
                name: {attribute: _plain(getattr(callback, attribute)) for attribute in _MEMORY[name]}
                for name, callback in self._deciding.items()
            },
            seconds=self.seconds,
            stopped=bool(self.model.stop_training),
        )


def _plain(value: Any) -> float | int | None:
    return value if value is None or isinstance(value, int) else float(value)


def numbered(name: str, arrays: list[NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Arrays under keys that keep their order: weight-000, weight-001, ..."""
    return {f"{name}-{number:03d}": array for number, array in enumerate(arrays)}


def unnumbered(arrays: dict[str, NDArray[Any]], name: str) -> list[NDArray[Any]]:
    """The arrays that `numbered` put under a name, in their order."""
    return [arrays[key] for key in sorted(arrays) if key.startswith(f"{name}-")]
