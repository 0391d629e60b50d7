"""One digit set in memory, as a folder of IDX files and as an .npz; MNIST as it is shipped."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from mnist_pipeline.data import Dataset, load
from tests.data.digit_sets import Arrays, write_folder


@pytest.fixture
def arrays() -> Arrays:
    """A digit set of 30 and 20 random images, under Keras' names."""
    noise = np.random.default_rng(0)
    return {
        "x_train": noise.integers(0, 256, (30, 28, 28), np.uint8),
        "y_train": np.arange(30, dtype=np.uint8) % 10,
        "x_test": noise.integers(0, 256, (20, 28, 28), np.uint8),
        "y_test": np.arange(20, dtype=np.uint8) % 10,
    }


@pytest.fixture
def folder(tmp_path: Path, arrays: Arrays) -> Path:
    """The set as a folder of gzipped IDX files."""
    return write_folder(tmp_path / "digits", arrays, gzip.compress, ".gz")


@pytest.fixture
def npz(tmp_path: Path, arrays: Arrays) -> Path:
    """The set as an .npz."""
    path = tmp_path / "digits.npz"
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]
    return path


@pytest.fixture(scope="session")
def mnist() -> Dataset:
    return load()
