"""From a config and images to a fitted model: split, compile, fit, resume."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.config import Config
from mnist_pipeline.config.schema import Training
from mnist_pipeline.data import Part, validation_indices
from mnist_pipeline.data.rendering.pool import NO_DIGIT, PoolRows, draw_pool
from mnist_pipeline.runs.watching import Watcher
from mnist_pipeline.training import models
from mnist_pipeline.training.averaging import Average
from mnist_pipeline.training.backend import keras, tf
from mnist_pipeline.training.callbacks import Bookkeeper, deciding, unnumbered
from mnist_pipeline.training.checkpoints import Checkpoints, TrainingState
from mnist_pipeline.training.dense_twin import DenseTwin
from mnist_pipeline.training.epochs import (
    EpochPlan,
    Program,
    Resident,
    build_state,
    fit_epochs,
    graph_program,
    xla_program,
)
from mnist_pipeline.training.layers import DigitAccuracy, FusedBatchNormalization, PortableAdam, PortableDense, rate_of

_OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
}
_CHUNKS = 20


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
    validation = validation_indices(part.labels, config.data.validation, config.data.split_seed)
    plan = _plan(config, len(part) - len(validation))
    model = _compiled(config, plan.steps)
    average = Average(model, config.training.averaging.decay) if config.training.averaging else None
    state = _resume(model, average, store, watcher)
    callbacks = deciding(config.training, average)
    books = Bookkeeper(callbacks, store, watcher, state, average)
    if state and (state.stopped or state.epoch >= config.training.epochs):
        books.remind()
    else:
        done = state.epoch if state else 0
        if config.data.rendering:
            watcher.note("drawing the training digits first: some minutes for all of MNIST")
        _fit_from(done, model, config, plan, part, validation, [*callbacks.values(), books], average)
    best = callbacks.get("keep_best")
    finished = models.build(config.model, config.training.seed)
    finished.set_weights(best.weights if best else average.weights() if average else model.get_weights())
    return Fitted(
        model=finished,
        history=books.history,
        validation=validation,
        steps=plan.steps * len(books.history["loss"]),
        seconds=books.seconds,
        best_epoch=best.best_epoch if best else None,
    )


def _compiled(config: Config, steps: int = 1) -> keras.Model:
    """The model to train, its optimizer and metrics; `steps` are those of an epoch."""
    training = config.training
    model = models.build(config.model, training.seed, _form(training))
    portable_adam = training.numerics == "portable" and training.optimizer.name == "adam"
    optimizer = PortableAdam if portable_adam else _OPTIMIZERS[training.optimizer.name]
    rate = rate_of(training.optimizer.learning_rate, training.schedule, steps * training.epochs)
    model.compile(
        optimizer=optimizer(rate),
        loss=loss_of(config),
        metrics=[_accuracy(config)],
        jit_compile=False,  # what is compiled, and how, is the epoch programs' business
    )
    build_state(model, tf.constant(targets_of(config, np.zeros(1, np.uint8))))
    return model


def _fit_from(
    done: int,
    model: keras.Model,
    config: Config,
    plan: EpochPlan,
    part: Part,
    validation: NDArray[np.int64],
    callbacks: list[keras.callbacks.Callback],
    average: Average | None = None,
) -> None:
    """The images that train and those that validate, each once into memory, and fit over them."""
    everything = not len(validation)  # then nothing has to be copied
    kept = slice(None) if everything else np.delete(np.arange(len(part)), validation)
    images, labels = part.images[kept], part.labels[kept]
    if config.data.rendering:
        images, labels = draw_pool(images, labels, config.data.rendering, config.training.threads)
    data = Resident.of(model, images, _training_targets(config, labels))
    targets = targets_of(config, part.labels[validation])
    fit_epochs(
        model,
        _program(model, config, data, plan, average),
        plan,
        validation=None if everything else Resident.of(model, part.images[validation], targets),
        average=average,
        # What early stopping and its like go by must be as portable as the steps.
        validate_with_xla=config.training.numerics == "portable",
        done=done,
        epochs=config.training.epochs,
        callbacks=callbacks,
    )


def _form(training: Training) -> models.LayerSet:
    """The form to train in; what is saved is the plain one with the same weights."""
    return models.LayerSet(
        dense=PortableDense if training.numerics == "portable" else keras.layers.Dense,
        batch_norm=FusedBatchNormalization,
        precision="mixed_bfloat16" if training.precision == "bfloat16" else "float32",
    )


def _program(model: keras.Model, config: Config, data: Resident, plan: EpochPlan, average: Average | None) -> Program:
    """The family decides: dense networks are fastest under XLA, convolutions in a graph."""
    if config.model.family == "cnn":
        return graph_program(average.following(model.train_step) if average else model.train_step, data, plan)
    if config.training.numerics == "portable":
        return xla_program(model.train_step, data, plan)
    twin = DenseTwin(model)
    return twin.around(xla_program(twin.train_step, data, plan))


def weights_sha256(model: keras.Model) -> str:
    """Digest of the float32 bytes of all weights in the model's own order: the name of a result."""
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(np.ascontiguousarray(weight, dtype="<f4").tobytes())
    return digest.hexdigest()


def _plan(config: Config, images: int) -> EpochPlan:
    """One chunk for the quick dense epochs; many for slow ones, so that their progress can be seen."""
    chunks = 1 if config.model.family == "dense" else min(_CHUNKS, -(-images // config.training.batch_size))
    drawn = PoolRows.of(config.data.rendering, images) if config.data.rendering else None
    return EpochPlan(
        drawn.taken if drawn else images,
        config.training.batch_size,
        chunks,
        config.training.seed,
        config.training.augmentation,
        shuffle_once=config.training.shuffle == "once",
        drawn=drawn,
    )


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


def _resume(model: keras.Model, average: Average | None, store: Checkpoints, watcher: Watcher) -> TrainingState | None:
    """Put the newest checkpoint's weights and optimizer state in place."""
    state = store.latest()
    for path in store.damaged:
        watcher.note(f"{path}: this checkpoint is damaged and was passed over")
    if state is None:
        return None
    model.set_weights(unnumbered(state.arrays, "weight"))
    for variable, value in zip(model.optimizer.variables, unnumbered(state.arrays, "optimizer"), strict=True):
        variable.assign(value)
    if average:
        average.restore(unnumbered(state.arrays, "average"))
    watcher.note(f"going on after epoch {state.epoch}")
    return state


def targets_of(config: Config, labels: NDArray[np.uint8]) -> NDArray[Any]:
    """Labels as the loss takes them: class numbers, or one-hot rows."""
    if config.training.loss == "sparse":
        return labels.astype(np.int32)
    return np.eye(models.CLASSES, dtype=np.float32)[labels]


def _training_targets(config: Config, labels: NDArray[np.uint8]) -> NDArray[Any]:
    """The same, smoothed where the config says so; where there is no digit, every class is as likely."""
    if config.training.loss == "sparse":
        return targets_of(config, labels)
    rows = np.eye(models.CLASSES, NO_DIGIT + 1, dtype=np.float32).T
    rows[NO_DIGIT] = 1 / models.CLASSES
    smoothing = np.float32(config.training.label_smoothing)
    return (rows * (1 - smoothing) + smoothing / models.CLASSES)[labels]
