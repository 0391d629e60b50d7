"""A network read from its .keras file; one from elsewhere is tried out before, in a process that may die.

Keras 3.15 itself refuses what HDF5 keeps in other files (links, external and virtual arrays). But it makes objects of
any class of its own, some of which read or fetch files, and builds the layers of a config whatever their size (Dense
with 700,000 units out of 120 kB: 11.9 GB). So classes are checked here, and the process has little memory and time.

This module is that process too: `python -m mnist_pipeline.training.keras_file FILE`.
"""

import hashlib
import json
import sys
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from mnist_pipeline.errors import RunError
from mnist_pipeline.numerals import MOST_CLASSES
from mnist_pipeline.pixels.preprocess import SIDE
from mnist_pipeline.prediction.foreign import Bounds, bounded, run_bounded
from mnist_pipeline.prediction.runtimes import made_here
from mnist_pipeline.process import command
from mnist_pipeline.runs.run import Run
from mnist_pipeline.training import backend
from mnist_pipeline.training.backend import keras, tf

LARGEST = 256 * 2**20  # bytes of the file, and of its members unpacked
_BOUNDS = Bounds(2048, 20)  # TensorFlow takes 500 MiB, and our largest network as many for a batch
_BATCH = 1000  # images; as many as an evaluation computes at a time
_LARGEST_CONFIG = 2**21  # bytes: fifty networks of twenty layers each have two thirds of that
_MEMBERS = ["config.json", "metadata.json", "model.weights.h5"]
_NETWORKS = {"Functional", "Sequential"}
_LAYERS = {  # those that make much out of little, read files or run programs are not among them
    "InputLayer", "Flatten", "Reshape", "Permute", "Rescaling", "Dense", "Conv2D", "DepthwiseConv2D",
    "SeparableConv2D", "MaxPooling2D", "AveragePooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling2D",
    "BatchNormalization", "LayerNormalization", "Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout",
    "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax", "Add", "Average", "Concatenate", "Maximum",
    "Multiply", "ZeroPadding2D", "Cropping2D",
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


def load_model(run: Run) -> keras.Model:
    """Load a run's model; a RunError where it is refused, or is another than the run's numbers are about."""
    vet(run.model_file)
    model = load_plain(run.model_file)
    if model.output_shape[1:] != (len(run.classes),):
        raise RunError(f"{run.model_file}: does not give a score for each of the run's {len(run.classes)} classes")
    if weights_sha256(model) != run.figures("train")["weights_sha256"]:
        raise RunError(f"{run.model_file}: holds other weights than this run's training wrote: train the run again")
    return model


def vet(path: Path) -> None:
    """Raise a RunError for a .keras file from elsewhere that is refused, crashes Keras or takes too much."""
    if not made_here(path):
        run_bounded([*command("training.keras_file"), str(path)], f"{path}: not read: Keras", _BOUNDS)


def load_plain(path: Path) -> keras.Model:
    """Load a model of plain Keras layers; anything else is refused with the reason in a line."""
    try:
        _check_content(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # what Keras says before it refuses weights
            return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (MemoryError, tf.errors.ResourceExhaustedError):
        reason = "it takes more memory than there is for it"
    except Exception as error:  # Keras and TensorFlow answer an odd config with errors of any class
        reason = " ".join(str(error).split())[:200] or type(error).__name__
    raise RunError(f"{path}: the model cannot be loaded ({reason})")


def weights_sha256(model: keras.Model) -> str:
    """Digest of the float32 bytes of all weights in the model's own order: the name of a result."""
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(np.ascontiguousarray(weight, dtype="<f4").tobytes())
    return digest.hexdigest()


def _check_content(path: Path) -> None:
    """Refuse a file with other members than Keras writes, too large ones, or a class that runs or reads something."""
    if not path.is_file():
        raise RunError("it is missing: train the run again")
    if path.stat().st_size > LARGEST:
        raise RunError(f"it is larger than the {LARGEST // 2**20} MiB read here")
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if sorted(member.filename for member in members) != _MEMBERS:
            raise RunError(f"a .keras file holds {', '.join(_MEMBERS)}, and this one something else")
        if archive.getinfo("config.json").file_size > _LARGEST_CONFIG:
            raise RunError(f"its config is larger than {_LARGEST_CONFIG // 2**10} KiB, which no digit classifier needs")
        if sum(member.file_size for member in members) > LARGEST:
            raise RunError(f"unpacked it is larger than the {LARGEST // 2**20} MiB read here")
        json.loads(archive.read("config.json"), object_hook=_check_class)


def _check_class(part: dict[str, Any]) -> None:
    """Refuse a part of a config, however deep, that names another class than digit classifiers are made of."""
    name, module = part.get("class_name"), part.get("module")
    if "class_name" in part and module not in _FORMULAS and name not in _CLASSES.get(module, ()):
        raise RunError(f"it has a part {str(name)[:40]!r}, which is none that a digit classifier is made of")


def _compute(path: Path) -> None:
    backend.start()
    model = load_plain(path)
    images = tf.reshape(tf.zeros((_BATCH, SIDE, SIDE)), (-1, *model.input_shape[1:]))
    scores = model(images, training=False).shape
    if len(scores) != 2 or scores[0] != _BATCH or not 2 <= scores[1] <= MOST_CLASSES:
        raise RunError(f"{path}: does not give a score for each class of an image")


if __name__ == "__main__":
    bounded(lambda: _compute(Path(sys.argv[1])), _BOUNDS)
