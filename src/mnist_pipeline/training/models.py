"""A model config to an untrained Keras model; one small builder a family."""

from dataclasses import dataclass
from typing import Any

from mnist_pipeline.config import CnnModel, DenseModel
from mnist_pipeline.pixels.preprocess import SIDE
from mnist_pipeline.training.backend import keras

CLASSES = 10


@dataclass(frozen=True)
class LayerSet:
    """The classes and the precision that a network is built in; by default Keras' own, to be saved."""

    dense: type[Any] = keras.layers.Dense
    batch_norm: type[Any] = keras.layers.BatchNormalization
    precision: str = "float32"


PLAIN = LayerSet()


def build(settings: DenseModel | CnnModel, seed: int, form: LayerSet = PLAIN) -> keras.Model:
    """The network, its first weights a function of the seed alone."""
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy(form.precision)
    try:
        return _cnn(settings, form) if isinstance(settings, CnnModel) else _dense(settings, form)
    finally:
        keras.config.set_dtype_policy(PLAIN.precision)


def _dense(settings: DenseModel, form: LayerSet) -> keras.Model:
    inputs = keras.Input((SIDE, SIDE), name="image")
    x = keras.layers.Flatten(name="flatten")(inputs)
    for number, units in enumerate(settings.hidden, start=1):
        x = form.dense(units, activation=settings.activation, name=f"dense{number}")(x)
        if settings.dropout:
            x = keras.layers.Dropout(settings.dropout, name=f"dropout{number}")(x)
    return keras.Model(inputs, _output(x, settings.output, form), name="dense")


def _cnn(settings: CnnModel, form: LayerSet) -> keras.Model:
    inputs = keras.Input((SIDE, SIDE, 1), name="image")
    x = inputs
    for number, block in enumerate(settings.convolutions, start=1):
        x = keras.layers.Conv2D(
            block.filters, block.kernel, padding="same", activation=settings.activation, name=f"conv{number}"
        )(x)
        if block.batch_norm:
            x = form.batch_norm(name=f"bn{number}")(x)
        if block.pool > 1:
            x = keras.layers.MaxPooling2D(block.pool, name=f"pool{number}")(x)
    if settings.pooling == "average":
        x = keras.layers.GlobalAveragePooling2D(name="average")(x)
    else:
        x = keras.layers.Flatten(name="flatten")(x)
    for number, units in enumerate(settings.hidden, start=1):
        x = form.dense(units, activation=settings.activation, name=f"dense{number}")(x)
    if settings.dropout:
        x = keras.layers.Dropout(settings.dropout, name="dropout")(x)
    return keras.Model(inputs, _output(x, settings.output, form), name="cnn")


def _output(x: keras.KerasTensor, activation: str, form: LayerSet) -> keras.KerasTensor:
    """The classes' scores, in full precision whatever the layers before computed in."""
    return form.dense(CLASSES, activation=activation, name="output", dtype="float32")(x)
