"""Bytes to what a model takes, for training and for a picture file alike."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_pipeline.data import load_part
from mnist_pipeline.pixels.pictures import read_grey
from mnist_pipeline.pixels.preprocess import SIDE, find_digit, plain, scale

Grey = NDArray[np.uint8]


def bar(height: int, width: int) -> Grey:
    """A light upright bar in the middle of a dark picture."""
    picture = np.zeros((height, width), np.uint8)
    picture[height // 4 : height - height // 4, 2 * width // 5 : width - 2 * width // 5] = 255
    return picture


@pytest.fixture(scope="module")
def digits() -> Grey:
    return load_part("mnist", "test").images[:100]


def test_scaling_is_one_step_of_grey_a_pixel_to_the_bit() -> None:
    every = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    scaled = scale(every)
    assert scaled.dtype == np.float32
    assert scaled.shape == every.shape
    np.testing.assert_array_equal(scaled, every.astype(np.float32) * np.float32(1 / 255))
    np.testing.assert_array_max_ulp(scaled, (every / 255).astype(np.float32), maxulp=1)
    assert (scaled.min(), scaled.max()) == (0, 1)


def test_an_mnist_image_stays_as_it_is(digits: Grey) -> None:
    for image in digits:
        small, inverted = plain(image)
        np.testing.assert_array_equal(small, image)
        assert inverted is False


def test_dark_ink_on_light_paper_is_inverted(digits: Grey) -> None:
    for image in digits:
        small, inverted = plain(255 - image)
        np.testing.assert_array_equal(small, image)
        assert inverted is True


def test_an_image_saved_as_a_picture_is_the_same_to_a_model(digits: Grey, tmp_path: Path) -> None:
    for number, image in enumerate(digits[:10]):
        path = tmp_path / f"{number}.png"
        cv2.imwrite(str(path), image)
        np.testing.assert_array_equal(scale(plain(read_grey(path))[0]), scale(image))


@pytest.mark.parametrize("paper", [0, 255])
@pytest.mark.parametrize(("invert", "inverted"), [("yes", True), ("no", False)])
def test_yes_and_no_are_obeyed(paper: int, invert: str, inverted: bool) -> None:
    picture = np.full((SIDE, SIDE), paper, np.uint8)
    small, was_inverted = plain(picture, invert)  # type: ignore[arg-type]
    assert was_inverted is inverted
    assert (small == (255 - paper if inverted else paper)).all()


def test_the_border_decides_and_not_the_ink() -> None:
    picture = np.full((60, 60), 255, np.uint8)
    picture[0], picture[-1], picture[:, 0], picture[:, -1] = 0, 0, 0, 0
    assert plain(picture)[1] is False
    assert plain(255 - picture)[1] is True


@pytest.mark.parametrize(
    ("height", "width"),
    [(28, 28), (280, 280), (10, 10), (400, 100), (100, 400), (1000, 20), (20, 1000), (29, 27)],
)
def test_every_shape_keeps_the_figure_in_its_place(height: int, width: int) -> None:
    small, inverted = plain(bar(height, width))
    assert small.shape == (SIDE, SIDE)
    assert small.dtype == np.uint8
    assert inverted is False
    assert small[10:18, 13:15].min() > 200
    assert small[:, :7].max() < 60
    assert small[:, -7:].max() < 60
    assert small[:4].max() < 60


def test_a_thin_stroke_survives_shrinking_in_either_direction() -> None:
    for picture in (np.zeros((1000, 20), np.uint8), np.zeros((1000, 1000), np.uint8)):
        picture[505:515] = 255
        assert plain(picture)[0].max() > 50
        assert plain(picture.T)[0].max() > 50


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (1, 28), (2, 2), (3, 7), (5000, 1)])
def test_the_smallest_pictures_are_resized_too(shape: tuple[int, int]) -> None:
    for paper in (0, 255):
        small, inverted = plain(np.full(shape, paper, np.uint8))
        assert small.shape == (SIDE, SIDE)
        assert (small == 0).all()
        assert inverted is (paper == 255)


def test_the_given_picture_is_left_alone(digits: Grey) -> None:
    picture = np.array(255 - digits[0])
    before = picture.copy()
    small, _ = plain(picture)
    small[:] = 7
    same, _ = plain(picture, "no")
    np.testing.assert_array_equal(picture, before)
    np.testing.assert_array_equal(same, before)


def test_a_turned_view_is_read_as_its_copy() -> None:
    view = bar(60, 40).T[::-1]
    np.testing.assert_array_equal(plain(view)[0], plain(view.copy())[0])


def test_a_speck_in_a_tiny_picture_is_looked_at_from_no_closer_than_there_are_pixels() -> None:
    picture = np.full((5, 18), 228, np.uint8)
    picture[0, -1] = 17
    assert find_digit(picture).pixels is not None
