"""A saved Keras model over a part of the data: probabilities and the model's own loss, in one pass."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.backend import keras
from mnist_pipeline.config import Config
from mnist_pipeline.data import Part
from mnist_pipeline.errors import RunError
from mnist_pipeline.evaluation import normalised
from mnist_pipeline.training import loss_of, model_inputs

_BATCH = 1000  # no effect on the figures, only on speed


def load_model(path: Path) -> keras.Model:
    """The model, with Keras' safe mode on: a file that would run code is refused."""
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (OSError, ValueError, TypeError) as error:
        raise RunError(f"{path}: the model cannot be loaded ({str(error).splitlines()[0]})") from None


def score(model: keras.Model, config: Config, part: Part) -> tuple[NDArray[np.float32], float]:
    """Probabilities that add up to one for every image, and the mean loss."""
    images, targets = model_inputs(config, part)
    outputs = model.predict(images, batch_size=_BATCH, verbose=0)
    return normalised(outputs), float(loss_of(config)(targets, outputs))
