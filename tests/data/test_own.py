"""A person's own pictures: which class each has, what is left out, and how they are mixed with a source's images."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from mnist_pipeline.config.data_schema import OwnPictures
from mnist_pipeline.data import Part, load_part
from mnist_pipeline.data.own import label_of, mix, read_own
from mnist_pipeline.errors import DataError
from mnist_pipeline.numerals import DIGITS
from mnist_pipeline.pixels.preprocess import look_at
from tests.data.digit_sets import TRAIN_IMAGES, TRAIN_LABELS, idx


def draw(path: Path, digit: int = 7) -> Path:
    """A picture of a digit of MNIST, dark on light."""
    part = load_part("mnist", "test")
    image = part.images[int(np.flatnonzero(part.labels == digit)[0])]
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), 255 - cv2.resize(image, (112, 112)))
    return path


def write_idx(folder: Path, labels: Sequence[int], images: int | None = None) -> None:
    count = len(labels) if images is None else images
    (folder / TRAIN_IMAGES).write_bytes(idx(np.full((count, 28, 28), 9, np.uint8)))
    (folder / TRAIN_LABELS).write_bytes(idx(np.array(labels, np.uint8)))


def refusal(folder: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_own(folder, DIGITS, lambda _: None)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_class_of_a_picture_is_its_folder_s_name_or_stands_alone_in_its_own(tmp_path: Path) -> None:
    for name in ("4/a.png", "4/more/7.png", "anna/anna-7-2.jpg", "x1_3.png", ".hidden/5.png", "5.txt"):
        draw(tmp_path / name.replace(".txt", ".png")).rename(tmp_path / name)
    own = read_own(tmp_path, DIGITS, pytest.fail)
    assert own.labels.tolist() == [4, 4, 7, 3]
    np.testing.assert_array_equal(own.images[3], look_at(tmp_path / "x1_3.png").pixels)


@pytest.mark.parametrize(
    ("name", "digit"), [("anna-7-2.jpg", 7), ("3.png", 3), ("a2-4-digit42.jpg", 4), ("img12.png", None)]
)
def test_the_first_class_that_stands_alone_in_a_name_is_the_picture_s(name: str, digit: int | None) -> None:
    assert label_of(name, DIGITS) == digit


def test_what_shows_no_digit_or_says_no_class_is_left_out_and_told(tmp_path: Path) -> None:
    for name in ("1.png", "2.png", "seven.png"):
        draw(tmp_path / name)
    cv2.imwrite(str(tmp_path / "3.png"), np.full((50, 50), 255, np.uint8))
    (tmp_path / "4.png").write_bytes(b"no picture")
    told: list[str] = []
    assert read_own(tmp_path, DIGITS, told.append).labels.tolist() == [1, 2]
    assert told == [
        f"left out: {tmp_path / '3.png'}: nothing is drawn",
        f"left out: {tmp_path / '4.png'}: not a picture of a known kind: save it as PNG, JPEG, BMP, GIF, WebP or TIFF",
        f"left out: {tmp_path / 'seven.png'}: neither its name nor a folder that it lies in is one of "
        "0, 1, 2, 3, 4, 5, 6, 7, 8, 9",
    ]


def test_of_many_that_are_left_out_ten_are_named(tmp_path: Path) -> None:
    draw(tmp_path / "1.png")
    draw(tmp_path / "2.png")
    for number in range(10, 23):
        (tmp_path / f"{number}.png").write_bytes(b"")
    told: list[str] = []
    read_own(tmp_path, DIGITS, told.append)
    assert len(told) == 11
    assert told[-1] == "left out: 3 more"


def test_an_idx_folder_may_have_some_of_the_classes(tmp_path: Path) -> None:
    write_idx(tmp_path, [3, 7, 7])
    own = read_own(tmp_path, DIGITS, pytest.fail)
    assert own.labels.tolist() == [3, 7, 7]
    assert own.classes == DIGITS


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "mine").startswith(f"{tmp_path}/mine: no such folder")
    assert refusal(draw(tmp_path / "7.png")).startswith(f"{tmp_path}/7.png: is no folder")


def test_a_folder_without_a_picture_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path).startswith(f"{tmp_path}: nothing to train on: no picture in it (names ending in .png, ")


def test_a_folder_of_which_nothing_can_be_used_is_refused_with_the_first_reason(tmp_path: Path) -> None:
    draw(tmp_path / "seven.png")
    assert refusal(tmp_path).startswith(f"{tmp_path}: nothing to train on: {tmp_path / 'seven.png'}: neither ")


def test_one_picture_is_refused(tmp_path: Path) -> None:
    draw(tmp_path / "7.png")
    assert refusal(tmp_path) == f"{tmp_path}: 1 picture that can be used, expected 2 or more"


def test_idx_images_of_a_class_that_the_model_lacks_are_refused(tmp_path: Path) -> None:
    write_idx(tmp_path, [3, 12])
    assert refusal(tmp_path) == f"{tmp_path}: images of class 12, and the model tells apart {', '.join(DIGITS)}"


def test_idx_labels_of_another_length_are_refused(tmp_path: Path) -> None:
    write_idx(tmp_path, [3, 7], images=3)
    assert refusal(tmp_path) == f"{tmp_path}: 3 images and 2 labels: they must pair up"


@pytest.fixture
def source() -> Part:
    """Twice as many zeros as ones, each image of its own value."""
    images = np.arange(240, dtype=np.uint8)[:, None, None] * np.ones((28, 28), np.uint8)
    return Part(images, np.array([0, 0, 1] * 80, np.uint8))


def test_own_pictures_make_their_share_of_each_class_that_they_show(source: Part) -> None:
    own = Part(np.zeros((3, 28, 28), np.uint8), np.ones(3, np.uint8))
    mixed = mix(source, own, OwnPictures(folder="x", share=0.75, copies=200, beside=120))
    assert mixed.counts[:2] == [80, 40 + 120], "half of the source's of each class, and thrice as many own ones"


def test_every_own_picture_is_taken_as_often_as_the_others(source: Part) -> None:
    own = Part(np.stack([np.full((28, 28), value, np.uint8) for value in (250, 251, 252)]), np.zeros(3, np.uint8))
    mixed = mix(source, own, OwnPictures(folder="x", share=0.5, copies=100, beside=180))
    assert [int((mixed.images[:, 0, 0] == value).sum()) for value in (250, 251, 252)] == [40, 40, 40]


def test_fewer_own_pictures_have_fewer_images_beside_them(source: Part) -> None:
    """So two pictures do not train a model for as long as fifty do."""
    settings = OwnPictures(folder="x", share=0.25, copies=20, beside=240)
    for pictures, beside in ((1, 100), (2, 120), (3, 180), (4, 240), (5, 240)):
        own = Part(np.zeros((pictures, 28, 28), np.uint8), np.ones(pictures, np.uint8))
        assert mix(source, own, settings).counts[0] == round(beside * 2 / 3)


def test_no_own_picture_is_taken_more_often_than_it_may_be(source: Part) -> None:
    own = Part(np.zeros((5, 28, 28), np.uint8), np.array([0, 0, 0, 0, 1], np.uint8))
    mixed = mix(source, own, OwnPictures(folder="x", share=0.5, copies=20, beside=240))
    assert mixed.counts[:2] == [67 + 67, 33 + 20], "half of the zeros, and of the ones what one picture gives"


def test_no_own_picture_is_lost_where_there_are_more_than_the_share(source: Part) -> None:
    own = Part(np.zeros((50, 28, 28), np.uint8), np.ones(50, np.uint8))
    assert mix(source, own, OwnPictures(folder="x", share=0.1, beside=120)).counts[:2] == [80, 40 + 50]


def test_the_source_gives_all_that_it_has_where_it_has_less_than_is_asked_for(source: Part) -> None:
    own = Part(np.zeros((2, 28, 28), np.uint8), np.ones(2, np.uint8))
    assert mix(source, own, OwnPictures(folder="x", share=0.01, beside=1000)).counts[:2] == [160, 80 + 2]
