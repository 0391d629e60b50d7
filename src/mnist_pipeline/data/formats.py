"""Reads digit sets from files, IDX as MNIST is published in and .npz with Keras' names; nothing in them is trusted.

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
_KEYS = {"train": ("x_train", "y_train"), "test": ("x_test", "y_test")}  # of .npz
_HEADER = 2**14  # bytes: more than numpy takes for one, and it would read the 4 GiB that a header can claim
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others unpack kilobytes into gigabytes at one step
# What zipfile lets through of a damaged, encrypted or hostile archive.
_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError, IndexError, KeyError)


def read_idx(path: Path, kind: Literal["images", "labels"]) -> tuple[NDArray[np.uint8], bytes]:
    """The images (n, 28, 28) or labels (n,) of an IDX file, gzipped or not, and the raw bytes they came from."""
    stored, magic = _stored(path), _MAGIC[kind]
    header = 4 + 4 * (magic % 256)  # bytes: the magic number, which ends in that of the dimensions, and each dimension
    start = _unpacked(path, stored, header)
    if len(start) < header:
        raise DataError(f"{path}: only {len(start)} bytes, too short for an IDX header of {header}")
    found, *shape = np.frombuffer(start, ">u4").tolist()
    if found != magic:
        raise DataError(f"{path}: magic number 0x{found:08x}, expected 0x{magic:08x} for IDX {kind}")
    raw = _whole(path, stored, header, tuple(shape))
    if kind == "images" and shape[1:] != [28, 28]:
        raise DataError(f"{path}: images of {shape[1]}x{shape[2]} pixels, expected 28x28")
    return np.frombuffer(raw, np.uint8, offset=header).reshape(shape), raw


def _whole(path: Path, stored: bytes, header: int, shape: tuple[int, ...]) -> bytes:
    """All raw bytes of an IDX file, unpacked no further than its header says."""
    expected = header + math.prod(shape)
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


def read_npz(path: Path, part: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images (n, 28, 28) and labels (n,) of one part of an .npz, `train` or `test`."""
    images_key, labels_key = _KEYS[part]
    try:
        with zipfile.ZipFile(path) as archive:
            return _array(path, archive, images_key, (28, 28)), _array(path, archive, labels_key, ())
    except _DAMAGE as error:
        raise DataError(f"{path}: not a whole .npz file ({error})") from None


def _array(path: Path, archive: zipfile.ZipFile, key: str, tail: tuple[int, ...]) -> NDArray[np.uint8]:
    """An array of whole numbers from 0 to 255 whose shape is (n, *tail)."""
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
    if array.size and (array.min() < 0 or array.max() > 255):
        raise DataError(f"{path}: {key} has values {array.min()} to {array.max()}, expected 0 to 255")
    return np.ascontiguousarray(array, dtype=np.uint8)


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
