"""When a further look at a small picture counts for more than the first."""

import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_pipeline.prediction.prediction import Prediction, overrules, rejudged

THRESHOLD = 0.6
IMAGE = np.zeros((28, 28), np.uint8)
NOTHING = Prediction("nothing is drawn")


def answered(digit: int, confidence: float) -> Prediction:
    return Prediction("picture", digit, str(digit), digit, str(digit), confidence)


def refused(digit: int, confidence: float) -> Prediction:
    return Prediction("picture", None, None, digit, str(digit), confidence)


@pytest.mark.parametrize(
    ("first", "settled"), [(answered(3, 0.995), True), (answered(3, 0.98), False), (refused(3, 0.995), False)]
)
def test_only_a_sure_answer_is_not_looked_at_again(first: Prediction, settled: bool) -> None:
    assert first.is_settled == settled


@pytest.mark.parametrize(
    ("first", "other", "counts"),
    [
        (NOTHING, answered(3, 0.98), True),
        (refused(5, 0.5), answered(3, 0.98), True),
        (refused(5, 0.5), answered(3, 0.96), False),
        (answered(5, 0.8), answered(3, 0.98), True),
        (answered(5, 0.8), answered(3, 0.96), False),
        (answered(5, 0.985), answered(3, 0.98), False),
        (answered(5, 0.8), answered(5, 0.98), False),
        (answered(5, 0.8), refused(3, 0.98), False),
        (refused(5, 0.5), refused(5, 0.98), False),
    ],
)
def test_a_further_look_must_be_very_sure(first: Prediction, other: Prediction, counts: bool) -> None:
    assert overrules(other, first, first, THRESHOLD) == counts


@pytest.mark.parametrize(("sure", "counts"), [(0.8, True), (0.69, False)])
def test_what_was_refused_and_is_seen_again_must_pass_the_threshold_on_average(sure: float, counts: bool) -> None:
    first = refused(5, 0.5)
    assert overrules(answered(5, sure), first, first, THRESHOLD) == counts


def test_the_surer_of_two_further_looks_counts() -> None:
    first, best = refused(5, 0.5), answered(3, 0.98)
    assert overrules(answered(7, 0.99), first, best, THRESHOLD)
    assert not overrules(answered(7, 0.975), first, best, THRESHOLD)


@pytest.mark.parametrize(
    ("first", "sure", "asked"),
    [
        (answered(3, 0.8), 0.9, [1]),  # it sees the same, which changes nothing
        (answered(5, 0.8), 0.9, [1, 8]),
        (refused(3, 0.5), 0.9, [1, 8]),
        (refused(3, 0.5), 0.4, [1]),
    ],
)
def test_images_like_a_further_look_are_asked_only_where_they_may_matter(
    first: Prediction, sure: float, asked: list[int]
) -> None:
    sizes = list[int]()

    def probabilities(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        sizes.append(len(images))
        return np.tile(np.eye(10, dtype=np.float32)[3] * sure, (len(images), 1))

    rejudged(IMAGE, first, probabilities)
    assert sizes == asked
