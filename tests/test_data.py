"""Digit sets from every container, and what is said of the bad ones."""

import gzip
import hashlib
import io
import random
import re
import struct
import time
import tracemalloc
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_pipeline import train
from mnist_pipeline.config import load_config
from mnist_pipeline.data import Dataset, Part, load, load_part, validation_indices
from mnist_pipeline.data import loading as data_loading
from mnist_pipeline.errors import DataError
from mnist_pipeline.runs.run import artifacts

Arrays = dict[str, NDArray[Any]]
TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


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


def idx(array: NDArray[Any]) -> bytes:
    """An array as an IDX file."""
    return struct.pack(f">I{array.ndim}I", 0x800 + array.ndim, *array.shape) + array.tobytes()


def write_folder(folder: Path, arrays: Arrays, pack: Callable[[bytes], bytes] = bytes, suffix: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    names = dict(zip(arrays, (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS), strict=True))
    for key, array in arrays.items():
        (folder / f"{names[key]}{suffix}").write_bytes(pack(idx(array)))
    return folder


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


def refusal(source: str | Path) -> str:
    """The one line that a source is refused with."""
    with pytest.raises(DataError) as caught:
        load(source)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# The shipped files


@pytest.fixture(scope="module")
def mnist() -> Dataset:
    return load()


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


# Every container


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


# Sources that are none


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
    assert message.endswith(". Use mnist, a folder of IDX files, or an .npz file")


def test_a_folder_without_the_files_names_them(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"{tmp_path}: no {TRAIN_IMAGES} or {TRAIN_IMAGES}.gz in this folder"


# Bad IDX files

BadBytes = Callable[[bytes], bytes]


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
        (lambda _: idx(np.zeros((30, 14, 56), np.uint8)), "images of 14x56 pixels, expected 28x28"),
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


# Bad labels, whatever they are in


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


# Bad .npz files


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


# The validation images


def test_validation_takes_the_same_share_of_every_class(mnist: Dataset) -> None:
    labels = mnist.train.labels
    chosen = validation_indices(labels, 0.1, seed=0)
    counts = np.bincount(labels[chosen], minlength=10)
    assert counts.tolist() == [round(count * 0.1) for count in mnist.train.counts]
    assert chosen.dtype == np.int64
    assert (np.diff(chosen) > 0).all(), "sorted, and none twice"


def test_validation_is_the_seeds_alone(mnist: Dataset) -> None:
    first, again, other = (validation_indices(mnist.train.labels, 0.1, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert len(np.intersect1d(first, other)) < len(first) / 5
    digest = hashlib.sha256(first.astype("<i8").tobytes()).hexdigest()
    assert digest == "ed014f22e214aa5c81612313521b67e1fa9ecef896996f16f05cdeaec19ae8d8", (
        "other images validate than before: every number measured with validation changes"
    )


@pytest.mark.parametrize("labels", [np.arange(100, dtype=np.uint8) % 10, np.array([3], np.uint8)])
def test_no_share_is_no_indices(labels: NDArray[np.uint8]) -> None:
    chosen = validation_indices(labels, 0.0, seed=0)
    assert chosen.shape == (0,)
    assert chosen.dtype == np.int64


def test_half_is_half() -> None:
    labels = np.array([7] * 10 + [2] * 4, np.uint8)
    chosen = validation_indices(labels, 0.5, seed=9)
    assert np.bincount(labels[chosen], minlength=10)[[2, 7]].tolist() == [2, 5]


@pytest.mark.parametrize(("images", "share"), [(1, 0.5), (40, 0.1)])
def test_images_too_few_to_validate_on_are_refused(images: int, share: float) -> None:
    with pytest.raises(DataError, match=f"data.validation is {share}, .* among {images} training images is none"):
        validation_indices(np.arange(images, dtype=np.uint8) % 10, share, seed=0)


def test_images_too_few_to_validate_on_are_refused_before_a_run_is_begun(npz: Path) -> None:
    with pytest.raises(DataError, match="is none: use more images"):
        train(load_config("smoke", {"data.source": str(npz)}))
    assert not (artifacts() / "smoke").exists()
