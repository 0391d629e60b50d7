"""Training whole epochs in compiled programs under Keras' own fit: callbacks, metrics and history stay Keras'.

What fit is fed with are the numbers of the epoch's chunks. The train function looks up which images those are and
runs a compiled program over images and targets that are resident in memory.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from functools import lru_cache
from typing import Any

import numpy as np

from mnist_pipeline.config.schema import Config
from mnist_pipeline.data import Part
from mnist_pipeline.training.backend import keras, tf
from mnist_pipeline.training.batches import EpochPlan, Resident
from mnist_pipeline.training.callbacks import Average, Step
from mnist_pipeline.training.compiling import targets_of

# Runs the steps [first, end) of an epoch, given the order of the images and the number of the epoch's first step.
Program = Callable[[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor], None]
FitFunction = Callable[[Iterator[Any]], Any]  # as Keras' fit calls it: with the numbers of chunks
_VALIDATION_BATCH = 1000  # no effect on the figures, only on speed and memory
_VALIDATION_BATCH_IN_ROWS = 200  # of convolutions whose windows are laid out: 1000 take 500 MB more


def fit_epochs(
    model: keras.Model, config: Config, plan: EpochPlan, training: Part, validation: Part, *,
    average: Average | None = None, done: int = 0, callbacks: Sequence[keras.callbacks.Callback] = (),
) -> None:  # fmt: skip
    """Train by Keras' fit over compiled epochs, from epoch `done` on; no figures of validation without images."""
    count = len(training.classes)
    targets = targets_of(config, training.labels, config.training.label_smoothing, classes=count)
    data = Resident.of(model, training.images, targets)
    model.train_function = _train_function(model, _program(model, config, data, plan, average), plan)
    if len(validation):
        watched = Resident.of(model, validation.images, targets_of(config, validation.labels, classes=count))
        # Early stopping and its like go by these figures, so they must be as portable as the steps.
        model.test_function = _test_function(model, config, watched, average)
    try:
        model.fit(
            _numbers(done * plan.chunks, config.training.epochs * plan.chunks),
            epochs=config.training.epochs, initial_epoch=done, steps_per_epoch=plan.chunks,
            validation_data=_numbers(0, 1).repeat() if len(validation) else None,
            validation_steps=1, callbacks=list(callbacks), shuffle=False, verbose=0,
        )  # fmt: skip
    finally:
        model.train_function = model.test_function = None


def _numbers(first: int, end: int) -> tf.data.Dataset:
    """Numbers of chunks for fit; without autotuning, whose thread can hold up the end of fit for five seconds."""
    options = tf.data.Options()
    options.autotune.enabled = False
    options.threading.private_threadpool_size = 1
    return tf.data.Dataset.range(first, end).with_options(options)


def _train_function(model: keras.Model, program: Program, plan: EpochPlan) -> FitFunction:
    @lru_cache(maxsize=1)
    def order(epoch: int) -> tf.Tensor:
        return tf.constant(plan.order(epoch))

    def train(numbers: Iterator[Any]) -> Any:
        epoch, chunk = divmod(int(next(numbers)), plan.chunks)
        first, end = plan.bounds(chunk)
        seed_dropout(model, plan.seed, epoch * plan.steps + first)
        program(order(epoch), tf.constant(epoch * plan.steps), tf.constant(first), tf.constant(end))
        return model.get_metrics_result()

    return train


def seed_dropout(model: keras.Model, seed: int, step: int) -> None:
    """Make dropout a function of seed and step; Keras adds one to the second number of a layer's state at each use."""
    for number, layer in enumerate(model.layers):
        if isinstance(layer, keras.layers.Dropout):
            # Two numbers of 32 bits: the last five bits of the largest seeds go above those that steps reach.
            above, first = divmod(seed * 64 + number, 2**32)
            layer.seed_generator.state.assign(np.array([first, step ^ (above << 27)], np.uint32))


def _test_function(model: keras.Model, config: Config, data: Resident, average: Average | None) -> FitFunction:
    portable = config.training.numerics == "portable"
    batch = _VALIDATION_BATCH_IN_ROWS if portable and config.model.family == "cnn" else _VALIDATION_BATCH
    count = int(data.images.shape[0])
    full = count // batch * batch

    @tf.function(jit_compile=portable, autograph=False)  # type: ignore[untyped-decorator]
    def run(images: tf.Tensor, targets: tf.Tensor) -> None:
        rows = Resident(images, targets, data.shape)

        def step(first: tf.Tensor) -> tuple[tf.Tensor]:
            model.test_step(rows.batch(first + tf.range(batch)))
            return (first + batch,)

        tf.while_loop(lambda first: first < full, step, (tf.constant(0),), parallel_iterations=1)
        if count > full:
            model.test_step(rows.batch(tf.range(full, count)))

    def test(numbers: Iterator[Any]) -> Any:
        next(numbers)
        with average.in_place() if average else nullcontext():
            run(data.images, data.targets)
        return model.get_metrics_result()

    return test


def _program(model: keras.Model, config: Config, data: Resident, plan: EpochPlan, average: Average | None) -> Program:
    """The program of an epoch: dense networks are fastest under XLA, convolutions in a graph; portable is XLA alone."""
    if config.model.family == "dense" and config.training.numerics == "fast":
        twin = _DenseTwin(model, average)
        return twin.around(_xla_program(twin.step, data, plan))
    train_step = average.following(model.train_step) if average else model.train_step
    program = _xla_program if config.training.numerics == "portable" else _graph_program
    return program(train_step, data, plan)


def _graph_program(train_step: Step, data: Resident, plan: EpochPlan) -> Program:
    """Steps in the loop of a TensorFlow graph, whose kernels beat XLA's where there are convolutions."""

    # Without autograph, which only costs time here; a batch's slice ends with the images, so the last may be smaller.
    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def run(order: tf.Tensor, before: tf.Tensor, first: tf.Tensor, end: tf.Tensor) -> None:
        def step(number: tf.Tensor) -> tuple[tf.Tensor]:
            places = order[number * plan.batch : (number + 1) * plan.batch]
            train_step(data.batch(places, plan, before + number))
            return (number + 1,)

        # Every step needs the one before: more iterations in flight would only hold more memory.
        tf.while_loop(lambda number: number < end, step, (first,), parallel_iterations=1)

    return run  # type: ignore[no-any-return]


def _xla_program(train_step: Step, data: Resident, plan: EpochPlan) -> Program:
    """Steps in the loop of an XLA program, the quickest way for dense networks."""
    full, rest = divmod(plan.images, plan.batch)

    # The data are arguments, because XLA would compile constants into the program.
    @tf.function(jit_compile=True, autograph=False)  # type: ignore[untyped-decorator]
    def run(
        order: tf.Tensor, before: tf.Tensor, first: tf.Tensor, end: tf.Tensor, images: tf.Tensor, targets: tf.Tensor
    ) -> None:
        rows = Resident(images, targets, data.shape)
        batches = tf.reshape(order[: full * plan.batch], (full, plan.batch))

        def step(number: tf.Tensor) -> tuple[tf.Tensor]:
            train_step(rows.batch(batches[number], plan, before + number))
            return (number + 1,)

        def last() -> tf.Tensor:
            train_step(rows.batch(order[-rest:], plan, before + full))
            return end

        if full:  # XLA cannot compile a look-up in no batches, even where it is never made
            tf.while_loop(lambda number: number < tf.minimum(end, full), step, (first,))
        if rest:  # XLA's shapes are fixed, so a smaller last batch is a second copy of the step
            tf.cond(end > full, last, lambda: end)

    return lambda order, before, first, end: run(order, before, first, end, data.images, data.targets)


class _DenseTwin:
    """A dense network's working copy over transposed weights, laid out for speed; its update rule is the same.

    XLA hands matrix products on a processor to Eigen, which is about twice as fast when the contiguous side of the
    result is the batch, a multiple of the vector width, instead of, say, 50 features. So the twin holds its kernels as
    (out, in) and its activations as (features, batch).

    It has its own variables and optimizer. `load` and `store` copy all state from and to the model, so that between
    epochs callbacks and checkpoints see the true weights, moments and learning rate.
    """

    def __init__(self, model: keras.Model, average: Average | None) -> None:
        self.model = model
        self.step: Step = self.train_step
        self.weights = [keras.Variable(_turned(weight.value)) for weight in model.trainable_variables]
        self.optimizer = type(model.optimizer).from_config(model.optimizer.get_config())
        self.optimizer.build(self.weights)
        self._pairs = [
            *zip(model.trainable_variables, self.weights, strict=True),
            *zip(model.optimizer.variables, self.optimizer.variables, strict=True),
        ]
        if average:
            values = [keras.Variable(_turned(value.value)) for value in average.values]
            self._pairs += zip(average.values, values, strict=True)
            self.step = average.behind(self.train_step, self.optimizer, self.weights, values)

    # Graphs of their own: inside the XLA program these copies would be a third of what there is to compile.
    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def load(self) -> None:
        """Take over the model's state."""
        for original, twin in self._pairs:
            twin.assign(_turned(original.value))

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def store(self) -> None:
        """Give the state back to the model."""
        for original, twin in self._pairs:
            original.assign(_turned_back(twin.value, len(original.shape)))

    def around(self, program: Program) -> Program:
        """The program between taking over the model's state and giving it back."""

        def run(*which: tf.Tensor) -> None:
            self.load()
            program(*which)
            self.store()

        return run

    def train_step(self, batch: tuple[tf.Tensor, tf.Tensor]) -> None:
        """Train on a batch: Keras' own loss, optimizer and metrics around the twin's forward pass."""
        images, targets = batch
        with tf.GradientTape() as tape:
            outputs = self._forward(images)
            loss = self.model.compute_loss(y=targets, y_pred=outputs, training=True)
        self.optimizer.apply(tape.gradient(loss, [weight.value for weight in self.weights]), self.weights)
        self.model.metrics[0].update_state(loss, sample_weight=tf.shape(targets)[0])
        self.model.compute_metrics(None, targets, outputs)

    def _forward(self, images: tf.Tensor) -> tf.Tensor:
        columns, as_rows = tf.reshape(images, (images.shape[0], -1)), True
        weights = iter(self.weights)
        for layer in self.model.layers:
            if isinstance(layer, keras.layers.Dense):
                columns = tf.matmul(next(weights).value, columns, transpose_b=as_rows) + next(weights).value
                if layer is self.model.layers[-1]:
                    # Before the activation: Keras hangs the logits on its result, and the loss computes with them.
                    columns = tf.transpose(columns)
                columns, as_rows = layer.activation(columns), False
            elif isinstance(layer, keras.layers.Dropout):
                columns = layer(columns, training=True)
        return columns


def _turned(value: tf.Tensor) -> tf.Tensor:
    """A kernel with its sides changed, a bias as a column, a scalar as it is."""
    rank = len(value.shape)
    return tf.transpose(value) if rank == 2 else tf.expand_dims(value, 1) if rank == 1 else tf.identity(value)


def _turned_back(value: tf.Tensor, rank: int) -> tf.Tensor:
    return tf.transpose(value) if rank == 2 else tf.squeeze(value, 1) if rank == 1 else value
