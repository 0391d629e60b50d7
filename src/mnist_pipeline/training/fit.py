"""From a config and images to a fitted network: build, begin or go on from a checkpoint, train, choose weights."""

from dataclasses import dataclass

from mnist_pipeline.config.schema import Config
from mnist_pipeline.data import Part
from mnist_pipeline.data.rendering.pool import draw_pool
from mnist_pipeline.runs.run import Run
from mnist_pipeline.runs.watching import Watcher
from mnist_pipeline.training import models
from mnist_pipeline.training.backend import keras
from mnist_pipeline.training.batches import EpochPlan
from mnist_pipeline.training.callbacks import Average, Bookkeeper, deciding
from mnist_pipeline.training.checkpoints import Checkpoints, TrainingState
from mnist_pipeline.training.compiling import compiled
from mnist_pipeline.training.epochs import fit_epochs
from mnist_pipeline.training.saving import load_network


@dataclass(frozen=True)
class Fitted:
    """A trained model and how it came about."""

    model: keras.Model
    history: dict[str, list[float]]
    steps: int
    seconds: float
    best_epoch: int | None  # the epoch whose weights these are; None when they are the last epoch's


def fit(
    config: Config, training: Part, validation: Part, store: Checkpoints, watcher: Watcher, start: Run | None = None
) -> Fitted:
    """Train, with the weights of the run `start` as the first ones, or go on from the newest checkpoint.

    It comes to the same bits either way.
    """
    plan = EpochPlan.of(config, len(training))
    model = compiled(config, plan.steps, len(training.classes))
    average = Average(model, config.training.averaging.decay) if config.training.averaging else None
    found = store.latest(watcher.note)
    state = found or TrainingState()
    callbacks = deciding(config.training, average)
    books = Bookkeeper(callbacks, store, watcher, state, average)
    if found:
        _go_on(model, average, found, watcher)
    if state.stopped or state.epoch >= config.training.epochs:
        books.restore()
    else:
        drawn, followers = _drawn(config, training, watcher), [*callbacks.values(), books]
        if start and not found:
            _begin(model, average, start)
        fit_epochs(model, config, plan, drawn, validation, average=average, done=state.epoch, callbacks=followers)
    best = callbacks.get("keep_best")
    finished = models.build(config.network, config.training.seed, classes=len(training.classes))
    finished.set_weights(best.weights if best else average.weights() if average else model.get_weights())
    steps = plan.steps * len(books.history["loss"])
    return Fitted(finished, books.history, steps, books.seconds, best.best_epoch if best else None)


def _begin(model: keras.Model, average: Average | None, start: Run) -> None:
    """Put a trained run's weights in place."""
    weights = load_network(start).get_weights()
    model.set_weights(weights)
    if average:
        average.restore(weights)


def _go_on(model: keras.Model, average: Average | None, state: TrainingState, watcher: Watcher) -> None:
    """Put a checkpoint's weights and optimizer state in place."""
    model.set_weights(state.weights)
    for variable, value in zip(model.optimizer.variables, state.optimizer, strict=True):
        variable.assign(value)
    if average:
        average.restore(state.average)
    watcher.note(f"going on after epoch {state.epoch}")


def _drawn(config: Config, training: Part, watcher: Watcher) -> Part:
    """The training images, beside their drawings where the config asks for some."""
    if not config.data.rendering:
        return training
    watcher.note("drawing the training digits first: some minutes for all of MNIST")
    return Part(*draw_pool(training.images, training.labels, config.data.rendering, config.training.threads))
