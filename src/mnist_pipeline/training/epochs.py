"""Training whole epochs in compiled programs under Keras' own fit: callbacks, metrics and history stay Keras'.

What fit is fed with are the numbers of the epoch's chunks. The train function looks up which images those are and
runs a compiled program over images and targets that are resident in memory.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.config.schema import Augmentation
from mnist_pipeline.data.rendering.pool import PoolRows
from mnist_pipeline.pixels.preprocess import PIXEL
from mnist_pipeline.training.augmentation import augment
from mnist_pipeline.training.averaging import Average
from mnist_pipeline.training.backend import keras, tf

# Runs the steps [first, end) of an epoch, given the order of the images and the number of the epoch's first step.
Program = Callable[[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor], None]
TrainStep = Callable[[tuple[tf.Tensor, tf.Tensor]], Any]
_VALIDATION_BATCH = 1000  # no effect on the figures, only on speed


@dataclass(frozen=True)
class Resident:
    """Images as bytes and targets, in memory while training lasts; a batch is a look-up in them."""

    images: tf.Tensor
    targets: tf.Tensor
    shape: tuple[int, ...]
    """What the model takes one image as."""

    @classmethod
    def of(cls, model: keras.Model, images: NDArray[np.uint8], targets: NDArray[Any]) -> "Resident":
        """The arrays as this model's resident data."""
        return cls(tf.constant(images), tf.constant(targets), tuple(model.input_shape[1:]))

    def __len__(self) -> int:
        return int(self.images.shape[0])

    def batch(self, places: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Images, scaled as preprocess.scale does, and targets."""
        return self._shaped(self._scaled(places)), tf.gather(self.targets, places)

    def training_batch(self, places: tf.Tensor, plan: "EpochPlan", step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The same, changed at random where the plan says so: a function of its seed and of the step."""
        images = self._scaled(places)
        if plan.augmentation:
            images = augment(images, plan.augmentation, tf.stack([plan.seed, step]))
        return self._shaped(images), tf.gather(self.targets, places)

    def _scaled(self, places: tf.Tensor) -> tf.Tensor:
        return tf.cast(tf.gather(self.images, places), tf.float32) * PIXEL

    def _shaped(self, images: tf.Tensor) -> tf.Tensor:
        return tf.reshape(images, (images.shape[0] or -1, *self.shape))


@dataclass(frozen=True)
class EpochPlan:
    """How an epoch is cut: into batches for the update rule, into chunks for whoever watches."""

    images: int
    """How many an epoch goes through."""
    batch: int
    chunks: int
    seed: int
    augmentation: Augmentation | None = None
    shuffle_once: bool = False
    drawn: PoolRows | None = None
    """What the images of an epoch are chosen from, when there is more than an epoch takes."""

    @property
    def steps(self) -> int:
        """Batches an epoch, a smaller last one included."""
        return -(-self.images // self.batch)

    def bounds(self, chunk: int) -> tuple[int, int]:
        """First step of a chunk, and the step after its last."""
        return self.steps * chunk // self.chunks, self.steps * (chunk + 1) // self.chunks

    def order(self, epoch: int) -> NDArray[np.int32]:
        """The order of the images: a function of seed and epoch, and of nothing that happened before."""
        random = np.random.Generator(np.random.PCG64([self.seed, 0 if self.shuffle_once else epoch]))
        order = random.permutation(self.images).astype(np.int32)
        return self.drawn.rows(random)[order] if self.drawn else order


def fit_epochs(
    model: keras.Model,
    program: Program,
    plan: EpochPlan,
    *,
    validation: Resident | None,
    validate_with_xla: bool,
    average: Average | None = None,
    done: int,
    epochs: int,
    callbacks: Sequence[keras.callbacks.Callback],
) -> None:
    """Keras' fit over compiled epochs, from epoch `done` on."""
    model.train_function = _train_function(model, program, plan)
    if validation is not None:
        model.test_function = _test_function(model, validation, validate_with_xla, average)
    try:
        model.fit(
            _numbers(done * plan.chunks, epochs * plan.chunks),
            epochs=epochs,
            initial_epoch=done,
            steps_per_epoch=plan.chunks,
            validation_data=None if validation is None else _numbers(0, 1).repeat(),
            validation_steps=None if validation is None else 1,
            callbacks=list(callbacks),
            shuffle=False,
            verbose=0,
        )
    finally:
        model.train_function = model.test_function = None


def build_state(model: keras.Model, targets: tf.Tensor) -> None:
    """Create the variables of optimizer and metrics now: a compiled loop cannot."""
    model.optimizer.build(model.trainable_variables)
    outputs = tf.zeros((1, *model.output_shape[1:]))
    model.compute_loss(y=targets[:1], y_pred=outputs)
    model.compute_metrics(None, targets[:1], outputs)
    model.reset_metrics()


def graph_program(train_step: TrainStep, data: Resident, plan: EpochPlan) -> Program:
    """Steps in a graph's loop; its kernels beat XLA's where there are convolutions."""

    # Without autograph, which only costs time here; a batch's slice ends with the images, so the last may be smaller.
    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def run(order: tf.Tensor, before: tf.Tensor, first: tf.Tensor, end: tf.Tensor) -> None:
        def step(number: tf.Tensor) -> tuple[tf.Tensor]:
            places = order[number * plan.batch : (number + 1) * plan.batch]
            train_step(data.training_batch(places, plan, before + number))
            return (number + 1,)

        # Every step needs the one before: more iterations in flight would only hold more memory.
        tf.while_loop(lambda number: number < end, step, (first,), parallel_iterations=1)

    return run  # type: ignore[no-any-return]


def xla_program(train_step: TrainStep, data: Resident, plan: EpochPlan) -> Program:
    """A whole epoch in one XLA program: what dense networks want."""
    full, rest = divmod(plan.images, plan.batch)

    # The data are arguments, because XLA would compile constants into the program.
    @tf.function(jit_compile=True, autograph=False)  # type: ignore[untyped-decorator]
    def run(order: tf.Tensor, before: tf.Tensor, images: tf.Tensor, targets: tf.Tensor) -> None:
        rows = Resident(images, targets, data.shape)
        batches = tf.reshape(order[: full * plan.batch], (full, plan.batch))

        def step(number: tf.Tensor) -> tuple[tf.Tensor]:
            train_step(rows.training_batch(batches[number], plan, before + number))
            return (number + 1,)

        if full:  # XLA cannot compile a look-up in no batches, even where it is never made
            tf.while_loop(lambda number: number < full, step, (tf.constant(0),))
        if rest:  # XLA's shapes are fixed, so a smaller last batch is a second copy of the step
            train_step(rows.training_batch(order[-rest:], plan, before + full))

    return lambda order, before, _first, _end: run(order, before, data.images, data.targets)


def _train_function(model: keras.Model, program: Program, plan: EpochPlan) -> Callable[[Iterator[Any]], Any]:
    orders: dict[int, tf.Tensor] = {}

    def train(numbers: Iterator[Any]) -> Any:
        epoch, chunk = divmod(int(next(numbers)), plan.chunks)
        if epoch not in orders:
            orders.clear()
            orders[epoch] = tf.constant(plan.order(epoch))
        first, end = plan.bounds(chunk)
        _seed_dropout(model, plan.seed, epoch * plan.steps + first)
        program(orders[epoch], tf.constant(epoch * plan.steps), tf.constant(first), tf.constant(end))
        return model.get_metrics_result()

    return train


def _seed_dropout(model: keras.Model, seed: int, step: int) -> None:
    """Make what the layers drop a function of seed and step: Keras adds one to the second number at each use."""
    for number, layer in enumerate(model.layers):
        if isinstance(layer, keras.layers.Dropout):
            # Two numbers of 32 bits: the last five bits of the largest seeds go above those that steps reach.
            above, first = divmod(seed * 64 + number, 2**32)
            layer.seed_generator.state.assign(np.array([first, step ^ (above << 27)], np.uint32))


def _test_function(
    model: keras.Model, data: Resident, xla: bool, average: Average | None
) -> Callable[[Iterator[Any]], Any]:
    full = len(data) // _VALIDATION_BATCH * _VALIDATION_BATCH

    @tf.function(jit_compile=xla, autograph=False)  # type: ignore[untyped-decorator]
    def run(images: tf.Tensor, targets: tf.Tensor) -> None:
        rows = Resident(images, targets, data.shape)

        def step(first: tf.Tensor) -> tuple[tf.Tensor]:
            model.test_step(rows.batch(first + tf.range(_VALIDATION_BATCH)))
            return (first + _VALIDATION_BATCH,)

        tf.while_loop(lambda first: first < full, step, (tf.constant(0),), parallel_iterations=1)
        if len(data) > full:
            model.test_step(rows.batch(tf.range(full, len(data))))

    def test(numbers: Iterator[Any]) -> Any:
        next(numbers)
        with average.in_place() if average else nullcontext():
            run(data.images, data.targets)
        return model.get_metrics_result()

    return test


def _numbers(first: int, end: int) -> tf.data.Dataset:
    """Numbers for fit to count by; without autotuning, whose thread can hold up the end of fit for five seconds."""
    options = tf.data.Options()
    options.autotune.enabled = False
    options.threading.private_threadpool_size = 1
    return tf.data.Dataset.range(first, end).with_options(options)
