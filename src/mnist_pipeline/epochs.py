"""Training a whole epoch in one compiled program, inside Keras' own fit.

fit is given a tiny dataset that holds nothing but the numbers of the epoch's chunks. The train function looks up
which images those are and loops Keras' own train step over them, in one call of a compiled function with images
and labels resident in memory: callbacks, metrics, validation and history stay Keras' own.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.backend import keras, tf

Logs = dict[str, Any]


def order_of(seed: int, epoch: int, images: int) -> NDArray[np.int32]:
    """The order of the images in an epoch: a function of these three numbers and of nothing before."""
    return np.random.Generator(np.random.PCG64([seed, epoch])).permutation(images).astype(np.int32)


class EpochModel(keras.Model):  # type: ignore[misc]
    """A model whose train function runs many steps over resident data."""

    def attach(
        self,
        images: NDArray[np.float32],
        targets: NDArray[Any],
        seed: int,
        batch: int,
        chunks: int,
        xla: bool,
    ) -> None:
        """Give it the training data, the seed of the order, the chunks of an epoch, and the compiler."""
        self._images, self._targets = tf.constant(images), tf.constant(targets)
        self._seed, self._batch = seed, batch
        self._steps, self._rest = divmod(len(images), batch)
        self._chunks = min(chunks, max(self._steps, 1))
        self._compiled = tf.function(self._train_on, reduce_retracing=not xla, jit_compile=xla)
        self._order = np.empty(0, np.int32)

    @property
    def chunks(self) -> int:
        """Calls of the train function an epoch."""
        return int(self._chunks)

    @property
    def steps(self) -> int:
        """Batches an epoch, a smaller last one included."""
        return int(self._steps + bool(self._rest))

    def fit_epochs(self, done: int, epochs: int, **options: Any) -> None:
        """Keras' fit from epoch `done` on."""
        numbers = tf.data.Dataset.range(done * self.chunks, epochs * self.chunks)
        self.fit(
            numbers,
            epochs=epochs,
            initial_epoch=done,
            steps_per_epoch=self.chunks,
            shuffle=False,
            verbose=0,
            **options,
        )

    def make_train_function(self, force: bool = False) -> Callable[[Iterator[Any]], Logs]:
        """The function that fit calls once a chunk."""
        self.train_function = self._train_chunk
        return self._train_chunk

    def _symbolic_build(self, *_: Any, **__: Any) -> None:
        """Fit would build the metrics from the first element of its data, which is only a number here."""

    def _train_chunk(self, numbers: Iterator[Any]) -> Logs:
        epoch, chunk = divmod(int(next(numbers)), self.chunks)
        if chunk == 0 or not len(self._order):
            self._order = order_of(self._seed, epoch, len(self._images))
            self._seed_dropout(epoch)
        first, last = (self._steps * at // self.chunks for at in (chunk, chunk + 1))
        if last > first:
            picked = self._order[first * self._batch : last * self._batch]
            self._compiled(tf.constant(picked.reshape(-1, self._batch)))
        if self._rest and chunk == self.chunks - 1:
            self._compiled(tf.constant(self._order[None, -self._rest :]))
        return dict(self.get_metrics_result())

    def _seed_dropout(self, epoch: int) -> None:
        """Each layer's random stream starts anew with the epoch, so that resuming needs no memory of it."""
        for number, layer in enumerate(self.layers):
            if isinstance(layer, keras.layers.Dropout):
                layer.seed_generator.state.assign(np.array([self._seed, (epoch << 12) + number], np.uint32))

    def _train_on(self, order: tf.Tensor) -> None:
        """Keras' own train step for each row of the order."""
        for step in tf.range(tf.shape(order)[0]):
            picked = order[step]
            self.train_step((tf.gather(self._images, picked), tf.gather(self._targets, picked)))
