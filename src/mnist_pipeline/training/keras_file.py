"""A .keras file looked at before Keras reads it: its size, its members, its layers, how many weights it holds."""

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from mnist_pipeline.errors import RunError

LARGEST = 256 * 2**20  # bytes: of the file, and of what is in it once unpacked
_LARGEST_CONFIG = 4 * 2**20
_MOST_PARTS = 2000  # of a config; a network of a hundred layers has a thousand
_MOST_GROUPS = 10_000  # and arrays of the weights: links may lead to the same one many times over
_MEMBERS = {"metadata.json", "config.json", "model.weights.h5"}
_KINDS = {
    "keras": {"DTypePolicy", "Functional", "Sequential"},
    "keras.models": {"Functional", "Sequential"},
    "keras.src.models.functional": {"Functional"},
    # Those that make much out of little, read files or run programs are not among them.
    "keras.layers": {
        "InputLayer", "Flatten", "Reshape", "Permute", "Rescaling", "Dense", "Conv2D", "DepthwiseConv2D",
        "SeparableConv2D", "MaxPooling2D", "AveragePooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling2D",
        "BatchNormalization", "LayerNormalization", "Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout",
        "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax", "Add", "Average", "Concatenate", "Maximum",
        "Multiply",
    },
}  # fmt: skip
_WHATEVER = {  # all of these are numbers and formulas
    "keras.activations", "keras.constraints", "keras.initializers", "keras.losses", "keras.metrics", "keras.optimizers",
    "keras.optimizers.schedules", "keras.regularizers",
}  # fmt: skip


@dataclass(frozen=True)
class Content:
    """What a .keras file holds."""

    config: dict[str, Any]
    """The network that Keras is to build."""
    values: int
    """Numbers in all of its arrays."""


class _UnfitError(Exception):
    """Why a file is not read."""


def examine(path: Path) -> Content:
    """The content of a model of plain Keras layers of a size to be read; anything else is refused with the reason."""
    try:
        return _content(path)
    except _UnfitError as problem:
        reason = str(problem)
    except Exception:  # those of zipfile, zlib, json and h5py have nothing in common
        reason = "it is damaged or no .keras file, whatever its name says"
    raise RunError(f"{path}: the model cannot be loaded ({reason})")


def _content(path: Path) -> Content:
    if not path.is_file():
        raise _UnfitError("it is missing: train the run again")
    if path.stat().st_size > LARGEST:
        raise _UnfitError(f"it is larger than the {LARGEST // 2**20} MiB read here")
    with zipfile.ZipFile(path) as archive:
        _check_members(archive)
        config = json.loads(archive.read("config.json"))
        _check_parts(config)
        return Content(config, _values(archive))


def _check_members(archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    if {member.filename for member in members} != _MEMBERS or len(members) != len(_MEMBERS):
        raise _UnfitError(f"a .keras file holds {', '.join(sorted(_MEMBERS))}, and this one something else")
    if sum(member.file_size for member in members) > LARGEST:
        raise _UnfitError(f"unpacked it is larger than the {LARGEST // 2**20} MiB read here")
    if archive.getinfo("config.json").file_size > _LARGEST_CONFIG:
        raise _UnfitError("its config is larger than any network's")


def _check_parts(config: Any) -> None:
    for number, part in enumerate(_parts(config)):
        name, module = part["class_name"], part.get("module")
        if number == _MOST_PARTS:
            raise _UnfitError(f"it has more than {_MOST_PARTS:,} parts")
        if name in ("Lambda", "__lambda__", "function"):
            raise _UnfitError(
                f"it has a {name} layer: that is a program of its author's, which loading would make ready to run"
            )
        if name == "__keras_tensor__" and module is None:  # where one layer meets the next
            continue
        if module != "keras" and not str(module).startswith("keras."):
            raise _UnfitError(f"its {str(name)[:40]!r} is not one of Keras' own layers")
        if module not in _WHATEVER and name not in _KINDS.get(str(module), ()):
            raise _UnfitError(f"it has a part {str(name)[:40]!r}, which is none that a digit classifier is made of")


def _parts(value: Any) -> Iterator[dict[str, Any]]:
    """Everything in a config that names a class, however deep."""
    if isinstance(value, dict):
        if "class_name" in value:
            yield value
        for inside in value.values():
            yield from _parts(inside)
    elif isinstance(value, list):
        for inside in value:
            yield from _parts(inside)


def _values(archive: zipfile.ZipFile) -> int:
    """How many numbers the weights are. HDF5 can point to other files and claim sizes beyond its own."""
    with h5py.File(io.BytesIO(archive.read("model.weights.h5")), "r") as file:
        arrays = list(_arrays(file, [0]))
    if sum(array.nbytes for array in arrays) > LARGEST:
        raise _UnfitError(f"its weights claim to be larger than the {LARGEST // 2**20} MiB read here")
    return sum(array.size for array in arrays)


def _arrays(group: Any, seen: list[int]) -> Iterator["_Array"]:
    for name in group:
        seen[0] += 1
        if seen[0] > _MOST_GROUPS:
            raise _UnfitError(f"its weights are more than {_MOST_GROUPS:,} arrays")
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise _UnfitError("its weights point elsewhere")
        inside = group[name]
        if isinstance(inside, h5py.Group):
            yield from _arrays(inside, seen)
        elif inside.external or inside.is_virtual:
            raise _UnfitError("its weights point elsewhere")
        else:
            yield _Array(int(inside.size), int(inside.nbytes))


@dataclass(frozen=True)
class _Array:
    size: int
    nbytes: int
