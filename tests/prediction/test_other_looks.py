"""A small picture that is refused or answered with doubt is looked at again: smoothed, and in the other polarity."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_pipeline.data import Part
from mnist_pipeline.pixels.preprocess import find_digit, other_looks
from mnist_pipeline.prediction.prediction import Prediction, overrules, rejudged
from mnist_pipeline.prediction.predictor import Predictor

Grey = NDArray[np.uint8]
THRESHOLD = 0.6
IMAGE = np.zeros((28, 28), np.uint8)
NOTHING = Prediction("nothing is drawn")


@pytest.fixture(scope="module")
def digits(part: Part) -> Grey:
    """Two training images of each class."""
    return np.stack([part.images[np.flatnonzero(part.labels == digit)[k]] for digit in range(10) for k in (5, 8)])


def noisy(digit: Grey, number: int) -> Grey:
    """Of a hundred pixels, 17 are black or white."""
    random = np.random.default_rng(number)
    return np.where(random.random(digit.shape) < 0.17, 255 * random.integers(0, 2, digit.shape), digit).astype(np.uint8)


def pixels_of(picture: Grey) -> Grey:
    """What the first look sees; nothing where it finds nothing."""
    pixels = find_digit(picture).pixels
    return np.zeros((28, 28), np.uint8) if pixels is None else pixels


def right(model: Predictor, pictures: list[Grey]) -> int:
    return sum(answer.digit == number // 2 for number, answer in enumerate(model.predict_many(pictures)))


def test_digits_under_noise_are_read_by_a_smoothed_look(model: Predictor, digits: Grey) -> None:
    pictures = [noisy(digit, number) for number, digit in enumerate(digits)]
    once = sum(
        int(row.argmax()) == number // 2 and row.max() >= model.threshold
        for number, picture in enumerate(pictures)
        for row in model.probabilities(pixels_of(picture)[np.newaxis])
    )
    assert once <= 12
    assert right(model, pictures) >= 17


def test_digits_whose_border_is_half_inverted_are_read_in_the_other_polarity(model: Predictor, digits: Grey) -> None:
    striped = digits.copy()
    striped[:, :, :6], striped[:, :, 22:] = 255 - digits[:, :, :6], 255 - digits[:, :, 22:]
    assert right(model, list(striped)) >= 10


def test_the_steps_show_the_look_that_was_believed(model: Predictor, digits: Grey) -> None:
    for number, digit in enumerate(digits):
        answer, steps = model.examine(noisy(digit, number))
        if steps[1][0] == "smoothed":
            assert answer.digit == number // 2
            assert answer.confidence is not None
            assert answer.confidence > (1 + model.threshold) / 2
            return
    pytest.fail("none of them was looked at again")


def test_a_larger_picture_is_looked_at_once(model: Predictor, digits: Grey) -> None:
    for number, digit in enumerate(digits[:4]):
        large = cv2.resize(noisy(digit, number), (112, 112), interpolation=cv2.INTER_NEAREST)
        _, steps = model.examine(large.astype(np.uint8))
        assert {"smoothed", "in the other polarity"}.isdisjoint(name for name, _ in steps)


def test_the_other_polarity_of_an_answered_picture_is_tried_only_where_its_edge_is_not_bare(digits: Grey) -> None:
    striped = digits[0].copy()
    striped[:, :9] = 255 - striped[:, :9]
    names = [[steps[0][0] for _, steps in other_looks(picture, "auto", False, answered)]
             for picture in (digits[0], striped) for answered in (True, False)]  # fmt: skip
    both = ["smoothed", "in the other polarity"]
    assert names == [["smoothed"], both, both, both]


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

    def probabilities(images: Grey) -> NDArray[np.float32]:
        sizes.append(len(images))
        return np.tile(np.eye(10, dtype=np.float32)[3] * sure, (len(images), 1))

    rejudged(IMAGE, first, probabilities)
    assert sizes == asked
