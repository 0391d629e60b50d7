"""Targets, accuracy and learning rate are what the config says."""

import numpy as np
import pytest

from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.training.backend import tf
from mnist_pipeline.training.compiling import DigitAccuracy, OneCycleRate, compiled, targets_of

pytestmark = pytest.mark.usefixtures("tensorflow")


def test_the_rate_rises_to_the_peak_and_falls_to_the_end() -> None:
    rate = OneCycleRate(0.5, 100, rise=0.25, start=0.1, end=0.02)
    found = [float(rate(tf.constant(step, tf.int64))) for step in (0, 10, 25, 50, 100, 130)]
    np.testing.assert_allclose(found, [0.05, 0.23, 0.5, 0.5 * (1 - 0.98 / 3), 0.01, 0], atol=1e-6)


def test_a_rate_that_falls_as_a_cosine_is_half_way_down_in_the_middle() -> None:
    rate = OneCycleRate(0.5, 100, rise=0.2, start=0.1, end=0.02, shape="cosine")
    found = [float(rate(tf.constant(step, tf.int64))) for step in (0, 20, 40, 60, 100, 130)]
    quarter = 0.5 * (0.02 + 0.98 * (1 + np.sqrt(0.5)) / 2)
    np.testing.assert_allclose(found, [0.05, 0.5, quarter, 0.5 * 0.51, 0.01, 0.01], atol=1e-6)
    again = OneCycleRate.from_config(rate.get_config())
    assert float(again(tf.constant(40))) == pytest.approx(found[2])


def test_the_optimizer_has_what_the_config_says_and_keras_defaults_elsewhere() -> None:
    said = {"name": "adamw", "beta_1": 0.7, "weight_decay": 0.05}
    adam, plain = (compiled(load_config("smoke", {"training.optimizer": each})).optimizer for each in (said, {}))
    assert (adam.beta_1, adam.beta_2, adam.weight_decay) == (0.7, 0.999, 0.05)
    assert (plain.beta_1, plain.beta_2, plain.weight_decay) == (0.9, 0.999, None)


def test_accuracy_is_that_of_the_digits_alone() -> None:
    metric = DigitAccuracy(name="accuracy")
    targets = np.concatenate([np.eye(10)[[1, 2]] * 0.9 + 0.01, np.full((3, 10), 0.1)]).astype(np.float32)
    metric.update_state(tf.constant(targets), tf.constant(np.eye(10, dtype=np.float32)[[1, 3, 0, 1, 2]]))
    assert float(metric.result()) == 0.5


def test_the_targets_of_training_are_smoothed_and_those_of_no_digit_even() -> None:
    config = load_config("smoke", {"training.loss": "onehot"})
    rows = targets_of(config, np.array([3, 10], np.uint8), smoothing=0.2)
    np.testing.assert_allclose(rows[0], np.eye(10)[3] * 0.8 + 0.02, rtol=1e-6)
    np.testing.assert_allclose(rows[1], 0.1, rtol=1e-6)
    plain = targets_of(config, np.arange(10, dtype=np.uint8))
    np.testing.assert_array_equal(plain, np.eye(10, dtype=np.float32))
