"""The parts that portable numerics are made of mean what Keras' and TensorFlow's own do, gradients included."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.config.schema import Augmentation
from mnist_pipeline.training import models
from mnist_pipeline.training.backend import keras, tf
from mnist_pipeline.training.batches import augment
from mnist_pipeline.training.portable import (
    PortableAdamW,
    PortableBatchNormalization,
    PortableConvolution,
    PortableMaxPooling,
    cosine_and_sine,
)

pytestmark = pytest.mark.usefixtures("tensorflow")
RANDOM = np.random.default_rng(0)


def results(layer: keras.layers.Layer, images: NDArray[np.float32], training: bool = True) -> list[NDArray[np.float32]]:
    """What the layer gives for the images, its state afterwards, and the gradients of images and weights."""
    layer.build(images.shape)
    weights = np.random.default_rng(1)
    for weight in layer.weights:
        weight.assign(weights.uniform(0.5, 1.5, weight.shape))
    inputs = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        output = layer(inputs, training=training)
        loss = tf.reduce_sum(tf.sin(output))
    gradients = tape.gradient(loss, [inputs, *(weight.value for weight in layer.trainable_weights)])
    return [np.array(value) for value in (output, *gradients, *layer.weights)]


def images(*shape: int) -> NDArray[np.float32]:
    return RANDOM.normal(size=shape).astype(np.float32)


def assert_same(found: list[NDArray[Any]], expected: list[NDArray[Any]]) -> None:
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("kernel", "stride"), [(1, 1), (2, 1), (3, 1), (5, 1), (1, 2), (3, 2), (5, 4)])
def test_a_convolution_is_that_of_keras(kernel: int, stride: int) -> None:
    """Also with an even kernel, which reaches further to the right than to the left, and without a bias."""
    settings = {"filters": 4, "kernel_size": kernel, "strides": stride, "padding": "same", "activation": "relu"}
    settings["use_bias"] = kernel < 5
    inputs = images(3, 7, 6, 2)
    assert_same(results(PortableConvolution(**settings), inputs), results(keras.layers.Conv2D(**settings), inputs))


@pytest.mark.parametrize("side", [2, 3, 4])
def test_pooling_is_that_of_keras_with_pixels_left_over_and_equal_ones(side: int) -> None:
    inputs = np.maximum(images(3, 7, 9, 2), 0)
    assert_same(results(PortableMaxPooling(side), inputs), results(keras.layers.MaxPooling2D(side), inputs))


@pytest.mark.parametrize("training", [True, False])
def test_batch_normalisation_is_that_of_keras(training: bool) -> None:
    inputs = images(16, 5, 4, 3) * 2 + 3
    ours, plain = PortableBatchNormalization(), keras.layers.BatchNormalization()
    assert_same(results(ours, inputs, training), results(plain, inputs, training))


def test_adamw_moves_and_decays_weights_as_keras_does() -> None:
    found = []
    for optimizer in (PortableAdamW(0.1), keras.optimizers.AdamW(0.1)):
        weight = keras.Variable(np.array([1.0, -2.0, 3.0], np.float32))
        optimizer.build([weight])
        for gradient in ([0.5, -0.1, 0.0], [0.2, 0.3, 0.0]):
            optimizer.apply([tf.constant(gradient)], [weight])
        found.append(np.array(weight))
    ours, plain = found
    np.testing.assert_allclose(ours, plain, rtol=1e-5)  # ours takes the powers in doubles
    assert ours[2] < 3, "a weight without a gradient decays"


def test_cosine_and_sine_are_those_of_the_library_over_half_a_turn_either_way() -> None:
    angles = np.linspace(-np.pi, np.pi, 2001).astype(np.float32)
    cosine, sine = cosine_and_sine(tf.constant(angles))
    np.testing.assert_allclose(cosine, np.cos(angles.astype(float)), atol=1e-6)
    np.testing.assert_allclose(sine, np.sin(angles.astype(float)), atol=1e-6)


def test_images_are_changed_as_in_fast_numerics() -> None:
    settings, seed = Augmentation(rotation=40, zoom=0.2, shift=2, shear=0.2), tf.constant([1, 2])
    inputs = tf.constant(RANDOM.uniform(size=(5, 28, 28)).astype(np.float32))
    changed = augment(inputs, settings, seed, portable=True)
    np.testing.assert_allclose(changed, augment(inputs, settings, seed), atol=1e-4)
    assert not np.allclose(changed, inputs, atol=0.1)


def test_a_portable_network_has_the_weights_of_a_plain_one_in_the_same_order() -> None:
    config = load_config("cnn-portable")
    portable, plain = models.build(config.model, 5, config.training), models.build(config.model, 5)
    for one, other in zip(portable.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    inputs = RANDOM.uniform(size=(4, 28, 28, 1)).astype(np.float32)
    np.testing.assert_allclose(portable(inputs, training=False), plain(inputs, training=False), atol=1e-5)
