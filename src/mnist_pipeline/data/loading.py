"""A source of digits to checked parts of images and labels, and which of the training images validate."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.data.formats import read_idx, read_npz
from mnist_pipeline.errors import DataError

PartName = Literal["train", "test"]

SHIPPED = Path(__file__).parent / "mnist"
_STEMS = {"train": "train", "test": "t10k"}
# sha256 of the raw bytes, as MNIST has been published since 1998.
_PUBLISHED = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


@dataclass(frozen=True)
class Part:
    """Images (n, 28, 28) and labels (n,) as bytes, checked against each other."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    @cached_property
    def sha256(self) -> str:
        """Digest of the pixels and then the labels, equal for equal images whatever file they came from."""
        digest = hashlib.sha256(np.ascontiguousarray(self.images).data.cast("B"))
        digest.update(np.ascontiguousarray(self.labels).data)
        return digest.hexdigest()

    @property
    def counts(self) -> list[int]:
        """How many images each of the ten classes has."""
        return [int(count) for count in np.bincount(self.labels, minlength=10)]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Dataset:
    """Both parts of a digit set."""

    source: str
    train: Part
    test: Part


def load(source: str | Path = "mnist") -> Dataset:
    """Both parts of a source: `mnist`, a folder of IDX files, or an .npz file with Keras' names."""
    return Dataset(str(source), load_part(source, "train"), load_part(source, "test"))


def load_part(source: str | Path, part: PartName) -> Part:
    """One part of a source, so that a stage touches only what is its own."""
    if str(source) == "mnist":
        return _checked(str(source), part, *_read_folder(SHIPPED, part, _PUBLISHED))
    try:
        path = Path(source).expanduser()
        if path.is_dir():
            return _checked(str(source), part, *_read_folder(path, part, {}))
        if path.suffix.lower() == ".npz" and path.is_file():
            return _checked(str(source), part, *read_npz(path, part))
        problem = "is neither a folder of IDX files nor an .npz" if path.exists() else "does not exist"
    except (OSError, RuntimeError) as error:  # the latter from ~somebody who is not there
        problem = f"cannot be read ({getattr(error, 'strerror', None) or error})"
    raise DataError(f"{source}: {problem}. Use mnist, a folder of IDX files, or an .npz file")


def _read_folder(folder: Path, part: PartName, digests: dict[str, str]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    stems = f"{_STEMS[part]}-images-idx3-ubyte", f"{_STEMS[part]}-labels-idx1-ubyte"
    images, labels = read_idx(_find(folder, stems[0]), "images"), read_idx(_find(folder, stems[1]), "labels")
    for stem, (_, raw) in zip(stems, (images, labels), strict=True):
        if stem in digests and hashlib.sha256(raw).hexdigest() != digests[stem]:
            raise DataError(f"{folder / stem}: not the published MNIST (sha256 differs): reinstall the package")
    return images[0], labels[0]


def files_of(source: str) -> list[Path]:
    """The files of a source that can be loaded."""
    path = SHIPPED if source == "mnist" else Path(source).expanduser()
    if not path.is_dir():
        return [path]
    kinds = ("images-idx3", "labels-idx1")
    return [_find(path, f"{stem}-{kind}-ubyte") for stem in _STEMS.values() for kind in kinds]


def _find(folder: Path, stem: str) -> Path:
    """The file of that name, as published, unzipped or with the dot that some unpackers put in."""
    dotted = stem.replace("-idx", ".idx")
    for name in (stem, f"{stem}.gz", dotted, f"{dotted}.gz"):
        if (folder / name).is_file():
            return folder / name
    raise DataError(f"{folder}: no {stem} or {stem}.gz in this folder")


def _checked(source: str, part: PartName, images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Part:
    if len(images) != len(labels):
        raise DataError(f"{source}: {len(images):,} {part} images and {len(labels):,} labels: they must pair up")
    if not len(images):
        raise DataError(f"{source}: the {part} part is empty")
    if labels.max() > 9:
        raise DataError(f"{source}: {part} labels reach {labels.max()}, expected 0 to 9")
    return Part(images, labels)


def validation_indices(labels: NDArray[np.uint8], share: float, seed: int) -> NDArray[np.int64]:
    """Sorted indices of the training images that validate: by the seed's choice, `share` of each class, rounded."""
    random = np.random.Generator(np.random.PCG64(seed))
    chosen = []
    for digit in range(10):
        members = np.flatnonzero(labels == digit)
        chosen.append(random.permutation(members)[: round(len(members) * share)])
    indices = np.sort(np.concatenate(chosen)).astype(np.int64)
    if share and not len(indices):
        raise DataError(
            f"data.validation is {share:g}, and that share of each class among {len(labels):,} training images is "
            f"none: use more images, a larger share, or 0 with a recipe that watches no validation figure"
        )
    return indices
