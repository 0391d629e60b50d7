"""An answer that is a mean over views of the image: the same one from Keras and from each reader of its ONNX file."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.data import Part, load_part
from mnist_pipeline.pixels.preprocess import scale
from mnist_pipeline.training import means, models, scoring
from mnist_pipeline.training.backend import keras
from mnist_pipeline.training.keras_file import load_plain, weights_sha256
from mnist_pipeline.training.saving import save_keras, save_onnx

pytestmark = pytest.mark.usefixtures("tensorflow")
SMALL: dict[str, Any] = {
    "family": "cnn", "hidden": [], "pooling": "average",
    "convolutions": [{"filters": 4, "batch_norm": True, "pool": 2}, {"filters": 6}],
}  # fmt: skip
ENGINES = [cv2.dnn.ENGINE_CLASSIC, cv2.dnn.ENGINE_NEW, cv2.dnn.ENGINE_AUTO]


def network(family: str, seed: int = 0) -> keras.Model:
    """A small network whose weights are as large as those of a trained one."""
    recipe = load_config("smoke", {"model": SMALL} if family == "cnn" else {})
    made = models.build(recipe.model, seed)
    random = np.random.default_rng(seed)
    made.set_weights([weight + np.abs(random.normal(0, 0.3, weight.shape)) for weight in made.get_weights()])
    return made


def answers(model: keras.Model, images: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(model(images.reshape(-1, *model.input_shape[1:]), training=False))


def moved(images: NDArray[np.float32], right: int, down: int) -> NDArray[np.float32]:
    """The images moved, with black where nothing came in."""
    wide = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    return wide[:, 1 - down : 29 - down, 1 - right : 29 - right]


@pytest.fixture(scope="module")
def noise() -> NDArray[np.float32]:
    """Images that are bright at their borders too."""
    return np.random.default_rng(0).random((3, 28, 28), np.float32)


@pytest.mark.parametrize("family", ["dense", "cnn"])
def test_five_views_are_the_image_and_the_image_moved_to_each_side(family: str, noise: NDArray[np.float32]) -> None:
    plain = network(family)
    five = means.mean_of(means.views_of(plain, 5), plain.name)
    views = [noise, moved(noise, 1, 0), moved(noise, -1, 0), moved(noise, 0, 1), moved(noise, 0, -1)]
    np.testing.assert_allclose(answers(five, noise), np.mean([answers(plain, view) for view in views], 0), atol=1e-6)


def test_a_single_view_is_the_network_itself() -> None:
    plain = network("cnn")
    assert means.mean_of(means.views_of(plain, 1), plain.name) is plain


def test_views_have_the_weights_of_the_one_network_once() -> None:
    plain = network("cnn")
    nine = means.mean_of(means.views_of(plain, 9), plain.name)
    assert (nine.count_params(), weights_sha256(nine)) == (plain.count_params(), weights_sha256(plain))


@pytest.mark.parametrize("family", ["dense", "cnn"])
def test_every_reader_of_the_files_gives_the_mean(family: str, noise: NDArray[np.float32], tmp_path: Path) -> None:
    plain = network(family)
    five = means.mean_of(means.views_of(plain, 5), plain.name)
    expected, path = answers(five, noise), tmp_path / "model.onnx"
    save_onnx(five, path)
    save_keras(five, tmp_path / "model.keras")
    np.testing.assert_array_equal(answers(load_plain(tmp_path / "model.keras"), noise), expected)
    constants = [onnx.numpy_helper.to_array(each) for each in onnx.load(path).graph.initializer]
    assert sum(each.size for each in constants if each.dtype == np.float32) < plain.count_params() + 100
    for engine in ENGINES:
        read = cv2.dnn.readNetFromONNX(str(path), engine)
        for image, scores in zip(noise, expected, strict=True):
            read.setInput(image.reshape(1, 28, 28, 1))
            np.testing.assert_allclose(read.forward(), scores[None], atol=1e-6)
    session = onnxruntime.InferenceSession(str(path))
    given = session.get_inputs()[0]
    (found,) = session.run(None, {given.name: noise.reshape(-1, *given.shape[1:])})
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_mean_over_views_is_calibrated_as_a_mean() -> None:
    """The factor is that under which the mean suits the labels, not one view alone."""
    config, images, plain = load_config("smoke"), load_part("mnist", "train").images[:200], network("dense")
    views = means.views_of(plain, 5)
    five = means.mean_of(views, plain.name)
    labels = answers(five, scale(images)).argmax(axis=1).astype(np.uint8)
    labels[:30] = (labels[:30] + 1) % 10  # so many answers are wrong
    part = Part(images, labels)
    scoring.calibrate(views, plain, config, part)
    losses = []
    for factor in (1, 0.9, 1.1 / 0.9):  # as calibrated, less sharp, sharper
        scoring.fold(plain, factor)
        losses.append(scoring.validated(five, config, part)["val_loss"])
    assert losses[0] == min(losses)
