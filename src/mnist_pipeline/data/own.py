"""A person's own pictures: read and labelled, and mixed into a source's training images.

A picture's class is the name of a folder that it lies in, or else stands alone in its own name, as in anna-7-2.jpg.
"""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.config.data_schema import OwnPictures
from mnist_pipeline.data.loading import Part, validation_indices
from mnist_pipeline.data.sources import SUFFIXES, open_source
from mnist_pipeline.errors import DataError, PictureError
from mnist_pipeline.numerals import counted
from mnist_pipeline.pixels.pictures import unforeseen
from mnist_pipeline.pixels.preprocess import fit_images, look_at

_FEWEST = 2  # pictures: one says nothing of a hand
_LEAST_BESIDE = 100  # of a source's images
_LEFT_OUT = 10  # pictures that are left out and named each


def read_own(folder: str | Path, classes: tuple[str, ...], note: Callable[[str], None]) -> Part:
    """The pictures of a folder, or the training images of a folder of IDX files; `note` is told what is left out."""
    try:
        path = Path(folder).expanduser()
        if not path.is_dir():
            problem = "is no folder" if path.exists() else "no such folder"
            raise DataError(f"{folder}: {problem}: give one with pictures of your own")
        imported = any(path.glob("*train-images?idx3-ubyte*"))
        own = _of_idx(path, classes) if imported else _of_pictures(path, classes, note)
    except (OSError, RuntimeError) as error:  # the latter from ~somebody who is not there
        raise DataError(f"{folder}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    if len(own) < _FEWEST:
        raise DataError(f"{folder}: {counted(len(own), 'picture')} that can be used, expected {_FEWEST} or more")
    return own


def _of_idx(folder: Path, classes: tuple[str, ...]) -> Part:
    """The training images of an IDX folder, whose own classes may be some of these."""
    source = open_source(str(folder))
    images, labels = source.images("train"), source.labels("train")
    if len(images) != len(labels):
        raise DataError(f"{folder}: {len(images):,} images and {len(labels):,} labels: they must pair up")
    names = source.names or classes
    unknown = [names[label] if label < len(names) else str(label) for label in np.unique(labels).tolist()]
    unknown = [name for name in unknown if name not in classes]
    if unknown:
        raise DataError(f"{folder}: images of class {unknown[0]}, and the model tells apart {', '.join(classes)}")
    numbers = np.array([classes.index(names[label]) for label in labels.tolist()], np.uint8)
    return Part(fit_images(images), numbers, classes)


def _of_pictures(folder: Path, classes: tuple[str, ...], note: Callable[[str], None]) -> Part:
    images, labels, refused = list[NDArray[np.uint8]](), list[int](), list[str]()
    for path in sorted(folder.rglob("*")):
        within = path.relative_to(folder)
        if path.suffix.lower() not in SUFFIXES or any(part[0] == "." for part in within.parts) or not path.is_file():
            continue
        label = _class_of(within, classes)
        if label is None:
            refused.append(f"{path}: neither its name nor a folder that it lies in is one of {', '.join(classes)}")
            continue
        try:
            images.append(_digit_of(path))
            labels.append(label)
        except PictureError as error:
            refused.append(str(error))
    for line in refused[:_LEFT_OUT]:
        note(f"left out: {line}")
    if len(refused) > _LEFT_OUT:
        note(f"left out: {len(refused) - _LEFT_OUT} more")
    if not images:
        why = refused[0] if refused else f"no picture in it (names ending in {', '.join(SUFFIXES)})"
        raise DataError(f"{folder}: nothing to train on: {why}")
    return Part(np.stack(images), np.array(labels, np.uint8), classes)


def _digit_of(path: Path) -> NDArray[np.uint8]:
    """The 28x28 of a picture; a PictureError where it cannot be read, or shows nothing or several things."""
    try:
        seen = look_at(path)
    except PictureError:
        raise
    except Exception as error:
        raise unforeseen(str(path), error) from None
    if seen.pixels is None or seen.reason:
        raise PictureError(f"{path}: {seen.reason}")
    return seen.pixels


def _class_of(within: Path, classes: tuple[str, ...]) -> int | None:
    """The number of a picture's class: that of the innermost folder that is called so, else what its name says."""
    *folders, name = within.parts
    named = [classes.index(folder) for folder in folders if folder in classes]
    return named[-1] if named else label_of(name, classes)


def label_of(name: str, classes: tuple[str, ...]) -> int | None:
    """The number of the first class that stands alone in a file's name."""
    words = re.split(r"[^0-9A-Za-z]+", name)
    return next((classes.index(word) for word in words if word in classes), None)


def mix(part: Part, own: Part, settings: OwnPictures) -> Part:
    """Some of a source's images, the same share of every class, and own pictures, over and over again.

    The share of own pictures is one of each class: so a person who wrote sevens alone does not make sevens likelier
    than other digits by more than that. Few pictures have few images beside them: so a training takes few steps.
    """
    matching = round(settings.copies * len(own) * (1 - settings.share) / settings.share)
    beside = min(settings.beside, max(_LEAST_BESIDE, matching))
    kept = validation_indices(part.labels, min(1.0, beside / len(part)), seed=0)
    counts = np.bincount(part.labels[kept], minlength=len(part.classes))
    rows = []
    for number in np.unique(own.labels):
        members = np.flatnonzero(own.labels == number)
        wanted = round(settings.share / (1 - settings.share) * int(counts[number]))
        wanted = min(wanted, settings.copies * len(members))
        rows.append(np.resize(members, max(len(members), wanted)))
    chosen = np.concatenate(rows)
    images = np.concatenate([part.images[kept], own.images[chosen]])
    return Part(images, np.concatenate([part.labels[kept], own.labels[chosen]]), part.classes)
