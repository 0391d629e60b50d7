"""Training images turned, stretched, sheared and moved at random, inside the compiled epoch."""

import math

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.config.schema import Augmentation
from mnist_pipeline.pixels.preprocess import SIDE, scale
from mnist_pipeline.training.backend import tf

_CENTRE = (SIDE - 1) / 2


def augment(images: tf.Tensor, settings: Augmentation, seed: tf.Tensor) -> tf.Tensor:
    """The images (n, 28, 28), each changed by its own draw; a function of the two numbers of the seed."""
    draws = tf.unstack(tf.random.stateless_uniform((6, tf.shape(images)[0]), seed, -1.0, 1.0))
    angle = draws[0] * math.radians(settings.rotation)
    stretch_x, stretch_y = (1 / (1 + draw * settings.zoom) for draw in draws[1:3])
    move_x, move_y = (draw * settings.shift for draw in draws[3:5])
    shear = draws[5] * settings.shear
    # Where each pixel of the result comes from: turned, sheared, stretched, all around the picture's middle.
    cos, sin = tf.cos(angle), tf.sin(angle)
    place_x, place_y = _grid()
    x, y = place_x - move_x[:, None], place_y - move_y[:, None]
    from_x = (cos * stretch_x)[:, None] * x + ((cos * shear - sin) * stretch_x)[:, None] * y
    from_y = (sin * stretch_y)[:, None] * x + ((sin * shear + cos) * stretch_y)[:, None] * y
    return _sampled(images, from_x + _CENTRE, from_y + _CENTRE)


def _grid() -> tuple[tf.Tensor, tf.Tensor]:
    """Each pixel's distance from the middle, along both axes, as (1, 784)."""
    line = tf.range(SIDE, dtype=tf.float32) - _CENTRE
    return tf.tile(line, [SIDE])[None], tf.repeat(line, SIDE)[None]


def _sampled(images: tf.Tensor, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """The images at places between pixels, bilinear; black outside."""
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


def augmented_sample(
    images: NDArray[np.uint8], labels: NDArray[np.uint8], settings: Augmentation, most: int = 2000
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The first images as a training step would see them, as bytes again, to look at."""
    changed = augment(tf.constant(scale(images[:most])), settings, tf.constant([0, 0]))
    return (changed.numpy() * 255).round().astype(np.uint8), labels[:most]
