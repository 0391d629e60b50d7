"""Reads the IDX files that MNIST is published in, gzipped or not, believing nothing before it is checked."""

import math
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.errors import DataError

_LARGEST = 2**30  # bytes, packed or not: twenty times the real thing
_IMAGES, _LABELS = 0x00000803, 0x00000801  # unsigned bytes, in three dimensions and in one


def read_images(path: Path) -> tuple[NDArray[np.uint8], bytes]:
    """The images of an IDX file as (n, 28, 28), and the raw bytes they came from."""
    shape, raw = _read(path, _IMAGES, dimensions=3)
    if shape[1:] != (28, 28):
        raise DataError(f"{path}: images of {shape[1]}x{shape[2]} pixels, expected 28x28")
    return np.frombuffer(raw, np.uint8, offset=16).reshape(shape), raw


def read_labels(path: Path) -> tuple[NDArray[np.uint8], bytes]:
    """The labels of an IDX file as (n,), and the raw bytes they came from."""
    _, raw = _read(path, _LABELS, dimensions=1)
    return np.frombuffer(raw, np.uint8, offset=8), raw


def _read(path: Path, magic: int, dimensions: int) -> tuple[tuple[int, ...], bytes]:
    """The shape in the header and the whole raw bytes, unpacked no further than the header says."""
    stored = _stored(path)
    header = 4 + 4 * dimensions
    shape = _shape(path, _unpacked(path, stored, header), magic, header)
    expected = header + math.prod(shape)
    if expected > _LARGEST:
        raise DataError(f"{path}: claims {expected:,} bytes (shape {shape}), more than the {_LARGEST:,} read here")
    raw = _unpacked(path, stored, expected + 1)
    if len(raw) != expected:
        found = f"{len(raw):,} bytes" if len(raw) < expected else "more bytes"
        raise DataError(f"{path}: {found}, expected {expected:,} for shape {shape}: fetch the file again")
    return shape, raw


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


def _shape(path: Path, raw: bytes, magic: int, header: int) -> tuple[int, ...]:
    if len(raw) < header:
        raise DataError(f"{path}: only {len(raw)} bytes, too short for an IDX header of {header}")
    found, *shape = (int(number) for number in np.frombuffer(raw, ">u4"))
    if found != magic:
        kind = "images" if magic == _IMAGES else "labels"
        raise DataError(f"{path}: magic number 0x{found:08x}, expected 0x{magic:08x} for IDX {kind}")
    return tuple(shape)
