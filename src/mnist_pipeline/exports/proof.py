"""Keras and SavedModel as runtimes: what every other one is held against."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.errors import ExportError
from mnist_pipeline.exports.forms import ExportForm
from mnist_pipeline.training.backend import keras, tf


class KerasRuntime:
    """A Keras model, its forward pass as one compiled graph."""

    name = "keras"

    def __init__(self, model: keras.Model) -> None:
        self._shape = model.input_shape[1:]
        self._call = tf.function(lambda images: model(images, training=False), autograph=False, reduce_retracing=True)

    def prepare(self, images: NDArray[np.float32]) -> NDArray[Any]:
        """Images in 0..1 in the shape that the model takes."""
        return images.reshape(-1, *self._shape)

    def compute(self, inputs: NDArray[Any]) -> NDArray[np.float32]:
        """The model's ten outputs for each."""
        return np.asarray(self._call(tf.constant(inputs)).numpy(), np.float32)

    def scores(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """The model's ten outputs for each of (n, 28, 28) images in 0..1."""
        return self.compute(self.prepare(images))


class SavedModelRuntime(KerasRuntime):
    """A SavedModel of our own making; TensorFlow alone reads it."""

    name = "tensorflow"

    def __init__(self, folder: Path) -> None:
        self._loaded = tf.saved_model.load(str(folder))  # kept: what it serves lives as long as it does
        served = self._loaded.signatures["serving_default"]
        (into,) = served.structured_input_signature[1].values()
        self._shape = tuple(into.shape[1:])
        # As a graph, like a server calls it; called from Python it takes ten times as long.
        self._call = tf.function(
            lambda images: next(iter(served(images).values())), autograph=False, reduce_retracing=True
        )


TOLERANCE = 1e-5  # of a score, for the forms in float
LOST = 0.001  # of the accuracy, for those in eight bits


@dataclass(frozen=True)
class Proof:
    """What one reader of a file gave, beside Keras."""

    reader: str
    n: int
    accuracy: float
    keras_accuracy: float
    agreement: float
    """Share of the images that got Keras' label, ties among them."""
    ties: int
    """Images that got another label, which Keras scores within the tolerance of its own: rounding decides there."""
    largest_difference: float
    """Of any score of any image."""

    def tree(self) -> dict[str, Any]:
        """The proof as plain values."""
        return asdict(self)

    def sentence(self) -> str:
        """The proof in half a line."""
        same = round(self.agreement * self.n)
        text = f"{self.reader}: {same:,} of {self.n:,} labels as Keras"
        text += f" ({self.ties} of them ties)" if self.ties else ""
        return f"{text}, scores within {self.largest_difference:.1e}, accuracy {self.accuracy:.2%}"


@dataclass(frozen=True)
class Keras:
    """What the Keras model gives for the test images, and their labels."""

    outputs: NDArray[np.float32]
    """As evaluated; they decide on labels and ties."""
    probabilities: NDArray[np.float32]
    """The softmax of what lies behind the outputs: what a form that normalises is held against."""
    labels: NDArray[np.uint8]


def compare(form: ExportForm, reader: str, found: NDArray[np.float32], keras: Keras) -> Proof:
    """Scores of a file and of Keras for the same images, side by side."""
    expected = keras.probabilities if form.normalised else keras.outputs
    answers, as_keras = found.argmax(axis=1), keras.outputs.argmax(axis=1)
    rows = np.flatnonzero(answers != as_keras)
    ties = keras.outputs[rows, as_keras[rows]] - keras.outputs[rows, answers[rows]] <= TOLERANCE
    return Proof(
        reader=reader,
        n=len(keras.labels),
        accuracy=float((answers == keras.labels).mean()),
        keras_accuracy=float((as_keras == keras.labels).mean()),
        agreement=1 - int((~ties).sum()) / len(keras.labels),
        ties=int(ties.sum()),
        largest_difference=float(np.abs(found - expected).max()),
    )


def require(form: ExportForm, proof: Proof) -> None:
    """Refuse what does not hold: equal labels and scores in float, no more than the loss allowed in eight bits."""
    others = round((1 - proof.agreement) * proof.n)
    if form.exact and (others or not proof.largest_difference <= TOLERANCE):
        raise ExportError(
            f"{form.name}: not equal to the model, so it is not kept: {others} of {proof.n:,} labels differ, scores by "
            f"up to {proof.largest_difference:.1e} ({proof.reader})"
        )
    lost = round((proof.keras_accuracy - proof.accuracy) * proof.n)
    if not form.exact and lost > LOST * proof.n:
        raise ExportError(
            f"{form.name}: not as good as the model, so it is not kept: accuracy {proof.accuracy:.2%} instead of "
            f"{proof.keras_accuracy:.2%} ({proof.reader})"
        )
