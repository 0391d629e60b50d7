"""The networks are those that the recipes name, layer by layer."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.evaluation.evaluate import describe
from mnist_pipeline.pipeline import train
from mnist_pipeline.runs.watching import Watcher
from mnist_pipeline.training import models
from mnist_pipeline.training.backend import keras, tf
from mnist_pipeline.training.compiling import compiled
from tests.samples import Trainings

BFLOAT16_NOTE = "this processor does not multiply bfloat16: computed in float32, which is quicker here"
pytestmark = pytest.mark.usefixtures("tensorflow")


def layers_of(recipe: str) -> dict[str, int]:
    config = load_config(recipe)
    return {layer.name: layer.parameters for layer in describe(models.build(config.model, seed=0))}


def test_cnn_has_the_layers_and_parameters_that_were_reported() -> None:
    assert layers_of("cnn") == {
        "conv1": 320, "bn1": 128, "pool1": 0,
        "conv2": 18_496, "bn2": 256, "pool2": 0,
        "conv3": 36_928, "bn3": 256,
        "flatten": 0, "dense1": 401_536, "dropout": 0, "output": 1_290,
    }  # fmt: skip


def test_cnn_counts_459210_parameters_of_which_458890_train() -> None:
    model = models.build(load_config("cnn").model, seed=0)
    assert model.count_params() == 459_210
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) == 458_890


@pytest.mark.parametrize("recipe", ["dense", "dense-10"])
def test_dense_is_50_50_10(recipe: str) -> None:
    assert layers_of(recipe) == {"flatten": 0, "dense1": 39_250, "dense2": 2_550, "output": 510}


def test_tiny_is_10_10_10_10() -> None:
    assert layers_of("tiny") == {"flatten": 0, "dense1": 7_850, "dense2": 110, "dense3": 110, "output": 110}


def test_first_weights_are_a_function_of_the_seed() -> None:
    settings = load_config("tiny").model
    first, again, other = (models.build(settings, seed).get_weights()[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_dropout_comes_after_each_hidden_layer_of_a_dense_network() -> None:
    settings = load_config("dense", {"model.dropout": 0.2}).model
    assert [layer.name for layer in describe(models.build(settings, 0))] == [
        "flatten", "dense1", "dropout1", "dense2", "dropout2", "output",
    ]  # fmt: skip


def test_averaged_features_need_no_hidden_layer() -> None:
    convolution = {"filters": 4, "pool": 4, "batch_norm": True}
    network = {"family": "cnn", "convolutions": [convolution], "hidden": [], "pooling": "average"}
    model = models.build(load_config("smoke", {"model": network}).model, seed=0)
    assert model.count_params() == (9 * 4 + 4) + 4 * 4 + (4 * 10 + 10)
    assert isinstance(model.get_layer("average"), keras.layers.GlobalAveragePooling2D)


@pytest.mark.parametrize(("instructions", "computed"), [(True, "bfloat16"), (False, "float32")])
def test_products_are_in_bfloat16_where_the_processor_multiplies_it(
    monkeypatch: pytest.MonkeyPatch, instructions: bool, computed: str
) -> None:
    monkeypatch.setattr(models, "multiplies_bfloat16", lambda: instructions)
    config = load_config("cnn-fast")
    network = models.build(config.model, 0, config.training)
    assert network.get_layer("conv1").compute_dtype == computed
    assert {weight.dtype for weight in network.weights} == {"float32"}


@pytest.mark.parametrize("instructions", [True, False])
def test_it_is_said_where_products_are_not_in_bfloat16_as_asked(
    trainings: Trainings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, instructions: bool
) -> None:
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    monkeypatch.setattr(models, "multiplies_bfloat16", lambda: instructions)
    network = {"model.convolutions": [{"filters": 2, "pool": 4}], "model.hidden": []}
    settings = {"data.source": str(trainings.source), "training.epochs": 1, "training.batch_size": 256, **network}
    said: list[str] = []
    train(load_config("cnn-fast", settings), watcher=Watcher(note=said.append))
    notes = [note for note in said if "bfloat16" in note]
    assert notes == ([] if instructions else [BFLOAT16_NOTE])


def test_fused_batch_normalisation_is_keras_formula() -> None:
    images = tf.constant(np.random.default_rng(0).normal(3, 2, (16, 7, 7, 5)).astype(np.float32))
    results: list[list[NDArray[np.float32]]] = []
    for layer in (keras.layers.BatchNormalization(), models.FusedBatchNormalization()):
        layer.build(images.shape)
        layer.gamma.assign([0.5, 1.0, 1.5, 2.0, 2.5])
        with tf.GradientTape() as tape:
            tape.watch(images)
            output = layer(images, training=True)
            loss = tf.reduce_sum(output**3)
        gradients = tape.gradient(loss, [images, layer.gamma.value, layer.beta.value])
        results.append([np.array(x) for x in (output, *gradients, layer.moving_mean, layer.moving_variance)])
    for plain, fused in zip(*results, strict=True):
        np.testing.assert_allclose(fused, plain, rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("numerics", ["fast", "portable"])
def test_a_network_that_is_trained_further_reads_as_it_answers(numerics: str) -> None:
    """Its batch normalizations keep the mean and variance that they have, whatever a batch has."""
    convolution = {"filters": 4, "pool": 4, "batch_norm": True}
    network = {"family": "cnn", "convolutions": [convolution], "hidden": [], "pooling": "average"}
    config = load_config("smoke", {"model": network, "training.numerics": numerics, "training.start": "shipped"})
    model = compiled(config)
    images = tf.constant(np.random.default_rng(0).random((8, 28, 28, 1)).astype(np.float32))
    before = model.get_layer("bn1").get_weights()
    np.testing.assert_array_equal(model(images, training=True), model(images, training=False))
    model.train_on_batch(images, np.arange(8))
    for kept, now in zip(before, model.get_layer("bn1").get_weights(), strict=True):
        np.testing.assert_array_equal(now, kept)
