"""A .keras file looked at before Keras reads it: its size, its members, its layers, the shape of its weights."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py

from mnist_pipeline.errors import RunError

LARGEST = 256 * 2**20  # bytes: of the file, and of what is in it once unpacked
_LARGEST_CONFIG = 4 * 2**20
_MEMBERS = {"metadata.json", "config.json", "model.weights.h5"}


def examine(path: Path) -> None:
    """Refuse, with the reason, what is not a model of plain Keras layers of a size to be read."""
    problem = _problem(path)
    if problem:
        raise RunError(f"{path}: the model cannot be loaded ({problem})")


def _problem(path: Path) -> str | None:
    if not path.is_file():
        return "it is missing: train the run again"
    if path.stat().st_size > LARGEST:
        return f"it is larger than the {LARGEST // 2**20} MiB read here"
    try:
        with zipfile.ZipFile(path) as archive:
            return _within(archive) or _in_config(archive) or _in_weights(archive)
    except (OSError, ValueError, KeyError, RuntimeError, zipfile.BadZipFile, RecursionError):
        return "it is damaged or no .keras file, whatever its name says"


def _within(archive: zipfile.ZipFile) -> str | None:
    members = archive.infolist()
    if {member.filename for member in members} != _MEMBERS or len(members) != len(_MEMBERS):
        return f"a .keras file holds {', '.join(sorted(_MEMBERS))}, and this one something else"
    if sum(member.file_size for member in members) > LARGEST:
        return f"unpacked it is larger than the {LARGEST // 2**20} MiB read here"
    if archive.getinfo("config.json").file_size > _LARGEST_CONFIG:
        return "its config is larger than any network's"
    return None


def _in_config(archive: zipfile.ZipFile) -> str | None:
    for part in _parts(json.loads(archive.read("config.json"))):
        name, module = part["class_name"], part.get("module")
        if name in ("Lambda", "__lambda__", "function"):
            return f"it has a {name} layer: that is a program of its author's, which loading would make ready to run"
        if name == "__keras_tensor__" and module is None:  # where one layer meets the next
            continue
        if module != "keras" and not str(module).startswith("keras."):
            return f"its {name} is not one of Keras' own layers"
    return None


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


def _in_weights(archive: zipfile.ZipFile) -> str | None:
    """HDF5 can point to other files and claim sizes beyond its own."""
    with h5py.File(io.BytesIO(archive.read("model.weights.h5")), "r") as file:
        return _in_group(file, [LARGEST])


def _in_group(group: Any, left: list[int]) -> str | None:
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            return "its weights point elsewhere"
        inside = group[name]
        if isinstance(inside, h5py.Group):
            problem = _in_group(inside, left)
            if problem:
                return problem
        else:
            left[0] -= inside.nbytes
            if inside.external or inside.is_virtual:
                return "its weights point elsewhere"
            if left[0] < 0:
                return f"its weights claim to be larger than the {LARGEST // 2**20} MiB read here"
    return None
