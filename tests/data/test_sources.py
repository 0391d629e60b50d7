"""Images of any classes from every source: the names of published sets, folders of pictures, and what is refused."""

import gzip
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_pipeline.data import load, load_part
from mnist_pipeline.errors import DataError
from mnist_pipeline.pixels.preprocess import look_at
from tests.data.digit_sets import Arrays, idx, refusal, write_folder

LETTERS = tuple("abcdefghijklmnopqrstuvwxyz")


@pytest.fixture
def letters(arrays: Arrays) -> Arrays:
    """Two images of each letter to train on and one to test on, numbered from 1 on."""
    noise = np.random.default_rng(1)
    return {
        "x_train": noise.integers(0, 256, (52, 28, 28), np.uint8),
        "y_train": np.arange(52, dtype=np.uint8) % 26 + 1,
        "x_test": noise.integers(0, 256, (26, 28, 28), np.uint8),
        "y_test": np.arange(26, dtype=np.uint8) + 1,
    }


def write_set(folder: Path, beginning: str, arrays: Arrays) -> None:
    """A set as EMNIST's are published: in one folder with others, gzipped, its test files called test."""
    folder.mkdir(exist_ok=True)
    for key, array in arrays.items():
        kind = "images-idx3" if key[0] == "x" else "labels-idx1"
        (folder / f"{beginning}-{key[2:]}-{kind}-ubyte.gz").write_bytes(gzip.compress(idx(array)))


def test_one_of_emnists_sets_is_read_by_its_name_upright_and_numbered_from_0(
    letters: Arrays, arrays: Arrays, tmp_path: Path
) -> None:
    folder = tmp_path / "gzip"
    write_set(folder, "emnist-letters", letters)
    write_set(folder, "emnist-digits", arrays)
    found = load(folder / "emnist-letters", LETTERS, transposed=True)
    assert found.classes == found.test.classes == LETTERS
    assert found.train.counts == [2] * 26
    assert found.test.labels.tolist() == list(range(26))
    np.testing.assert_array_equal(found.train.images[3], letters["x_train"][3].T)
    np.testing.assert_array_equal(load(folder / "emnist-digits").train.labels, arrays["y_train"])
    assert (
        refusal(folder) == f"{folder}: holds several sets: name one of {folder}/emnist-digits, {folder}/emnist-letters"
    )


def test_the_only_set_of_a_folder_needs_no_name_and_numbers_name_its_classes(letters: Arrays, tmp_path: Path) -> None:
    write_set(tmp_path / "gzip", "emnist-letters", letters)
    assert load(tmp_path / "gzip").classes == tuple(map(str, range(1, 27)))


def test_a_file_names_the_classes_of_idx_files(arrays: Arrays, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "set", arrays)
    names = folder / "classes.txt"
    names.write_text("".join(f"{letter}\n" for letter in LETTERS[:10]))
    assert load(folder).classes == LETTERS[:10]
    names.write_text("".join(f"{letter}\n" for letter in LETTERS[:9]))
    assert refusal(folder) == f"{folder}: train labels reach 9, and its classes.txt names 9 classes"
    names.write_text("".join(f"{letter}\n" for letter in LETTERS[:11]))
    assert "no training image of class k" in refusal(folder)
    names.write_bytes(b"\xff")
    assert refusal(folder) == f"{names}: cannot be read (no text in UTF-8)"


def test_qmnists_labels_are_the_first_column_of_a_table(arrays: Arrays, tmp_path: Path) -> None:
    write_set(tmp_path, "qmnist", arrays)
    table = np.zeros((30, 8), ">i4")
    table[:, 0], table[:, 2] = arrays["y_train"], 70_000
    (tmp_path / "qmnist-train-labels-idx1-ubyte.gz").unlink()
    (tmp_path / "qmnist-train-labels-idx2-int").write_bytes(struct.pack(">3I", 0xC02, 30, 8) + table.tobytes())
    np.testing.assert_array_equal(load(tmp_path).train.labels, arrays["y_train"])
    (tmp_path / "qmnist-train-labels-idx2-int").write_bytes(struct.pack(">3I", 0xC02, 30, 8) + table.tobytes()[4:])
    assert "968 bytes, expected 972 for shape (30, 8)" in refusal(tmp_path)


def test_kannada_mnist_is_a_folder_of_npz_files(arrays: Arrays, tmp_path: Path) -> None:
    for key, array in arrays.items():
        kind, part = key.split("_")
        np.savez(tmp_path / f"{kind.replace('x', 'X')}_kannada_MNIST_{part}.npz", array)
    found = load(tmp_path)
    np.testing.assert_array_equal(found.test.images, arrays["x_test"])
    assert found.classes == tuple("0123456789")


@pytest.mark.parametrize("kind", ["folder", "npz"])
def test_images_of_another_size_are_fitted_as_a_pictures_digit_is(kind: str, arrays: Arrays, tmp_path: Path) -> None:
    small = np.zeros((30, 8, 8), np.uint8)
    small[:, 1:7, 3:5] = 200
    small[7] = 0  # a blank one has nothing to fit
    arrays["x_train"] = small
    source = tmp_path / ("set.npz" if kind == "npz" else "set")
    if kind == "npz":
        np.savez(source, **arrays)  # type: ignore[arg-type]
    else:
        write_folder(source, arrays)
    images = load_part(source, "train").images
    ys, xs = np.nonzero(images[0] > 100)
    assert images.shape == (30, 28, 28)
    assert not images[7].any()
    assert ys.max() - ys.min() + 1 == pytest.approx(20, abs=1)
    assert xs.mean() == pytest.approx(13.5, abs=0.6)


# Folders of pictures


def picture(shape: str, seed: int) -> NDArray[np.uint8]:
    """A ring or a stroke in dark ink on light paper."""
    paper = np.full((90, 80), 240, np.uint8)
    x = 30 + seed
    if shape == "ring":
        cv2.circle(paper, (x, 45), 20, (20,), 5)
    else:
        cv2.line(paper, (x, 20), (x, 70), (20,), 5)
    return paper


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder of pictures of two classes, three to train on and one to test on, with a hidden file beside them."""
    for part, count in (("train", 3), ("test", 1)):
        for name in ("stroke", "ring"):
            folder = tmp_path / "pictures" / part / name
            folder.mkdir(parents=True)
            for number in range(count):
                cv2.imwrite(str(folder / f"{number + 9}.png"), picture(name, number))
            (folder / ".DS_Store").write_bytes(b"nothing")
    return tmp_path / "pictures"


def test_subfolders_name_classes_and_pictures_go_the_way_of_every_picture(pictures: Path) -> None:
    found = load(pictures)
    assert found.classes == ("ring", "stroke")
    assert (found.train.labels.tolist(), found.test.labels.tolist()) == ([0, 0, 0, 1, 1, 1], [0, 1])
    np.testing.assert_array_equal(found.train.images[1], look_at(pictures / "train/ring/10.png").pixels)
    assert load(pictures, ["O", "I"]).classes == ("O", "I")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda at: (at / "train/ring/9.png").write_bytes(b"none"), "{at}/train/ring/9.png: "),
        (lambda at: cv2.imwrite(f"{at}/train/ring/9.png", np.full((50, 50), 255)), "(1 picture to take out of {at}/tr"),
        (lambda at: (at / "test/kite").mkdir(), "{at}/test/kite: a class that {at}/train lacks"),
        (lambda at: (at / "train/kite").mkdir(), "{at}/train/kite: no picture of this class (names ending in .png"),
        (lambda at: (at / "test").rename(at / "rest"), "{at}/test: no such folder: a folder of pictures has train/ an"),
    ],
)
def test_a_folder_of_pictures_that_cannot_be_used_is_told(spoil, says: str, pictures: Path) -> None:  # type: ignore[no-untyped-def]
    spoil(pictures)
    assert says.format(at=pictures) in refusal(pictures)


# Classes that do not fit


@pytest.mark.parametrize(
    ("train", "test", "given", "says"),
    [
        ([0, 1, 2], [0], ["a", "b"], "its labels 0 to 2 are 3 classes, and data.classes names 2"),
        ([1, 2, 3], [1], ["a", "b", "c", "d"], "its labels 1 to 3 are 3 classes, and data.classes names 4"),
        ([0, 1, 2], [0, 3], None, "test labels reach 3, expected 0 to 2"),
        ([1, 2, 3], [0, 3], None, "test labels begin at 0, expected 1 to 3"),
        ([0, 1, 3, 5], [0], None, "no training image of class 2 and of 1 more: every class needs some"),
        ([0, 2], [0], ["cat", "dog", "cow"], "no training image of class dog: every class needs some"),
        ([4], [4], None, "no training image of class 0 and of 3 more: every class needs some"),
        ([0], [0], None, "only one class (0): there is nothing to tell apart"),
    ],
)
def test_classes_that_do_not_fit_are_a_line(
    train: list[int], test: list[int], given: list[str] | None, says: str, tmp_path: Path
) -> None:
    images = np.zeros((9, 28, 28), np.uint8)
    arrays = {
        "x_train": images[: len(train)], "y_train": np.array(train, np.uint8),
        "x_test": images[: len(test)], "y_test": np.array(test, np.uint8),
    }  # fmt: skip
    with pytest.raises(DataError) as caught:
        load(write_folder(tmp_path / "set", arrays), given)
    assert str(caught.value) == f"{tmp_path / 'set'}: {says}"
