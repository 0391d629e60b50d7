"""A network's .keras file: written, and examined before Keras loads one that may come from elsewhere.

Keras 3.15 itself refuses what HDF5 keeps in other files (links, external and virtual arrays). Its bounds on size begin
at 4 GiB, it builds the layers of a config whatever their size (Dense with 700,000 units on a 120 kB file: 11.9 GB), and
it makes objects of any class of its own, some of which read or fetch files. So that is checked here.
"""

import io
import json
import warnings
import zipfile
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

import h5py

from mnist_pipeline.errors import RunError
from mnist_pipeline.runs.files import whole
from mnist_pipeline.training.backend import keras

LARGEST = 256 * 2**20  # bytes: of the file, of its members unpacked, and of the arrays that these declare
_LARGEST_CONFIG = 2**18  # bytes: a network of a hundred layers has half of that
_MOST_OBJECTS = 2_000  # groups and arrays of the weights; a network of a hundred layers has six hundred
_LARGEST_VALUES = 2**22  # outputs of all layers for one image; the largest shipped recipe has 2**17
_MOST_WORK = 10**10  # multiplications for one image
_MEMBERS = {"metadata.json", "config.json", "model.weights.h5"}
_NETWORKS = {"Functional", "Sequential"}
_LAYERS = {  # those that make much out of little, read files or run programs are not among them
    "InputLayer", "Flatten", "Reshape", "Permute", "Rescaling", "Dense", "Conv2D", "DepthwiseConv2D",
    "SeparableConv2D", "MaxPooling2D", "AveragePooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling2D",
    "BatchNormalization", "LayerNormalization", "Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout",
    "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax", "Add", "Average", "Concatenate", "Maximum",
    "Multiply",
}  # fmt: skip
_CLASSES = {
    "keras": _NETWORKS | {"DTypePolicy"},
    "keras.models": _NETWORKS,
    "keras.src.models.functional": {"Functional"},
    "keras.layers": _LAYERS,
    None: {"__keras_tensor__"},  # where one layer meets the next
}
_FORMULAS = {  # modules of which every class is numbers and formulas
    "keras.activations", "keras.constraints", "keras.initializers", "keras.losses", "keras.metrics", "keras.optimizers",
    "keras.optimizers.schedules", "keras.regularizers",
}  # fmt: skip


class _UnfitError(Exception):
    """Why a file is not loaded."""


def save_keras(model: keras.Model, path: Path) -> None:
    """Write the model in Keras' own format."""
    with whole(path) as beside:
        model.save(beside)


def load_model(path: Path) -> keras.Model:
    """Load a model of plain Keras layers and bounded size; anything else is refused with the reason in a line."""
    try:
        _check_network(*_content(path))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # what Keras says before it refuses weights
            return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras and TensorFlow answer an odd config with errors of any class
        reason = " ".join(str(error).split())[:200] or type(error).__name__
    raise RunError(f"{path}: the model cannot be loaded ({reason})")


def _content(path: Path) -> tuple[dict[str, Any], int]:
    """The config of the network in the file, and how many numbers its arrays hold."""
    if not path.is_file():
        raise _UnfitError("it is missing: train the run again")
    if path.stat().st_size > LARGEST:
        raise _UnfitError(f"it is larger than the {LARGEST // 2**20} MiB read here")
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(archive)
            config = json.loads(archive.read("config.json"))
            _check_classes(config)
            return config, _held(archive)
    except _UnfitError:
        raise
    except Exception:  # those of zipfile, zlib, json and h5py have nothing in common
        raise _UnfitError("it is damaged or no .keras file, whatever its name says") from None


def _check_members(archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    if {member.filename for member in members} != _MEMBERS or len(members) != len(_MEMBERS):
        raise _UnfitError(f"a .keras file holds {', '.join(sorted(_MEMBERS))}, and this one something else")
    if sum(member.file_size for member in members) > LARGEST:
        raise _UnfitError(f"unpacked it is larger than the {LARGEST // 2**20} MiB read here")
    if archive.getinfo("config.json").file_size > _LARGEST_CONFIG:
        raise _UnfitError(f"its config is larger than {_LARGEST_CONFIG // 2**10} KiB, which no digit classifier needs")


def _check_classes(config: Any) -> None:
    for part in _parts(config):
        name, module = part["class_name"], part.get("module")
        if module not in _FORMULAS and name not in _CLASSES.get(module, ()):
            raise _UnfitError(f"it has a part {str(name)[:40]!r}, which is none that a digit classifier is made of")


def _parts(value: Any) -> Iterator[dict[str, Any]]:
    """Everything in a config that names a class, however deep."""
    if isinstance(value, dict):
        if "class_name" in value:
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for inside in value:
            yield from _parts(inside)


def _held(archive: zipfile.ZipFile) -> int:
    """How many numbers the weights are; compressed arrays may declare far more than is stored of them."""
    with h5py.File(io.BytesIO(archive.read("model.weights.h5")), "r") as file:
        arrays = _arrays(file)
        if sum(int(array.nbytes) for array in arrays) > LARGEST:
            raise _UnfitError(f"its weights claim to be larger than the {LARGEST // 2**20} MiB read here")
        return sum(int(array.size) for array in arrays)


def _arrays(file: Any) -> list[Any]:
    """Every array in the file, as often as it is reached; not those behind links that Keras refuses to follow.

    Not by h5py's visititems, which takes seconds for a thousand groups inside each other, minutes for five thousand.
    """
    groups, arrays = [file], list[Any]()
    for group in groups:  # a list that grows meanwhile
        for name in group:
            if isinstance(group.get(name, getlink=True), h5py.HardLink):
                inside = group[name]
                (groups if isinstance(inside, h5py.Group) else arrays).append(inside)
            if len(groups) + len(arrays) > _MOST_OBJECTS:
                raise _UnfitError(f"its weights are more than {_MOST_OBJECTS:,} arrays")
    return arrays


def _check_network(config: dict[str, Any], held: int) -> None:
    """Refuse a network that would take more than its file holds, by its layers' shapes: nothing is allocated yet."""
    with keras.StatelessScope(initialize_variables=False):
        model = keras.saving.deserialize_keras_object(config, safe_mode=True)
    if any(isinstance(layer, keras.Model) for layer in model.layers):
        raise _UnfitError("it has a network inside a network")
    weights = sum(prod(weight.shape) for weight in model.weights)
    if weights > held:
        raise _UnfitError(f"its layers are made for {weights:,} weights, and it holds {held:,}")
    work = sum(prod(layer.output.shape[1:-1]) * layer.count_params() for layer in model.layers)
    values = values_of(model)
    if values > _LARGEST_VALUES or work > _MOST_WORK:
        raise _UnfitError(f"its layers would give {values:,} values for one image, by {work:,} multiplications")


def values_of(model: keras.Model) -> int:
    """How many values all layers together give for one image."""
    return sum(prod(layer.output.shape[1:]) for layer in model.layers)
