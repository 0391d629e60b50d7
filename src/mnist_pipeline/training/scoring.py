"""What a trained network gives for images: outputs and loss, the factor that calibrates it, and when it refuses."""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.config.schema import Config
from mnist_pipeline.data import Part
from mnist_pipeline.data.rendering.pool import draw_digits, draw_non_digits
from mnist_pipeline.pixels.preprocess import scale
from mnist_pipeline.prediction.prediction import reconsidered
from mnist_pipeline.training.backend import keras, tf
from mnist_pipeline.training.compiling import loss_of, targets_of

_BATCH = 1000  # no effect on the figures, only on speed
_MOST_VALUES = 2**28  # outputs of all layers for a batch; our networks have at most 2**27


def outputs(model: keras.Model, config: Config, part: Part) -> tuple[NDArray[np.float32], float]:
    """The model's own outputs for every image, and the mean loss as Keras computes it."""
    images = scale(part.images).reshape(-1, *model.input_shape[1:])
    targets = targets_of(config, part.labels, classes=len(part.classes))
    loss = loss_of(config)

    # Loss and outputs in one graph, because Keras computes the loss of a sigmoid from the logits behind it.
    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def run(images: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        outputs = model(images, training=False)
        return outputs, loss(targets, outputs) * tf.cast(tf.shape(images)[0], tf.float32)

    together = min(_BATCH, _MOST_VALUES // _values(model))
    starts = range(0, len(part), together)
    pieces = [run(images[at : at + together], targets[at : at + together]) for at in starts]
    mean = sum(float(total) for _, total in pieces) / len(part)
    return np.concatenate([scores.numpy() for scores, _ in pieces]), float(mean)


def _values(model: keras.Model) -> int:
    """How many numbers the layers of a model give for an image, those of networks inside it among them."""
    return sum(
        _values(layer) if isinstance(layer, keras.Model) else prod(layer.output.shape[1:]) for layer in model.layers
    )


def validated(model: keras.Model, config: Config, validation: Part) -> dict[str, float]:
    """The figures of the validation images, under their names in metrics.json."""
    found, loss = outputs(model, config, validation)
    return {"val_loss": loss, "val_accuracy": float((found.argmax(axis=1) == validation.labels).mean())}


_LEAST, _MOST = 0.05, 20.0  # a factor beyond these says that something else is wrong
_GOLDEN = (5**0.5 - 1) / 2
_HALVINGS = 60  # after these the interval is below what a double tells apart


def calibrate(views: Sequence[keras.Model], network: keras.Model, config: Config, validation: Part) -> float:
    """Scale a network's scores before its softmax by the factor that suits the validation images; the factor.

    It is the one under which the mean of the network's probabilities over its views suits them.
    """
    first, _ = outputs(views[0], config, validation)
    found = [first, *(_answers(view, validation.images) for view in views[1:])]
    factor = sharpness(found, validation.labels)
    fold(network, factor)
    return factor


def sharpness(views: Sequence[NDArray[np.float32]], labels: NDArray[np.uint8]) -> float:
    """The factor on the scores behind a softmax's probabilities under which the labels are likeliest, over all views.

    The labels' likelihood is the mean of those that the views give.
    """
    scores = [_scores(probabilities) for probabilities in views]
    rows = np.arange(len(labels))

    def surprise(scaled: NDArray[np.float64]) -> NDArray[np.float64]:
        highest = scaled.max(axis=1)
        total = np.log(np.exp(scaled - highest[:, None]).sum(axis=1)) + highest
        return np.asarray(total - scaled[rows, labels])

    def loss(log_factor: float) -> float:
        found = [surprise(each * np.exp(log_factor)) for each in scores]
        least = np.min(found, axis=0)
        likely = np.mean([np.exp(least - each) for each in found], axis=0)  # of one view it is 1, whose logarithm is 0
        return float((least - np.log(likely)).mean())

    low, high = np.log(_LEAST), np.log(_MOST)
    for _ in range(_HALVINGS):  # the loss has one valley, so golden sections close in on its floor
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        low, high = (low, right) if loss(left) <= loss(right) else (left, high)
    return float(np.exp((low + high) / 2))


def _scores(probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
    """The scores before a softmax, but for a number that is the same for each class."""
    doubles = probabilities.astype(np.float64)
    exact = (doubles / doubles.sum(axis=1, keepdims=True)).astype(np.float32)  # they add up to one but for rounding
    return np.asarray(np.log(np.maximum(exact.astype(np.float64), 1e-38)))


def fold(model: keras.Model, factor: float) -> None:
    """Scale the last layer's weights, so that every reader of the model sees the calibrated scores."""
    output = model.get_layer("output")
    output.set_weights([(weight * np.float32(factor)) for weight in output.get_weights()])


NEGATIVES = 4000  # pictures of no digit, to tell what a threshold does
_VARIANT = 1000  # of the drawings: one that training does not use
_WORSE = 1.5  # times as bad as a refused digit is an answer where there is none


def choose_threshold(model: keras.Model, config: Config, validation: Part) -> dict[str, Any]:
    """The threshold on the highest probability, and what it does."""
    settings, processes, labels = config.data.rendering, config.training.threads, validation.labels
    assert settings
    drawings = draw_digits(validation.images, labels, settings, [_VARIANT], processes)
    nothing = draw_non_digits(validation.images, labels, settings.seed, NEGATIVES, processes, held_out=True)
    sure_digits, answers = _sure(model, drawings)
    sure_nothing, _ = _sure(model, nothing)
    right = answers == labels
    threshold = balanced_threshold(sure_digits[right], sure_nothing)
    return {
        "threshold": threshold,
        "negatives_refused": float((sure_nothing < threshold).mean()),
        "digits_refused": float((sure_digits[right] < threshold).mean()),
        "digits_right": float(right.mean()),
        "negatives": len(nothing), "digits": len(drawings),
    }  # fmt: skip


def balanced_threshold(digits: NDArray[np.float32], non_digits: NDArray[np.float32]) -> float:
    """The threshold on confidences that refuses 1.5 times as large a share of right digits as it answers of non-digits.

    A refused digit is written again; an answer where there is none is believed. With equal shares a model refused
    98.3 % of 540 letters and 14 of 18 pictures of no digit, with twice 99.4 % and 16. The next model refused as many
    with 1.5 times as with twice, and read 6 more of 800 digits in other hands. A share of the digits alone, 2 %
    at first, says how hard the drawings are: the more hands they show, the lower the threshold. Other measures than the
    highest probability (entropy, margin to the second, log-odds) were no better.
    """
    candidates = np.sort(np.concatenate([digits, non_digits]))
    refused = np.searchsorted(np.sort(digits), candidates) / len(digits)
    answered = 1 - np.searchsorted(np.sort(non_digits), candidates) / len(non_digits)
    return round(float(candidates[np.argmax(refused >= _WORSE * answered)]), 4)


def _sure(model: keras.Model, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Highest probability and answer for every image, the doubtful ones reconsidered as a prediction does."""
    scores = reconsidered(_answers(model, images), images, lambda several: _answers(model, several))
    return scores.max(axis=1), scores.argmax(axis=1)


def _answers(model: keras.Model, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The model's outputs for every image, computed without a graph of their own, which takes a second to make."""
    starts = range(0, len(images), _BATCH)
    pieces = (scale(images[at : at + _BATCH]).reshape(-1, *model.input_shape[1:]) for at in starts)
    return np.concatenate([model(piece, training=False) for piece in pieces])
