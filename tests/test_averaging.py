"""The moving average of the weights, the learning rate's course and the calibration do what they say."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_pipeline.config import Config, load_config
from mnist_pipeline.config.schema import OneCycle
from mnist_pipeline.data import Part, load_part
from mnist_pipeline.pixels.preprocess import scale
from mnist_pipeline.training import models
from mnist_pipeline.training.averaging import Average
from mnist_pipeline.training.backend import keras, tf
from mnist_pipeline.training.confidence import fold, sharpness
from mnist_pipeline.training.fit import _compiled, _fit_from, _plan, _training_targets, targets_of
from mnist_pipeline.training.layers import DigitAccuracy, rate_of

pytestmark = pytest.mark.usefixtures("tensorflow")
SMALL = {"family": "cnn", "convolutions": [{"filters": 4, "pool": 4, "batch_norm": True}], "hidden": []}


def small(**settings: Any) -> Config:
    settings = {"training.epochs": 1, "training.batch_size": 64, "data.validation": 0.0, **settings}
    return load_config("smoke", {"model": SMALL, "training.loss": "onehot", **settings})


@pytest.fixture(scope="module")
def part() -> Part:
    whole = load_part("mnist", "train")
    return Part(whole.images[:320], whole.labels[:320])


def test_the_average_is_that_of_all_steps_with_batch_normalisation_in_it(part: Part) -> None:
    config = small(**{"training.averaging": {"decay": 0.6}})
    plan = _plan(config, len(part))
    model = _compiled(config, plan.steps)
    average = Average(model, 0.6)
    _fit_from(0, model, config, plan, part, np.empty(0, np.int64), [], average)

    plain = _compiled(config, plan.steps)
    expected = plain.get_weights()
    images, targets = scale(part.images)[..., None], targets_of(config, part.labels)
    order = plan.order(0)
    for step in range(plan.steps):
        places = order[step * 64 : (step + 1) * 64]
        plain.train_on_batch(images[places], targets[places])
        kept = min(0.6, (2 + step) / (11 + step))
        expected = [kept * old + (1 - kept) * new for old, new in zip(expected, plain.get_weights(), strict=True)]
    for found, wanted in zip(average.weights(), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=2e-5)
    assert not np.allclose(average.weights()[0], model.get_weights()[0], atol=1e-4)


def test_the_average_is_in_place_for_a_block_and_no_longer() -> None:
    model = models.build(small().model, seed=0)
    average, own = Average(model, 0.9), model.get_weights()
    average.restore([weight + 1 for weight in own])
    with average.in_place():
        np.testing.assert_array_equal(model.get_weights()[0], own[0] + 1)
    np.testing.assert_array_equal(model.get_weights()[0], own[0])


def test_the_rate_rises_to_the_peak_and_falls_to_the_end() -> None:
    rate = rate_of(0.5, OneCycle(rise=0.25, start=0.1, end=0.02), 100)
    assert callable(rate)
    found = [float(rate(tf.constant(step, tf.int64))) for step in (0, 10, 25, 50, 100, 130)]
    np.testing.assert_allclose(found, [0.05, 0.23, 0.5, 0.5 * (1 - 0.98 / 3), 0.01, 0], atol=1e-6)


def test_a_working_copy_of_a_dense_network_follows_the_schedule(part: Part) -> None:
    config = load_config("smoke", {"training.epochs": 1, "training.schedule": {"rise": 0.5}, "data.validation": 0.0})
    plan = _plan(config, len(part))
    weights = []
    for compiled in (True, False):
        model = _compiled(config, plan.steps)
        if compiled:
            _fit_from(0, model, config, plan, part, np.empty(0, np.int64), [])
        else:
            order, images = plan.order(0), scale(part.images)
            for step in range(plan.steps):
                places = order[step * plan.batch : (step + 1) * plan.batch]
                model.train_on_batch(images[places], targets_of(config, part.labels[places]))
        weights.append(model.get_weights())
    for found, expected in zip(*weights, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=2e-6)


def softmax(scores: NDArray[np.float64]) -> NDArray[np.float32]:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def test_calibration_finds_the_factor_that_the_labels_were_drawn_by() -> None:
    random = np.random.default_rng(0)
    scores = random.normal(0, 2, (20_000, 10))
    labels = (scores + random.gumbel(size=scores.shape)).argmax(axis=1).astype(np.uint8)
    assert sharpness(softmax(scores * 3), labels) == pytest.approx(1 / 3, rel=0.05)
    assert sharpness(softmax(scores), labels) == pytest.approx(1, rel=0.05)
    assert sharpness(softmax(scores * 0.5), labels) == sharpness(softmax(scores * 0.5), labels)


def test_a_factor_folded_in_scales_the_scores_and_nothing_else(part: Part) -> None:
    model = models.build(small().model, seed=1)
    images = scale(part.images[:20])[..., None]
    before = np.log(model(images).numpy().astype(np.float64))
    fold(model, 2.5)
    np.testing.assert_allclose(model(images).numpy(), softmax(before * 2.5), rtol=1e-4, atol=1e-6)


def test_accuracy_is_that_of_the_digits_alone() -> None:
    metric = DigitAccuracy(name="accuracy")
    targets = np.concatenate([np.eye(10)[[1, 2]] * 0.9 + 0.01, np.full((3, 10), 0.1)]).astype(np.float32)
    metric.update_state(tf.constant(targets), tf.constant(np.eye(10, dtype=np.float32)[[1, 3, 0, 1, 2]]))
    assert float(metric.result()) == 0.5


def test_the_targets_of_training_are_smoothed_and_those_of_no_digit_even() -> None:
    config = small(**{"training.label_smoothing": 0.2})
    rows = _training_targets(config, np.array([3, 10], np.uint8))
    np.testing.assert_allclose(rows[0], np.eye(10)[3] * 0.8 + 0.02, rtol=1e-6)
    np.testing.assert_allclose(rows[1], 0.1, rtol=1e-6)
    plain = _training_targets(small(), np.arange(10, dtype=np.uint8))
    np.testing.assert_array_equal(plain, np.eye(10, dtype=np.float32))


def test_averaged_features_need_no_hidden_layer() -> None:
    config = small(**{"model.pooling": "average"})
    model = models.build(config.model, seed=0)
    assert model.count_params() == (9 * 4 + 4) + 4 * 4 + (4 * 10 + 10)
    assert isinstance(model.get_layer("average"), keras.layers.GlobalAveragePooling2D)
