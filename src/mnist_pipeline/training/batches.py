"""Which images a training step sees: the order of an epoch, its batches, and how the images are changed at random.

Order and changes are functions of the seed and of the number of epoch or step, and of nothing that happened before:
so a training that was interrupted goes on to the same bits.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.config.schema import Augmentation, Config
from mnist_pipeline.data.rendering.pool import PoolRows
from mnist_pipeline.pixels.preprocess import PIXEL, SIDE, scale
from mnist_pipeline.training.backend import keras, tf
from mnist_pipeline.training.portable import cosine_and_sine

_CENTRE = (SIDE - 1) / 2
_CHUNKS = 20  # of an epoch of a slow network
_BETWEEN_KNOTS = 7  # pixels; a stroke bends over about as many
_KNOTS = SIDE // _BETWEEN_KNOTS + 3  # of a cubic spline from edge to edge


@dataclass(frozen=True)
class EpochPlan:
    """How an epoch is cut: into batches for the update rule, into chunks for whoever watches."""

    images: int  # that an epoch goes through
    batch: int
    chunks: int
    seed: int
    augmentation: Augmentation | None = None
    shuffle_once: bool = False
    drawn: PoolRows | None = None  # the drawings that an epoch chooses its images from; None where it takes all
    portable: bool = False  # no function that processors round differently

    @classmethod
    def of(cls, config: Config, images: int) -> "EpochPlan":
        """One chunk for the quick dense epochs; many for slow ones, so that their progress can be seen."""
        training = config.training
        chunks = 1 if config.model.family == "dense" else min(_CHUNKS, -(-images // training.batch_size))
        drawn = PoolRows(config.data.rendering, images) if config.data.rendering else None
        taken, once = drawn.taken if drawn else images, training.shuffle == "once"
        portable = training.numerics == "portable"
        return cls(taken, training.batch_size, chunks, training.seed, training.augmentation, once, drawn, portable)

    @property
    def steps(self) -> int:
        """Batches an epoch, a smaller last one included."""
        return -(-self.images // self.batch)

    def bounds(self, chunk: int) -> tuple[int, int]:
        """First step of a chunk, and the step after its last."""
        return self.steps * chunk // self.chunks, self.steps * (chunk + 1) // self.chunks

    def order(self, epoch: int) -> NDArray[np.int32]:
        """The order in which an epoch goes through the images."""
        random = np.random.Generator(np.random.PCG64([self.seed, 0 if self.shuffle_once else epoch]))
        order = random.permutation(self.images).astype(np.int32)
        return self.drawn.rows(random)[order] if self.drawn else order


@dataclass(frozen=True)
class Resident:
    """Images as bytes and targets, in memory while training lasts; a batch is a look-up in them."""

    images: tf.Tensor
    targets: tf.Tensor
    shape: tuple[int, ...]  # of one image as the model takes it

    @classmethod
    def of(cls, model: keras.Model, images: NDArray[np.uint8], targets: NDArray[Any]) -> "Resident":
        """The arrays as this model's resident data."""
        return cls(tf.constant(images), tf.constant(targets), tuple(model.input_shape[1:]))

    def batch(
        self, places: tf.Tensor, plan: EpochPlan | None = None, step: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Images, scaled as preprocess.scale does and augmented where a plan says so for this step, and targets."""
        images = tf.cast(tf.gather(self.images, places), tf.float32) * PIXEL
        if plan and plan.augmentation:
            images = augment(images, plan.augmentation, tf.stack([plan.seed, step]), portable=plan.portable)
        return tf.reshape(images, (images.shape[0] or -1, *self.shape)), tf.gather(self.targets, places)


def augment(images: tf.Tensor, settings: Augmentation, seed: tf.Tensor, *, portable: bool = False) -> tf.Tensor:
    """Change images (n, 28, 28) as the settings say, each by its own draw from the two numbers of the seed."""
    if settings.thickness:
        images = _thickened(images, settings.thickness, seed)
    draws = tf.unstack(tf.random.stateless_uniform((6, tf.shape(images)[0]), seed, -1.0, 1.0))
    angle = draws[0] * math.radians(settings.rotation)
    stretch_x, stretch_y = (1 / (1 + draw * settings.zoom) for draw in draws[1:3])
    move_x, move_y = (draw * settings.shift for draw in draws[3:5])
    shear = draws[5] * settings.shear
    # Where each pixel of the result comes from: turned, sheared, stretched, all around the image's middle.
    cos, sin = cosine_and_sine(angle) if portable else (tf.cos(angle), tf.sin(angle))
    line = tf.range(SIDE, dtype=tf.float32) - _CENTRE
    x, y = tf.tile(line, [SIDE])[None] - move_x[:, None], tf.repeat(line, SIDE)[None] - move_y[:, None]
    from_x = (cos * stretch_x)[:, None] * x + ((cos * shear - sin) * stretch_x)[:, None] * y
    from_y = (sin * stretch_y)[:, None] * x + ((sin * shear + cos) * stretch_y)[:, None] * y
    if settings.flip:
        from_x *= _sides(seed, tf.shape(images)[0])[:, None]
    if settings.elastic:
        move_x, move_y = _bends(settings.elastic, seed, tf.shape(images)[0])
        from_x, from_y = from_x + move_x, from_y + move_y
    return _sampled(images, from_x + _CENTRE, from_y + _CENTRE)


def _apart(seed: tf.Tensor, first: int, second: int) -> tf.Tensor:
    """A seed for draws on which nothing else depends, whatever the settings."""
    return tf.bitwise.bitwise_xor(tf.cast(seed, tf.int32), [first, second])


def _sides(seed: tf.Tensor, images: tf.Tensor) -> tf.Tensor:
    """1 or -1 for each image."""
    return tf.where(tf.random.stateless_uniform([images], _apart(seed, 0, 1 << 30)) < 0.5, -1.0, 1.0)


def _thickened(images: tf.Tensor, most: float, seed: tf.Tensor) -> tf.Tensor:
    """Images blended with the largest or the smallest value around each pixel: strokes grow or shrink."""
    shares = tf.random.stateless_uniform([tf.shape(images)[0]], _apart(seed, 1 << 30, 0), -most, most)[:, None, None]
    pixels = images[..., None]
    grown, shrunk = (sign * tf.nn.max_pool2d(sign * pixels, 3, 1, "SAME")[..., 0] for sign in (1.0, -1.0))
    return images + tf.abs(shares) * (tf.where(shares > 0, grown, shrunk) - images)


def _bends(most: float, seed: tf.Tensor, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """For each pixel of each image how far it moves to the side and down: smooth from knots that move at random."""
    knots = tf.random.stateless_uniform([2, images, _KNOTS, _KNOTS, 1], _apart(seed, 1 << 30, 1 << 30), -most, most)
    # Sums written out, as portable numerics need them: (2, n, knots, knots, 1) to (2, n, knots, 28) to (2, n, 28, 28).
    rows = tf.add_n([knots[:, :, :, knot] * _NEAR_KNOTS[knot] for knot in range(_KNOTS)])[:, :, :, None]
    moves = tf.add_n([rows[:, :, knot] * _NEAR_KNOTS[knot][:, None] for knot in range(_KNOTS)])
    to_the_side, down = tf.unstack(tf.reshape(moves, (2, -1, SIDE * SIDE)))
    return to_the_side, down


def _near_knots() -> NDArray[np.float32]:
    """How much of each knot's move a row or column has, a cubic spline; all of them add up to one."""
    places = np.arange(SIDE) / _BETWEEN_KNOTS + 1
    away = np.abs(places - np.arange(_KNOTS)[:, None])
    return np.where(away < 1, 2 / 3 - away**2 + away**3 / 2, np.maximum(2 - away, 0) ** 3 / 6).astype(np.float32)


def _sampled(images: tf.Tensor, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """The images' values at places between pixels, bilinear; black outside."""
    flat = tf.reshape(images, (-1, SIDE * SIDE))
    left, top = tf.floor(x), tf.floor(y)
    right_share, lower_share = x - left, y - top
    total = tf.zeros_like(x)
    for step_y, share_y in ((0.0, 1 - lower_share), (1.0, lower_share)):
        for step_x, share_x in ((0.0, 1 - right_share), (1.0, right_share)):
            total += share_x * share_y * _pixels(flat, left + step_x, top + step_y)
    return tf.reshape(total, tf.shape(images))


def _pixels(flat: tf.Tensor, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    inside = (x >= 0) & (x < SIDE) & (y >= 0) & (y < SIDE)
    places = tf.cast(tf.clip_by_value(y, 0, SIDE - 1) * SIDE + tf.clip_by_value(x, 0, SIDE - 1), tf.int32)
    return tf.where(inside, tf.gather(flat, places, batch_dims=1), 0.0)


_NEAR_KNOTS = _near_knots()


def augmented_sample(
    images: NDArray[np.uint8], labels: NDArray[np.uint8], settings: Augmentation, most: int = 2000
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The first images as a training step would see them, in bytes, to look at."""
    changed = augment(tf.constant(scale(images[:most])), settings, tf.constant([0, 0]))
    return (changed.numpy() * 255).round().astype(np.uint8), labels[:most]
