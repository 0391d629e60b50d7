"""Reads an .npz with Keras' names, checking every array's header before its data, and never unpickling."""

import io
import math
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from mnist_pipeline.errors import DataError

_LARGEST = 2**30  # bytes an array: twenty times the real thing
_HEADER = 2**14  # bytes: more than numpy takes for one, and it would read the 4 GiB that a header can claim
_WRITTEN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others unpack kilobytes into gigabytes at one step
_KEYS = {"train": ("x_train", "y_train"), "test": ("x_test", "y_test")}
# What zipfile lets through of a damaged, encrypted or hostile archive.
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, struct.error),
    *(EOFError, RuntimeError, ValueError, IndexError, KeyError),
)


def read_part(path: Path, part: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images (n, 28, 28) and labels (n,) of one part, `train` or `test`."""
    images_key, labels_key = _KEYS[part]
    try:
        with zipfile.ZipFile(path) as archive:
            images = _array(path, archive, images_key, (28, 28))
            labels = _array(path, archive, labels_key, ())
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
    except _DAMAGE as error:
        raise DataError(f"{path}: not a whole .npz file ({error})") from None
    return images, labels


def _array(path: Path, archive: zipfile.ZipFile, key: str, tail: tuple[int, ...]) -> NDArray[np.uint8]:
    member = f"{key}.npy"
    if member not in archive.namelist():
        raise DataError(f"{path}: no array {key} in it (it holds {_held(archive)})")
    if archive.getinfo(member).compress_type not in _WRITTEN:
        raise DataError(f"{path}: {key} is packed as numpy packs none: save it with numpy.savez_compressed")
    with archive.open(member) as stream:
        shape, dtype = _header(path, key, io.BytesIO(stream.read(_HEADER)))
    if dtype.hasobject:
        raise DataError(f"{path}: {key} holds pickled objects, which are never opened: save it as uint8")
    if dtype.kind not in "ui":
        raise DataError(f"{path}: {key} is of type {dtype}, expected whole numbers 0 to 255 (uint8)")
    if shape[1:] != tail or len(shape) != 1 + len(tail) or type(shape[0]) is bool or shape[0] < 0:
        expected = ", ".join(["n", *map(str, tail)])
        raise DataError(f"{path}: {key} has shape {shape}, expected ({expected})")
    size = math.prod(shape) * dtype.itemsize
    if size > _LARGEST:
        raise DataError(f"{path}: {key} claims {size:,} bytes (shape {shape}), more than the {_LARGEST:,} read here")
    with archive.open(member) as stream:
        try:
            array = npy.read_array(stream, allow_pickle=False)
        except ValueError:
            raise DataError(f"{path}: {key} is cut short, expected {size:,} bytes for shape {shape}") from None
    return _as_bytes(path, key, array)


def _held(archive: zipfile.ZipFile) -> str:
    """The names of the first arrays, to recognise a file by."""
    names = sorted(name.removesuffix(".npy") for name in archive.namelist())
    few = [name if name.isprintable() else ascii(name) for name in names[:5]]
    return ", ".join([*few, *(["..."] if len(names) > 5 else [])]) or "nothing"


def _header(path: Path, key: str, stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """What the array says of itself, which numpy reads as a literal and never runs."""
    try:
        version = npy.read_magic(stream)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read(stream)
    except Exception:  # numpy parses it as Python text, which fails in many ways
        raise DataError(f"{path}: {key} is not a numpy array: its header cannot be read") from None
    return shape, dtype


def _as_bytes(path: Path, key: str, array: NDArray[np.integer]) -> NDArray[np.uint8]:
    if array.size and (array.min() < 0 or array.max() > 255):
        raise DataError(f"{path}: {key} has values {array.min()} to {array.max()}, expected 0 to 255")
    return np.ascontiguousarray(array, dtype=np.uint8)
