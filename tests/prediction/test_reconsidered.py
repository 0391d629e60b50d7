"""A doubtful image is looked at leaning a little: its probabilities are the mean over it and eight images like it."""

import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.drawings import in_node
from mnist_pipeline.data import Part
from mnist_pipeline.pixels.preprocess import similar
from mnist_pipeline.prediction.prediction import reconsidered
from mnist_pipeline.prediction.predictor import Predictor

Grey = NDArray[np.uint8]


@pytest.fixture(scope="module")
def digits(part: Part) -> Grey:
    return part.images[:200]


def middle(image: Grey) -> tuple[float, float]:
    mass = cv2.moments(image)
    return mass["m10"] / mass["m00"], mass["m01"] / mass["m00"]


def test_images_like_one_are_turned_either_way_and_moved_to_each_side() -> None:
    bar = np.zeros((28, 28), np.uint8)
    bar[6:22, 13:15] = 255
    others = similar(bar)
    moved = [(round(x - 13.5, 1), round(y - 13.5, 1)) for x, y in map(middle, others)]
    assert moved == [(-1, 0), (1, 0), (0, -1), (0, 1)] * 2
    tops = [float(np.average(np.arange(28), weights=image[8])) for image in (others[3], bar, others[7])]
    assert abs(tops[0] - tops[1]) > 0.5
    assert np.sign(tops[0] - tops[1]) == -np.sign(tops[2] - tops[1])


def test_only_what_is_doubtful_is_looked_at_again(digits: Grey) -> None:
    asked = list[Grey]()

    def probabilities(images: Grey) -> NDArray[np.float32]:
        asked.append(images)
        return np.tile(np.linspace(0, 0.2, 10, dtype=np.float32), (len(images), 1))

    rows = np.full((3, 10), 0.0, np.float32)
    rows[0, 3], rows[1, 4], rows[2, 5] = 0.96, 0.94, 1
    steady = reconsidered(rows, digits[:3], probabilities)
    assert [len(images) for images in asked] == [8]
    assert (asked[0] == similar(digits[1])).all()
    assert (steady[[0, 2]] == rows[[0, 2]]).all()
    np.testing.assert_allclose(steady[1], (rows[1] + 8 * np.linspace(0, 0.2, 10)) / 9, atol=1e-7)
    assert rows[1, 4] == np.float32(0.94), "the caller's own are left alone"


def test_a_doubtful_picture_is_answered_by_the_mean_and_a_sure_one_as_it_is(model: Predictor, digits: Grey) -> None:
    rows = model.probabilities(digits)
    doubtful, sure = int(rows.max(axis=1).argmin()), int(rows.max(axis=1).argmax())
    assert rows[doubtful].max() < 0.95
    plain = replace(model, way="plain")  # which leaves 28x28 light on dark as it is
    mean = model.probabilities(np.stack([digits[doubtful], *similar(digits[doubtful])])).mean(axis=0)
    np.testing.assert_allclose(plain.predict(digits[doubtful], "no").probabilities or [], mean, atol=1e-5)
    np.testing.assert_allclose(plain.predict(digits[sure], "no").probabilities or [], rows[sure], atol=1e-5)


@pytest.mark.parametrize(("sure", "expected"), [(0.3, [1, 8, 1, 1]), (0.5, [1, 8, 1, 8, 1, 8])])
def test_a_further_look_that_is_less_than_half_sure_is_not_looked_at_again(
    sure: float, expected: list[int], model: Predictor, digits: Grey, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[int]()

    def probabilities(images: Grey) -> NDArray[np.float32]:
        asked.append(len(images))
        return np.tile(np.eye(10, dtype=np.float32)[3] * sure + np.float32((1 - sure) / 10), (len(images), 1))

    unsure = replace(model, threshold=0.6)
    monkeypatch.setattr(unsure, "probabilities", probabilities)
    assert unsure.predict(digits[0]).reason == "it looks like none of them"
    assert asked == expected


def test_a_model_that_never_refuses_answers_as_its_network_does(model: Predictor, digits: Grey) -> None:
    rows = model.probabilities(digits)
    doubtful = int(rows.max(axis=1).argmin())
    never = replace(model, way="plain", threshold=0.0)
    np.testing.assert_allclose(never.predict(digits[doubtful], "no").probabilities or [], rows[doubtful], atol=1e-5)


LIKE = "const answer = (pixels) => similar(Uint8Array.from(pixels)).map((like) => Array.from(like));"


@pytest.mark.skipif(shutil.which("node") is None, reason="node, which runs the page's code, is not here")
def test_the_page_makes_the_same_images_like_one(digits: Grey) -> None:
    """As a set: which way is clockwise depends on where y points."""
    theirs = np.array(in_node(LIKE, digits[0].ravel().tolist())).reshape(8, 28, 28)
    ours = similar(digits[0]).astype(int)
    apart = [min(np.abs(image - other).mean() for other in theirs) for image in ours]
    assert max(apart) < 1.5
    assert len({int(np.argmin([np.abs(image - other).mean() for other in theirs])) for image in ours}) == 8
