"""A model's outputs as probabilities that add up to one."""

import numpy as np
import pytest

from mnist_pipeline.config.schema import Output
from mnist_pipeline.prediction.runtimes import normalised


def test_softmax_outputs_stay_what_they_are() -> None:
    rows = np.full((1, 10), 0.3 / 9, np.float32)
    rows[0, 3] = 0.7
    np.testing.assert_allclose(normalised(rows, "softmax"), rows, rtol=1e-6)


def test_sigmoid_outputs_become_the_softmax_of_what_is_behind_them() -> None:
    logits = np.random.default_rng(0).normal(0, 4, (50, 10))
    outputs = (1 / (1 + np.exp(-logits))).astype(np.float32)
    softmax = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(normalised(outputs, "sigmoid"), softmax, atol=1e-3)


def test_sigmoid_outputs_keep_their_order_however_near_to_one() -> None:
    near = np.full((1, 10), 0.5, np.float32)
    near[0, :3] = np.float32(1) - np.array([3, 1, 2], np.float32) * np.float32(2**-24)
    assert normalised(near, "sigmoid").argmax() == 1
    near[0, 4] = 1
    assert normalised(near, "sigmoid").argmax() == 4


@pytest.mark.parametrize("output", ["softmax", "sigmoid"])
def test_scores_that_are_all_zero_become_even_odds(output: Output) -> None:
    np.testing.assert_allclose(normalised(np.zeros((1, 10), np.float32), output), np.full((1, 10), 0.1))
