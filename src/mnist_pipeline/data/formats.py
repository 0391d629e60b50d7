"""Reads images and labels from files, IDX as MNIST comes in and .npz with Keras' names; nothing in them is trusted.

What a header claims is checked before any data are unpacked, gigabytes are refused, and nothing is ever unpickled.
"""

import io
import math
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from mnist_pipeline.errors import DataError

_LARGEST = 2**30  # bytes of a file or an array, packed or not: twenty times the real thing
_MAGIC = {"images": 0x00000803, "labels": 0x00000801}  # of IDX: unsigned bytes, in three dimensions and in one
_TABLE = 0x00000C02  # of IDX: 32-bit numbers in two dimensions, as QMNIST has its labels: the first column is the class
_KEYS = {"train": ("x_train", "y_train"), "test": ("x_test", "y_test")}  # of .npz
_LEAST_SIDE, _MOST_SIDE = 4, 512  # pixels of an image
_HEADER = 2**14  # bytes: more than numpy takes for one, and it would read the 4 GiB that a header can claim
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others unpack kilobytes into gigabytes at one step
# What zipfile lets through of a damaged, encrypted or hostile archive.
_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError, IndexError, KeyError)


def read_idx(path: Path, kind: Literal["images", "labels"]) -> tuple[NDArray[np.uint8], bytes]:
    """The images (n, height, width) or labels (n,) of an IDX file, gzipped or not, and the raw bytes they came from."""
    stored, magic = _stored(path), _MAGIC[kind]
    if kind == "labels" and _unpacked(path, stored, 4) == _TABLE.to_bytes(4):
        magic = _TABLE
    header = 4 + 4 * (magic % 256)  # bytes: the magic number, which ends in that of the dimensions, and each dimension
    start = _unpacked(path, stored, header)
    if len(start) < header:
        raise DataError(f"{path}: only {len(start)} bytes, too short for an IDX header of {header}")
    found, *shape = np.frombuffer(start, ">u4").tolist()
    if found != magic:
        raise DataError(f"{path}: magic number 0x{found:08x}, expected 0x{magic:08x} for IDX {kind}")
    kept = np.dtype(">i4" if magic == _TABLE else np.uint8)
    raw = _whole(path, stored, header, tuple(shape), kept.itemsize)
    values = np.frombuffer(raw, kept, offset=header).reshape(shape)
    if kind == "images":
        check_sides(path, tuple(shape[1:]))
    return _as_bytes(f"{path}: the first column", values[:, 0]) if magic == _TABLE else values, raw


def check_sides(path: Path, sides: tuple[int, ...]) -> None:
    """Refuse images that are too small to show anything, or larger than a digit or a letter needs."""
    if not all(_LEAST_SIDE <= side <= _MOST_SIDE for side in sides):
        shown = "x".join(map(str, sides))
        raise DataError(f"{path}: images of {shown} pixels, expected 28x28, or sides of {_LEAST_SIDE} to {_MOST_SIDE}")


def _as_bytes(what: str, values: NDArray[Any]) -> NDArray[np.uint8]:
    if values.size and (values.min() < 0 or values.max() > 255):
        raise DataError(f"{what} has values {values.min()} to {values.max()}, expected 0 to 255")
    return np.ascontiguousarray(values, dtype=np.uint8)


def _whole(path: Path, stored: bytes, header: int, shape: tuple[int, ...], width: int) -> bytes:
    """All raw bytes of an IDX file, unpacked no further than its header says; `width` bytes a value."""
    expected = header + math.prod(shape) * width
    if expected > _LARGEST:
        raise DataError(f"{path}: claims {expected:,} bytes (shape {shape}), more than the {_LARGEST:,} read here")
    raw = _unpacked(path, stored, expected + 1)
    if len(raw) != expected:
        found = f"{len(raw):,} bytes" if len(raw) < expected else "more bytes"
        raise DataError(f"{path}: {found}, expected {expected:,} for shape {shape}: fetch the file again")
    return raw


def _stored(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST:
            raise DataError(f"{path}: larger than the {_LARGEST:,} bytes read here")
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None


def _unpacked(path: Path, stored: bytes, most: int) -> bytes:
    """The raw bytes, `most` at most."""
    if not stored.startswith(b"\x1f\x8b"):
        return stored[:most]
    inflate = zlib.decompressobj(wbits=31)
    try:
        raw = inflate.decompress(stored, most)
    except zlib.error:
        raise DataError(f"{path}: the gzip data is corrupt: fetch the file again") from None
    if len(raw) < most and not inflate.eof:
        raise DataError(f"{path}: the gzip data is cut short: fetch the file again")
    return raw


def read_npz(path: Path, part: str, kind: Literal["images", "labels"]) -> NDArray[np.uint8]:
    """The images (n, height, width) or labels (n,) of one part of an .npz, `train` or `test`."""
    return read_array(path, _KEYS[part][kind == "labels"], 1 if kind == "labels" else 3)


def read_array(path: Path, key: str, dimensions: int) -> NDArray[np.uint8]:
    """An array of an .npz by its name: images in three dimensions, or labels in one."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _array(path, archive, key, dimensions)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    except _DAMAGE as error:
        raise DataError(f"{path}: not a whole .npz file ({error})") from None


def _array(path: Path, archive: zipfile.ZipFile, key: str, dimensions: int) -> NDArray[np.uint8]:
    """An array of whole numbers from 0 to 255."""
    member = f"{key}.npy"
    if member not in archive.namelist():
        raise DataError(f"{path}: no array {key} in it (it holds {_held(archive)})")
    if archive.getinfo(member).compress_type not in _PACKED:
        raise DataError(f"{path}: {key} is packed as numpy packs none: save it with numpy.savez_compressed")
    with archive.open(member) as stream:
        shape, dtype = _npy_header(path, key, io.BytesIO(stream.read(_HEADER)))
    if dtype.hasobject:
        raise DataError(f"{path}: {key} holds pickled objects, which are never opened: save it as uint8")
    if dtype.kind not in "ui":
        raise DataError(f"{path}: {key} is of type {dtype}, expected whole numbers 0 to 255 (uint8)")
    if len(shape) != dimensions or any(type(side) is bool or side < 0 for side in shape):
        expected = "n, 28, 28" if dimensions == 3 else "n"
        raise DataError(f"{path}: {key} has shape {shape}, expected ({expected})")
    check_sides(path, shape[1:])
    size = math.prod(shape) * dtype.itemsize
    if size > _LARGEST:
        raise DataError(f"{path}: {key} claims {size:,} bytes (shape {shape}), more than the {_LARGEST:,} read here")
    with archive.open(member) as stream:
        try:
            array = npy.read_array(stream, allow_pickle=False)
        except ValueError:
            raise DataError(f"{path}: {key} is cut short, expected {size:,} bytes for shape {shape}") from None
    return _as_bytes(f"{path}: {key}", array)


def _held(archive: zipfile.ZipFile) -> str:
    """The names of the first arrays, to recognise a file by."""
    names = sorted(name.removesuffix(".npy") for name in archive.namelist())
    few = [name if name.isprintable() else ascii(name) for name in names[:5]]
    return ", ".join([*few, *(["..."] if len(names) > 5 else [])]) or "nothing"


def _npy_header(path: Path, key: str, stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """The shape and type that an array claims; numpy reads its header as a literal and never runs it."""
    try:
        version = npy.read_magic(stream)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read(stream)
    except Exception:  # numpy parses it as Python text, which fails in many ways
        raise DataError(f"{path}: {key} is not a numpy array: its header cannot be read") from None
    return shape, dtype
