"""Digit sets from every container are the same parts, and a source that is none is named."""

import gzip
import hashlib
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_pipeline.data import Dataset, Part, load, load_part
from mnist_pipeline.data import loading as data_loading
from tests.data.digit_sets import TEST_IMAGES, TRAIN_IMAGES, Arrays, refusal, write_folder


def test_the_shipped_files_are_mnist(mnist: Dataset) -> None:
    assert mnist.train.images.shape == (60_000, 28, 28)
    assert mnist.test.images.shape == (10_000, 28, 28)
    assert mnist.train.counts == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert sum(mnist.test.counts) == len(mnist.test) == 10_000
    assert float(mnist.train.images.mean()) == pytest.approx(33.318421449829934, abs=1e-12)
    assert float(mnist.test.images.mean()) == pytest.approx(33.7912245, abs=1e-7)
    assert mnist.train.sha256 == "edc0d1098aa497be14ace79ddd5171e5a3dcf9c4d196c015389203eb3ba1f59b"
    assert mnist.test.sha256 == "c3f9adf9c66efb572b1f9326c3a511b45910c7173b97be66ceceeeeaef6b802b"


def test_loading_and_verifying_all_is_quick() -> None:
    took = []
    for _ in range(3):
        start = time.process_time()
        load()
        took.append(time.process_time() - start)
    assert min(took) <= 0.5


def test_a_shipped_file_that_is_not_mnist_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_loading, "SHIPPED", folder)
    assert "not the published MNIST (sha256 differs): reinstall the package" in refusal("mnist")
    assert load(folder).train.counts == [3] * 10


@pytest.mark.parametrize("kind", ["raw", "gz", "dotted", "gz without the name", "npz", "wide npz", "fortran npz"])
def test_the_same_images_are_the_same_part(kind: str, tmp_path: Path, arrays: Arrays) -> None:
    source = tmp_path / "set"
    if kind.endswith("npz"):
        source = tmp_path / "set.npz"
        if kind == "wide npz":
            arrays_there: Arrays = {key: array.astype(np.int64) for key, array in arrays.items()}
        else:
            arrays_there = {
                key: np.asarray(array, order="F" if "fortran" in kind else "C") for key, array in arrays.items()
            }
        np.savez(source, **arrays_there)  # type: ignore[arg-type]
    elif kind.startswith("gz"):
        write_folder(source, arrays, gzip.compress, ".gz" if kind == "gz" else "")
    else:
        write_folder(source, arrays)
        if kind == "dotted":
            for path in list(source.iterdir()):
                path.rename(source / path.name.replace("-idx", ".idx"))
    loaded = load(source)
    assert loaded.source == str(source)
    for part, images, labels in ((loaded.train, "x_train", "y_train"), (loaded.test, "x_test", "y_test")):
        np.testing.assert_array_equal(part.images, arrays[images])
        np.testing.assert_array_equal(part.labels, arrays[labels])
        assert part.images.dtype == part.labels.dtype == np.uint8
        assert part.sha256 == hashlib.sha256(arrays[images].tobytes() + arrays[labels].tobytes()).hexdigest()


def test_the_digest_is_of_the_pixels_in_order(arrays: Arrays) -> None:
    part = Part(arrays["x_train"], arrays["y_train"])
    strided = Part(np.asfortranarray(arrays["x_train"]), np.repeat(arrays["y_train"], 2)[::2])
    swapped = Part(arrays["x_train"][::-1], arrays["y_train"])
    assert part.sha256 == strided.sha256 != swapped.sha256


def test_one_part_is_read_without_the_other(folder: Path, npz: Path, arrays: Arrays) -> None:
    (folder / f"{TEST_IMAGES}.gz").write_bytes(b"broken")
    np.savez(npz, x_train=arrays["x_train"], y_train=arrays["y_train"])
    assert load_part(folder, "train").sha256 == load_part(npz, "train").sha256


def test_a_home_folder_is_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder.parent))
    assert len(load("~/digits").test) == 20


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("nowhere", "nowhere: does not exist"),
        ("nowhere.npz", "nowhere.npz: does not exist"),
        ("MNIST", "MNIST: does not exist"),
        ("nul\0", "nul\0: does not exist"),
        ("~nobody-of-this-name/x", "cannot be read (Could not determine home directory.)"),
        ("x" * 5000, "cannot be read (File name too long)"),
        (__file__, "is neither a folder of IDX files nor an .npz"),
        ("/dev/null", "is neither a folder of IDX files nor an .npz"),
    ],
)
def test_a_source_that_is_none_is_refused(source: str, says: str) -> None:
    message = refusal(source)
    assert says in message
    assert message.endswith(". Use mnist, a folder of IDX files, an .npz file, or a folder of pictures")


def test_a_folder_without_the_files_names_them(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"{tmp_path}: no {TRAIN_IMAGES} or {TRAIN_IMAGES}.gz in this folder"


@pytest.mark.parametrize("kind", ["folder", "npz"])
@pytest.mark.parametrize(
    ("key", "array", "says"),
    [
        ("y_train", np.zeros(29, np.uint8), "30 train images and 29 labels: they must pair up"),
        ("y_test", np.arange(20, dtype=np.uint8), "test labels reach 19, expected 0 to 9"),
        ("x_test", np.zeros((0, 28, 28), np.uint8), "0 test images and 20 labels: they must pair up"),
    ],
)
def test_labels_that_do_not_fit_are_refused(
    kind: str, key: str, array: NDArray[Any], says: str, tmp_path: Path, arrays: Arrays
) -> None:
    arrays[key] = array
    source = tmp_path / ("set.npz" if kind == "npz" else "set")
    if kind == "npz":
        np.savez(source, **arrays)  # type: ignore[arg-type]
    else:
        write_folder(source, arrays)
    assert refusal(source) == f"{source}: {says}"


def test_an_empty_part_is_refused(tmp_path: Path, arrays: Arrays) -> None:
    arrays |= {"x_test": np.zeros((0, 28, 28), np.uint8), "y_test": np.zeros(0, np.uint8)}
    assert "the test part is empty" in refusal(write_folder(tmp_path / "set", arrays))
