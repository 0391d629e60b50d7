"""Small digit sets in every container, and the line that a bad one is refused with."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from numpy.typing import NDArray

from mnist_pipeline.data import load
from mnist_pipeline.errors import DataError

Arrays = dict[str, NDArray[Any]]
TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
BadBytes = Callable[[bytes], bytes]


def idx(array: NDArray[Any]) -> bytes:
    """An array as an IDX file."""
    return struct.pack(f">I{array.ndim}I", 0x800 + array.ndim, *array.shape) + array.tobytes()


def write_folder(folder: Path, arrays: Arrays, pack: Callable[[bytes], bytes] = bytes, suffix: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    names = dict(zip(arrays, (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS), strict=True))
    for key, array in arrays.items():
        (folder / f"{names[key]}{suffix}").write_bytes(pack(idx(array)))
    return folder


def refusal(source: str | Path) -> str:
    """The one line that a source is refused with."""
    with pytest.raises(DataError) as caught:
        load(source)
    assert "\n" not in str(caught.value)
    return str(caught.value)
