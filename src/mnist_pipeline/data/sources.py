"""The sources of images and labels: a folder of IDX files, an .npz, or a folder of pictures; each opened and read.

IDX files are found by the names that MNIST and the sets after it are published with: plain, or behind a beginning of
the set's own, as in emnist-letters-train-images-idx3-ubyte. Kannada-MNIST comes as a folder of .npz files.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.data.formats import read_array, read_idx, read_npz
from mnist_pipeline.data.published import fetched
from mnist_pipeline.errors import DataError, PictureError
from mnist_pipeline.numerals import MOST_CLASSES, counted
from mnist_pipeline.pixels.preprocess import look_at
from mnist_pipeline.runs.files import write_text

PartName = Literal["train", "test"]
Bytes = NDArray[np.uint8]
_WORDS = {"train": ("train",), "test": ("t10k", "test")}  # that stand for a part in the names of files
_KINDS = {"images": ("images-idx3-ubyte",), "labels": ("labels-idx1-ubyte", "labels-idx2-int")}  # the latter: QMNIST
_TRAIN_IMAGES = re.compile(r"(.+-)train-images[-.]idx3-ubyte(\.gz)?")
_KANNADA = "{}_kannada_MNIST_{}.npz"
_LONGEST_NAMES = 2**16  # characters of a file of names that are read
_HELP = "Use mnist, a folder of IDX files, an .npz file, or a folder of pictures"
NAMES = "classes.txt"  # beside IDX files: names of the classes, a line each in the order of their numbers
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")  # of pictures


class Source(Protocol):
    """Where images and labels come from: both parts, read when they are asked for."""

    @property
    def names(self) -> tuple[str, ...] | None:
        """What the source itself calls its classes; None where they are numbers alone."""

    @property
    def files(self) -> list[Path]:
        """The files that hold it; one folder in the place of many pictures."""

    def images(self, part: PartName) -> Bytes:
        """The images of a part (n, height, width), as they come."""

    def labels(self, part: PartName) -> Bytes:
        """The labels of a part, as they come."""


def open_source(source: str) -> Source:
    """The source at a path; refused where there is none."""
    try:
        path = fetched(source) or Path(source).expanduser()
        if path.is_dir():
            return _open_folder(path)
        if path.suffix.lower() == ".npz" and path.is_file():
            return _Npz(path)
        if path.parent.is_dir() and f"{path.name}-" in _beginnings(path.parent):
            return IdxFolder(path.parent, f"{path.name}-")
        problem = "is neither a folder of IDX files nor an .npz" if path.exists() else "does not exist"
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError from ~somebody who is not there
        problem = f"cannot be read ({getattr(error, 'strerror', None) or error})"
    raise DataError(f"{source}: {problem}. {_HELP}")


def _open_folder(path: Path) -> Source:
    beginnings = _beginnings(path)
    if (path / "train").is_dir():
        return _Pictures(path)
    if (path / _KANNADA.format("X", "train")).is_file():
        return _Kannada(path)
    plain = any((path / name).is_file() for name in _spellings("train-images-idx3-ubyte"))
    if len(beginnings) > 1 and not plain:
        sets = ", ".join(str(path / name.removesuffix("-")) for name in beginnings)
        raise DataError(f"{path}: holds several sets: name one of {sets}")
    return IdxFolder(path, "" if plain or not beginnings else beginnings[0])


def _beginnings(folder: Path) -> list[str]:
    """What stands before train-images in the names of IDX files here."""
    found = [_TRAIN_IMAGES.fullmatch(path.name) for path in folder.iterdir()]
    return sorted({match[1] for match in found if match})


def _spellings(stem: str) -> tuple[str, ...]:
    """A file's name as published, unzipped or with the dot that some unpackers put in."""
    dotted = stem.replace("-idx", ".idx")
    return stem, f"{stem}.gz", dotted, f"{dotted}.gz"


@dataclass(frozen=True)
class IdxFolder:
    """A folder of IDX files, whose names begin with what is the set's own."""

    folder: Path
    beginning: str = ""

    @property
    def names(self) -> tuple[str, ...] | None:
        """The lines of classes.txt, where somebody wrote one."""
        path = self.folder / NAMES
        return tuple(read_names(path)) if path.is_file() else None

    @property
    def files(self) -> list[Path]:
        """Images and labels of both parts."""
        return [self.path(part, kind) for part in ("train", "test") for kind in ("images", "labels")]

    def path(self, part: str, kind: str) -> Path:
        """The file of a part's images or labels."""
        stems = [f"{self.beginning}{word}-{name}" for word in _WORDS[part] for name in _KINDS[kind]]
        for name in (name for stem in stems for name in _spellings(stem)):
            if (self.folder / name).is_file():
                return self.folder / name
        raise DataError(f"{self.folder}: no {stems[0]} or {stems[0]}.gz in this folder")

    def images(self, part: PartName) -> Bytes:
        """The images of a part."""
        return read_idx(self.path(part, "images"), "images")[0]

    def labels(self, part: PartName) -> Bytes:
        """The labels of a part."""
        return read_idx(self.path(part, "labels"), "labels")[0]


def write_names(names: Sequence[str], folder: Path) -> None:
    """Write down what the classes of a folder of IDX files are called."""
    write_text(folder / NAMES, "".join(f"{name}\n" for name in names))


def read_names(path: Path) -> list[str]:
    """The lines of a file of names."""
    try:
        return path.read_text(encoding="utf-8")[:_LONGEST_NAMES].splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or 'no text in UTF-8'})") from None


@dataclass(frozen=True)
class _Npz:
    path: Path
    names = None

    @property
    def files(self) -> list[Path]:
        return [self.path]

    def images(self, part: PartName) -> Bytes:
        return read_npz(self.path, part, "images")

    def labels(self, part: PartName) -> Bytes:
        return read_npz(self.path, part, "labels")


@dataclass(frozen=True)
class _Kannada:
    folder: Path
    names = None

    @property
    def files(self) -> list[Path]:
        return [self.folder / _KANNADA.format(kind, part) for part in ("train", "test") for kind in "Xy"]

    def images(self, part: PartName) -> Bytes:
        return read_array(self.folder / _KANNADA.format("X", part), "arr_0", 3)

    def labels(self, part: PartName) -> Bytes:
        return read_array(self.folder / _KANNADA.format("y", part), "arr_0", 1)


@dataclass(frozen=True)
class _Pictures:
    """A folder with train/ and test/, in each of them a folder of pictures for each class."""

    folder: Path

    @property
    def files(self) -> list[Path]:
        return [self.folder]

    @property
    def names(self) -> tuple[str, ...]:
        names = tuple(path.name for path in shown(self.folder / "train") if path.is_dir())
        if not 0 < len(names) <= MOST_CLASSES:
            raise DataError(f"{self.folder / 'train'}: {counted(len(names), 'folder')}, expected one for each class")
        return names

    def _found(self, part: PartName) -> Iterator[tuple[Path, int]]:
        """Each picture of a part with the number of its class."""
        place, names = self.folder / part, self.names
        for folder in (path for path in shown(place) if path.is_dir()):
            if folder.name not in names:
                raise DataError(f"{folder}: a class that {self.folder / 'train'} lacks")
            pictures = [path for path in shown(folder) if path.suffix.lower() in SUFFIXES]
            if not pictures and part == "train":
                raise DataError(f"{folder}: no picture of this class (names ending in {', '.join(SUFFIXES)})")
            yield from ((path, names.index(folder.name)) for path in pictures)

    def images(self, part: PartName) -> Bytes:
        pixels, refused = list[Bytes](), list[str]()
        for path, _ in self._found(part):
            try:
                seen = look_at(path)
                if seen.pixels is None:
                    refused.append(f"{path}: {seen.reason}")
                else:
                    pixels.append(seen.pixels)
            except PictureError as error:
                refused.append(str(error))
        if refused:
            raise DataError(f"{refused[0]} ({counted(len(refused), 'picture')} to take out of {self.folder / part})")
        return np.stack(pixels) if pixels else np.zeros((0, 28, 28), np.uint8)

    def labels(self, part: PartName) -> Bytes:
        return np.array([label for _, label in self._found(part)], np.uint8)


def shown(folder: Path) -> list[Path]:
    """What lies in a folder, by name, 2 before 10; nothing hidden."""
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder: a folder of pictures has train/ and test/, with a folder a class")

    def naturally(path: Path) -> Any:
        return [(part.isdecimal(), int(part) if part.isdecimal() else part) for part in re.split(r"(\d+)", path.name)]

    return sorted((path for path in folder.iterdir() if path.name[0] != "."), key=naturally)
