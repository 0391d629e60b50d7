"""From a config and images to a fitted model: split, compile, fit, resume."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline import models
from mnist_pipeline.backend import keras
from mnist_pipeline.callbacks import Bookkeeper, deciding, unnumbered
from mnist_pipeline.checkpoints import Checkpoints, State
from mnist_pipeline.config import CnnModel, Config
from mnist_pipeline.data import Part, validation_indices
from mnist_pipeline.epochs import EpochModel
from mnist_pipeline.preprocess import scale
from mnist_pipeline.watching import Watcher

_OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
}
_VALIDATION_BATCH = 1000  # no effect on the figures, only on speed


@dataclass(frozen=True)
class Fitted:
    """A trained model and how it came about."""

    model: keras.Model
    history: dict[str, list[float]]
    validation: NDArray[np.int64]
    """Indices of the training images that validated."""
    steps: int
    seconds: float
    best_epoch: int | None
    """The epoch whose weights these are; None when they are the last epoch's."""


def fit(config: Config, part: Part, store: Checkpoints, watcher: Watcher) -> Fitted:
    """Train, or go on from the newest checkpoint, to the same bits either way."""
    settings = config.training
    model = models.build(config.model, settings.seed)
    validation = validation_indices(part.labels, config.data.validation, config.data.split_seed)
    images, targets = model_inputs(config, part)
    kept = np.delete(np.arange(len(part)), validation)
    trainer = _trainer(model, config)
    trainer.attach(
        images[kept],
        targets[kept],
        settings.seed,
        settings.batch_size,
        chunks=_chunks(config),
        xla=config.model.family == "dense",
    )
    state = _resume(trainer, store, watcher)
    callbacks = deciding(settings)
    books = Bookkeeper(callbacks, store, watcher, state)
    if state and (state.stopped or state.epoch >= settings.epochs):
        books.remind()
    else:
        trainer.fit_epochs(
            state.epoch if state else 0,
            settings.epochs,
            callbacks=[*callbacks.values(), books],
            validation_data=(images[validation], targets[validation]) if len(validation) else None,
            validation_batch_size=_VALIDATION_BATCH,
        )
    best = callbacks.get("keep_best")
    if best:
        model.set_weights(best.weights)
    return Fitted(
        model=model,
        history=books.history,
        validation=validation,
        steps=trainer.steps * len(books.history["loss"]),
        seconds=books.seconds,
        best_epoch=best.best_epoch if best else None,
    )


def weights_sha256(model: keras.Model) -> str:
    """Digest of the float32 bytes of all weights in the model's own order: the name of a result."""
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(np.ascontiguousarray(weight, dtype="<f4").tobytes())
    return digest.hexdigest()


def _trainer(model: keras.Model, config: Config) -> EpochModel:
    """The model's own layers under a fit that compiles whole epochs.

    Convolutions go faster through the graph's own kernels than through XLA, dense layers the other way round.
    """
    trainer = EpochModel(model.inputs, model.outputs)
    trainer.compile(
        optimizer=_OPTIMIZERS[config.training.optimizer.name](config.training.optimizer.learning_rate),
        loss=loss_of(config),
        metrics=[_accuracy(config)],
        jit_compile=False,
    )
    trainer.optimizer.build(trainer.trainable_variables)
    return trainer


def _chunks(config: Config) -> int:
    """Into how many parts an epoch is cut, so that the progress of slow epochs can be seen."""
    return 1 if config.model.family == "dense" else 20


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
    return keras.metrics.CategoricalAccuracy(name="accuracy")


def _resume(trainer: EpochModel, store: Checkpoints, watcher: Watcher) -> State | None:
    """Put the newest checkpoint's weights and optimizer state in place."""
    state = store.latest()
    for path in store.damaged:
        watcher.note(f"{path}: this checkpoint is damaged and was passed over")
    if state is None:
        return None
    trainer.set_weights(unnumbered(state.arrays, "weight"))
    for variable, value in zip(
        trainer.optimizer.variables, unnumbered(state.arrays, "optimizer"), strict=True
    ):
        variable.assign(value)
    watcher.note(f"goes on after epoch {state.epoch}")
    return state


def model_inputs(config: Config, part: Part) -> tuple[NDArray[np.float32], NDArray[Any]]:
    """Images as the model family takes them, labels as the loss takes them."""
    images = scale(part.images)
    if isinstance(config.model, CnnModel):
        images = images[..., None]
    if config.training.loss == "sparse":
        return images, part.labels.astype(np.int32)
    return images, np.eye(models.CLASSES, dtype=np.float32)[part.labels]
