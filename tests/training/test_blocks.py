"""Convolution blocks with a stride, filters of their own for each feature, a shortcut, or normalised first."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.config.schema import Model
from mnist_pipeline.evaluation.evaluate import describe
from mnist_pipeline.prediction.runtimes import open_runtime
from mnist_pipeline.training import models
from mnist_pipeline.training.backend import keras
from mnist_pipeline.training.keras_file import load_plain
from mnist_pipeline.training.saving import save_keras, save_onnx

pytestmark = pytest.mark.usefixtures("tensorflow")
BLOCKS: list[dict[str, Any]] = [
    {"filters": 4, "kernel": 5, "stride": 2, "batch_norm": True},
    {"filters": 6, "separable": True, "batch_norm": True},
    {"filters": 6, "batch_norm": True, "residual": 2, "pool": 2},
    {"filters": 6, "separable": True, "stride": 2, "residual": 1},
    {"filters": 6, "residual": 1},
]

IMAGES = np.random.default_rng(1).uniform(size=(20, 28, 28)).astype(np.float32)


def randomize(model: keras.Model) -> None:
    """Weights of either sign, also where a new network has zeros and ones."""
    random = np.random.default_rng(0)
    for weight in model.weights:
        values = random.normal(0, 0.5, weight.shape)
        weight.assign(np.abs(values) + 0.1 if "variance" in weight.path else values)


def network(blocks: list[dict[str, Any]] = BLOCKS, **settings: Any) -> Model:
    model = {"family": "cnn", "convolutions": blocks, "hidden": [], "pooling": "average", **settings}
    return load_config("smoke", {"model": model}).model


def test_every_kind_of_block_has_the_layers_and_weights_that_it_should() -> None:
    layers = {layer.name: (layer.shape, layer.parameters) for layer in describe(models.build(network(), 0))}
    assert layers == {
        "conv1": ((14, 14, 4), 4 * 25 + 4), "bn1": ((14, 14, 4), 16),
        "conv2": ((14, 14, 6), 4 * 9 + 4 * 6 + 6), "bn2": ((14, 14, 6), 24),
        "conv3": ((14, 14, 6), 6 * 6 * 9 + 6), "bn3": ((14, 14, 6), 24),
        "shortcut3": ((14, 14, 6), 4 * 6), "sum3": ((14, 14, 6), 0), "pool3": ((7, 7, 6), 0),
        "conv4": ((4, 4, 6), 6 * 9 + 6 * 6 + 6), "shortcut4": ((4, 4, 6), 6 * 6), "sum4": ((4, 4, 6), 0),
        "conv5": ((4, 4, 6), 6 * 6 * 9 + 6), "sum5": ((4, 4, 6), 0),
        "average": ((6,), 0), "output": ((10,), 70),
    }  # fmt: skip


def test_normalised_first_a_convolution_has_no_bias_and_its_activation_comes_behind() -> None:
    blocks = [{"filters": 4, "batch_norm": True, "pool": 2}, {"filters": 4, "separable": True, "batch_norm": True}]
    layers = [*describe(models.build(network(blocks, norm_first=True), 0))]
    names = ["conv1", "bn1", "activation1", "pool1", "conv2", "bn2", "activation2", "average", "output"]
    assert [layer.name for layer in layers] == names
    assert (layers[0].parameters, layers[4].parameters) == (4 * 9, 4 * 9 + 4 * 4)


@pytest.mark.parametrize("block", [{"pool": 2}, {"pool": 3, "batch_norm": True}], ids=["plain", "normalised first"])
@pytest.mark.parametrize("activation", ["relu", "tanh", "silu"])
def test_a_network_that_trains_pools_before_its_activation_and_means_the_same(
    activation: str, block: dict[str, Any]
) -> None:
    settings = network([{"filters": 3, **block}], activation=activation, norm_first=True)
    plain, working = models.build(settings, 0), models.build(settings, 0, load_config("smoke").training)
    randomize(plain)
    working.set_weights(plain.get_weights())
    order = [layer.name for layer in working.layers[1:-2]]
    if activation == "silu":  # of which the largest is not that of the largest input
        assert order[-1] == "pool1"
    else:
        assert order in (["conv1"], ["conv1", "bn1", "pool1", "activation1"])
    np.testing.assert_allclose(working(IMAGES[..., None]), plain(IMAGES[..., None]), atol=1e-6)


def test_a_shortcut_leads_around_its_blocks() -> None:
    """With weights of zero a block of its own gives nothing, and the sum is what was led around."""
    model = models.build(network([{"filters": 3}, {"filters": 3}, {"filters": 3, "residual": 2}]), 0)
    model.get_layer("conv3").set_weights([0 * weight for weight in model.get_layer("conv3").get_weights()])
    inside = keras.Model(model.inputs[0], [model.get_layer("conv1").output, model.get_layer("sum3").output])
    around, summed = inside(IMAGES[:2, ..., None])
    np.testing.assert_array_equal(around, summed)
    assert np.ptp(summed) > 0.1


@pytest.mark.parametrize("norm_first", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_every_kind_of_block_is_saved_and_read_without_keras(norm_first: bool, tmp_path: Path) -> None:
    model = models.build(network(norm_first=norm_first, activation="leaky_relu"), seed=0)
    randomize(model)
    scores = model(IMAGES[..., None], training=False).numpy()
    assert np.ptp(scores, axis=0).max() > 0.01
    save_keras(model, tmp_path / "model.keras")
    save_onnx(model, tmp_path / "model.onnx")
    np.testing.assert_array_equal(load_plain(tmp_path / "model.keras")(IMAGES[..., None]), scores)
    np.testing.assert_allclose(open_runtime(tmp_path / "model.onnx", "opencv").scores(IMAGES), scores, atol=1e-5)
