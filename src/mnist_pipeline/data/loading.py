"""A source to checked parts of images and labels, its classes, and which of the training images validate."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.data.formats import read_idx
from mnist_pipeline.data.sources import NAMES, IdxFolder, PartName, open_source
from mnist_pipeline.errors import DataError
from mnist_pipeline.numerals import DIGITS, fault_of
from mnist_pipeline.pixels.preprocess import fit_images

SHIPPED = Path(__file__).parent / "mnist"
_PARTS: tuple[PartName, PartName] = ("train", "test")
_FEWEST = 2  # classes
# sha256 of the raw bytes, as MNIST has been published since 1998.
_PUBLISHED = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


@dataclass(frozen=True)
class Part:
    """Images (n, 28, 28) and labels (n,) as bytes, checked against each other; a label is the number of a class."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    classes: tuple[str, ...] = DIGITS

    @cached_property
    def sha256(self) -> str:
        """Digest of the pixels and then the labels, equal for equal images whatever file they came from."""
        digest = hashlib.sha256(np.ascontiguousarray(self.images).data.cast("B"))
        digest.update(np.ascontiguousarray(self.labels).data)
        return digest.hexdigest()

    @property
    def counts(self) -> list[int]:
        """How many images each of the classes has."""
        return [int(count) for count in np.bincount(self.labels, minlength=len(self.classes))]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Dataset:
    """Both parts of a set of images."""

    source: str
    train: Part
    test: Part

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, in the order of their numbers."""
        return self.train.classes


def load(source: str | Path = "mnist", classes: Sequence[str] | None = None, *, transposed: bool = False) -> Dataset:
    """Both parts of a source: `mnist`, a folder of IDX files, an .npz with Keras' names, or a folder of pictures."""
    parts = (load_part(source, part, classes, transposed=transposed) for part in _PARTS)
    return Dataset(str(source), *parts)


def load_part(
    source: str | Path, part: PartName, classes: Sequence[str] | None = None, *, transposed: bool = False
) -> Part:
    """One part of a source, so that a stage touches only what is its own; of the other, the training labels at most.

    The classes are those of the training labels: numbers from 0 on, or from 1 on as EMNIST's letters have them. They
    are called by `classes`, or else as the source calls them: by the names of its subfolders, or by their numbers.
    Images of other sizes than 28x28 are fitted to it as pictures are.
    """
    found = _Shipped(SHIPPED) if str(source) == "mnist" else open_source(str(source))
    images, labels = found.images(part), found.labels(part)
    if len(images) != len(labels):
        raise DataError(f"{source}: {len(images):,} {part} images and {len(labels):,} labels: they must pair up")
    if not len(images):
        raise DataError(f"{source}: the {part} part is empty")
    names, first = _classes(str(source), labels if part == "train" else found.labels("train"), classes, found.names)
    last = first + len(names) - 1
    if labels.max() > last:
        raise DataError(f"{source}: {part} labels reach {labels.max()}, expected {first} to {last}")
    if labels.min() < first:
        raise DataError(f"{source}: {part} labels begin at {labels.min()}, expected {first} to {last}")
    upright = images.transpose(0, 2, 1) if transposed else images
    return Part(fit_images(np.ascontiguousarray(upright)), labels - np.uint8(first), names)


class _Shipped(IdxFolder):
    """MNIST as it comes with the package; a file whose digest is not the published one is refused."""

    def images(self, part: PartName) -> NDArray[np.uint8]:
        return self._published(part, "images")

    def labels(self, part: PartName) -> NDArray[np.uint8]:
        return self._published(part, "labels")

    def _published(self, part: PartName, kind: Literal["images", "labels"]) -> NDArray[np.uint8]:
        path = self.path(part, kind)
        values, raw = read_idx(path, kind)
        stem = path.name.removesuffix(".gz")
        if hashlib.sha256(raw).hexdigest() != _PUBLISHED[stem]:
            raise DataError(f"{path.parent / stem}: not the published MNIST (sha256 differs): reinstall the package")
        return values


def _classes(
    source: str, labels: NDArray[np.uint8], given: Sequence[str] | None, own: Sequence[str] | None
) -> tuple[tuple[str, ...], int]:
    """The names of the classes that the training labels are numbers of, and the number of the first one."""
    if not len(labels):
        raise DataError(f"{source}: the train part is empty")
    first, most = int(own is None and labels.min() == 1), int(labels.max())
    names = tuple(given or own or map(str, range(first, most + 1)))
    count = len(own) if own else most - first + 1
    if len(names) != count:
        numbered = f"labels {first} to {most}" if own is None else f"folders of {', '.join(own[:5])} ..."
        raise DataError(f"{source}: its {numbered} are {count} classes, and data.classes names {len(names)}")
    if fault := fault_of(names):
        raise DataError(f"{source}: {fault}")
    if most >= first + count:
        raise DataError(f"{source}: train labels reach {most}, and its {NAMES} names {count} classes")
    counts = np.bincount(labels, minlength=first + count)[first:]
    if empty := [name for name, images in zip(names, counts, strict=True) if not images]:
        more = f" and of {len(empty) - 1} more" if len(empty) > 1 else ""
        raise DataError(f"{source}: no training image of class {empty[0]}{more}: every class needs some")
    if count < _FEWEST:
        raise DataError(f"{source}: only one class ({names[0]}): there is nothing to tell apart")
    return names, first


def files_of(source: str) -> list[Path]:
    """The files of a source that can be loaded; of a folder of pictures the folder."""
    return (IdxFolder(SHIPPED) if source == "mnist" else open_source(source)).files


def validation_indices(labels: NDArray[np.uint8], share: float, seed: int) -> NDArray[np.int64]:
    """Sorted indices of the training images that validate: by the seed's choice, `share` of each class, rounded."""
    random = np.random.Generator(np.random.PCG64(seed))
    chosen = []
    for number in np.unique(labels):
        members = np.flatnonzero(labels == number)
        chosen.append(random.permutation(members)[: round(len(members) * share)])
    indices = np.sort(np.concatenate(chosen)).astype(np.int64)
    if share and not len(indices):
        raise DataError(
            f"data.validation is {share:g}, and that share of each class among {len(labels):,} training images is "
            f"none: use more images, a larger share, or 0 with a recipe that watches no validation figure"
        )
    return indices
