"""A trained Keras network changed at its ends for those who receive it, its weights untouched."""

from mnist_pipeline.pixels.preprocess import PIXEL, SIDE
from mnist_pipeline.training.backend import keras


def normalised(model: keras.Model) -> keras.Model:
    """The network with a softmax at its end, which is what normalising sigmoids comes to; a softmax stays."""
    last = model.layers[-1]
    if last.activation is keras.activations.softmax:
        return model
    softmax = keras.layers.Dense(last.units, activation="softmax", name="probabilities")
    changed = keras.Model(model.inputs[0], softmax(last.input), name=model.name)
    softmax.set_weights(last.get_weights())
    return changed


def from_pixels(model: keras.Model) -> keras.Model:
    """The network that takes (n, 28, 28) bytes as they are in a picture and gives normalised probabilities."""
    pixels = keras.Input((SIDE, SIDE), dtype="uint8", name="pixels")
    x = keras.layers.Rescaling(float(PIXEL), name="scale")(pixels)
    x = keras.layers.Reshape(model.input_shape[1:], name="shape")(x)
    return keras.Model(pixels, normalised(model)(x), name=model.name)
