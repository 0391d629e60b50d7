"""The networks are those that the recipes name, layer by layer."""

import numpy as np
import pytest

from mnist_pipeline.config import load_config
from mnist_pipeline.evaluation.evaluate import describe
from mnist_pipeline.training import models

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
