"""A bad IDX file is one line that says what was expected, and is never unpacked further than it claims."""

import gzip
import random
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest

from mnist_pipeline.data import load_part
from mnist_pipeline.errors import DataError
from tests.data.digit_sets import TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, BadBytes, idx, refusal


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda gz: gz[:-2000], "the gzip data is cut short: fetch the file again"),
        (lambda gz: gz[:-1], "the gzip data is cut short: fetch the file again"),
        (lambda gz: gz[:2], "the gzip data is cut short: fetch the file again"),
        (lambda gz: gz[:1000] + bytes(16) + gz[1016:], "the gzip data is corrupt: fetch the file again"),
        (lambda gz: gz[:-6] + b"xxxxxx", "the gzip data is corrupt: fetch the file again"),
        (
            lambda gz: gzip.compress(gzip.decompress(gz)[:-1]),
            "23,535 bytes, expected 23,536 for shape (30, 28, 28)",
        ),
        (lambda gz: gzip.decompress(gz)[:-1], "23,535 bytes, expected 23,536 for shape (30, 28, 28)"),
        (lambda gz: gzip.decompress(gz) + b"x", "more bytes, expected 23,536 for shape (30, 28, 28)"),
        (lambda gz: gzip.compress(gzip.decompress(gz) + b"x"), "more bytes, expected 23,536 for shape"),
        (lambda _: b"", "only 0 bytes, too short for an IDX header of 16"),
        (lambda _: b"\0\0\x08\x03\0\0", "only 6 bytes, too short for an IDX header of 16"),
        (lambda _: b"<!DOCTYPE html><html>", "magic number 0x3c21444f, expected 0x00000803 for IDX images"),
        (
            lambda _: idx(np.zeros(30, np.uint8)),
            "magic number 0x00000801, expected 0x00000803 for IDX images",
        ),
        (lambda _: idx(np.zeros((30, 3, 28), np.uint8)), "images of 3x28 pixels, expected 28x28"),
        (
            lambda _: struct.pack(">4I", 0x803, 2**32 - 1, 2**32 - 1, 2**32 - 1),
            "claims 79,228,162,458,924,105,385,300,197,391 bytes",
        ),
        (lambda _: gzip.compress(bytes(10**6)), "magic number 0x00000000"),
    ],
)
def test_a_bad_idx_file_is_named_with_what_was_expected(spoil: BadBytes, says: str, folder: Path) -> None:
    path = folder / f"{TRAIN_IMAGES}.gz"
    path.write_bytes(spoil(path.read_bytes()))
    message = refusal(folder)
    assert message.startswith(f"{path}: ")
    assert says in message


def test_labels_in_the_place_of_images_are_refused(folder: Path) -> None:
    (folder / f"{TEST_LABELS}.gz").write_bytes((folder / f"{TEST_IMAGES}.gz").read_bytes())
    assert "magic number 0x00000803, expected 0x00000801 for IDX labels" in refusal(folder)


@pytest.mark.parametrize("honest", [True, False])
def test_a_gzip_bomb_is_not_unpacked(honest: bool, folder: Path) -> None:
    count = 10**6 if honest else 30
    pack = zlib.compressobj(9, wbits=31)
    header = struct.pack(">4I", 0x803, count if not honest else 2 * 10**6, 28, 28)
    bomb = pack.compress(header) + b"".join(pack.compress(bytes(2**20)) for _ in range(64)) + pack.flush()
    (folder / f"{TRAIN_IMAGES}.gz").write_bytes(bomb)
    tracemalloc.start()
    message = refusal(folder)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert ("claims 1,568,000,016 bytes" if honest else "more bytes, expected 23,536") in message
    assert peak < 8 * 2**20


def test_no_idx_file_is_a_traceback(folder: Path) -> None:
    seeded = random.Random(3)
    path = folder / f"{TRAIN_IMAGES}.gz"
    whole = path.read_bytes()
    for turn in range(200):
        data = bytearray(whole if turn % 2 else gzip.decompress(whole)[:4000])
        for _ in range(seeded.randint(1, 4)):
            data[seeded.randrange(min(len(data), 60 if turn % 3 else len(data)))] = seeded.randrange(256)
        path.write_bytes(data)
        try:
            load_part(folder, "train")
        except DataError as error:
            assert str(path) in str(error)  # noqa: PT017 - a harmless change is read
