"""A bad .npz is one line that says what was expected, and nothing in it is unpickled or unpacked without bounds."""

import io
import random
import re
import struct
import time
import tracemalloc
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_pipeline.data import load_part
from mnist_pipeline.errors import DataError
from tests.data.digit_sets import Arrays, BadBytes, refusal


class Trap:
    """An object that leaves a trace when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.trace,)


@pytest.mark.parametrize("key", ["x_train", "y_train", "x_test"])
def test_pickled_objects_are_never_opened(key: str, npz: Path, arrays: Arrays, tmp_path: Path) -> None:
    trace = tmp_path / "unpickled"
    arrays[key] = np.array([Trap(trace)] * len(arrays[key]), dtype=object)
    np.savez(npz, **arrays)  # type: ignore[arg-type]
    assert refusal(npz) == f"{npz}: {key} holds pickled objects, which are never opened: save it as uint8"
    assert not trace.exists()


def test_a_pickle_named_npz_is_refused(tmp_path: Path) -> None:
    path, trace = tmp_path / "set.npz", tmp_path / "unpickled"
    np.save(tmp_path / "set", np.array([Trap(trace)], dtype=object))
    (tmp_path / "set.npy").rename(path)
    assert "not a whole .npz file" in refusal(path)
    assert not trace.exists()


@pytest.mark.parametrize(
    ("key", "array", "says"),
    [
        ("x_train", np.zeros((30, 28, 28, 1), np.uint8), "shape (30, 28, 28, 1), expected (n, 28, 28)"),
        ("x_train", np.zeros((30, 784), np.uint8), "shape (30, 784), expected (n, 28, 28)"),
        ("y_train", np.zeros((30, 10), np.uint8), "shape (30, 10), expected (n)"),
        ("y_train", np.zeros((), np.uint8), "shape (), expected (n)"),
        (
            "x_train",
            np.zeros((30, 28, 28), np.float32),
            "is of type float32, expected whole numbers 0 to 255 (uint8)",
        ),
        ("y_train", np.zeros(30, "U5"), "is of type <U5, expected whole numbers"),
        ("y_train", np.zeros(30, [("a", "u1")]), "expected whole numbers"),
        ("y_train", np.zeros(30, bool), "is of type bool, expected whole numbers"),
        ("y_train", np.full(30, -1), "has values -1 to -1, expected 0 to 255"),
        ("x_train", np.full((30, 28, 28), 256), "has values 256 to 256, expected 0 to 255"),
    ],
)
def test_a_wrong_array_is_refused(key: str, array: NDArray[Any], says: str, npz: Path, arrays: Arrays) -> None:
    arrays[key] = array
    np.savez(npz, **arrays)  # type: ignore[arg-type]
    message = refusal(npz)
    assert message.startswith(f"{npz}: {key} ")
    assert says in message


def test_a_missing_array_is_named_beside_those_there(npz: Path, arrays: Arrays) -> None:
    np.savez(npz, x_train=arrays["x_train"], labels=arrays["y_train"])
    assert refusal(npz) == f"{npz}: no array y_train in it (it holds labels, x_train)"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: b"",
        lambda _: b"PK\3\4 no archive",
        lambda data: data[: len(data) // 2],
        lambda data: data[:2000] + bytes(200) + data[2200:],
        lambda data: data.replace(b"x_train.npy", b"x_trai\xff.npy"),
    ],
)
def test_a_damaged_npz_is_refused(spoil: BadBytes, npz: Path) -> None:
    npz.write_bytes(spoil(npz.read_bytes()))
    assert refusal(npz).startswith(f"{npz}: ")


def test_an_encrypted_npz_is_refused(npz: Path) -> None:
    data = bytearray(npz.read_bytes())
    with zipfile.ZipFile(npz) as archive:
        data[archive.infolist()[0].header_offset + 6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    npz.write_bytes(data)
    assert "is encrypted, password required" in refusal(npz)


def with_member(path: Path, content: bytes) -> Path:
    """An .npz whose x_train is the given bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x_train.npy", content)
        archive.writestr("y_train.npy", content)
    return path


def npy(shape: str, descr: str = "'|u1'") -> bytes:
    """The start of an .npy file that claims a shape."""
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (npy("(60000, 28, 28)"), "x_train is cut short, expected 47,040,000 bytes for shape (60000, 28, 28)"),
        (npy("(10**9, 28, 28)"), "x_train is not a numpy array: its header cannot be read"),
        (npy("(1000000000, 28, 28)"), "x_train claims 784,000,000,000 bytes"),
        (npy("(1000000000000000000000, 28, 28)"), "x_train claims"),
        (npy("(-1, 28, 28)"), "x_train has shape (-1, 28, 28), expected (n, 28, 28)"),
        (npy("(True, 28, 28)"), "x_train has shape (True, 28, 28), expected (n, 28, 28)"),
        (b"\x93NUMPY\2\0" + struct.pack("<I", 2**26) + b" " * 2**26, "its header cannot be read"),
        (npy("(1, 28, 28)", "'O'"), "x_train holds pickled objects"),
        (npy("(1, 28, 28)", "[('a', 'O')]"), "x_train holds pickled objects"),
        (npy("(1, 28, 28)", "__import__('os')"), "its header cannot be read"),
        (npy("(" * 3000), "its header cannot be read"),
        (npy("-" * 9000 + "1"), "its header cannot be read"),
        (b"\x93NUMPY\x09\0" + bytes(100), "x_train"),
        (b"no array", "x_train is not a numpy array: its header cannot be read"),
        (b"", "x_train is not a numpy array: its header cannot be read"),
    ],
)
def test_a_hostile_array_header_is_refused(content: bytes, says: str, tmp_path: Path) -> None:
    path = with_member(tmp_path / "set.npz", content)
    start = time.process_time()
    tracemalloc.start()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Python's parser remarks on such text
        assert says in refusal(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert time.process_time() - start < 1
    assert peak < 64 * 2**20


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_array_packed_in_ways_that_unpack_without_bounds_is_refused(method: int, tmp_path: Path) -> None:
    """Some kilobytes of bzip2 are gigabytes of zeros, which come out at one step."""
    path = tmp_path / "set.npz"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("x_train.npy", npy("(1, 28, 28)") + bytes(784))
    assert refusal(path) == f"{path}: x_train is packed as numpy packs none: save it with numpy.savez_compressed"


def test_of_many_and_odd_names_in_an_npz_few_are_told_and_in_print(tmp_path: Path) -> None:
    path = tmp_path / "set.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("\n\x1b[31mred", *(f"array{number}" for number in range(1000))):
            archive.writestr(f"{name}.npy", b"")
    assert refusal(path).endswith(r"(it holds '\n\x1b[31mred', array0, array1, array10, array100, ...)")


def test_no_npz_is_a_traceback(npz: Path) -> None:
    seeded = random.Random(4)
    whole = npz.read_bytes()
    starts = [match.start() for match in re.finditer(b"PK", whole)]
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(seeded.randint(1, 4)):
            near = seeded.choice(starts) + seeded.randrange(60)
            data[min(near, len(data) - 1)] = seeded.randrange(256)
        npz.write_bytes(data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # zipfile's own, of names given twice
            try:
                load_part(npz, "train")
            except DataError as error:
                assert str(npz) in str(error)  # noqa: PT017 - a harmless change is read


def test_no_array_in_an_npz_is_a_traceback(tmp_path: Path, arrays: Arrays) -> None:
    seeded = random.Random(5)
    stream = io.BytesIO()
    np.save(stream, arrays["x_train"])
    for _ in range(300):
        data = bytearray(stream.getvalue())
        for _ in range(seeded.randint(1, 4)):
            data[seeded.randrange(128)] = seeded.choice(b"0123456789()[]{}',:-+.abuOV<>|\n\\ \x00\xff")
        path = with_member(tmp_path / "set.npz", bytes(data))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pytest.raises(DataError):
                load_part(path, "train")
