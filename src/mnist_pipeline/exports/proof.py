"""The proof that an exported file is equal to the Keras model: what it has to hold, and how both compute.

In float, labels have to be the same and scores within 1e-5; in eight bits, accuracy may fall by at most 0.10 points.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.errors import ExportError
from mnist_pipeline.exports.forms import ExportForm
from mnist_pipeline.training.backend import keras, tf

TOLERANCE = 1e-5  # of a score, for the forms in float; rounding makes those of a dense network differ by 1.3e-6
LOST = 0.001  # of the accuracy, for the forms in eight bits
_AS_GRAPH = {"autograph": False, "reduce_retracing": True}


@dataclass(frozen=True)
class Proof:
    """The comparison of one reader's scores for a file with those of Keras, over the test images."""

    reader: str
    n: int
    accuracy: float
    keras_accuracy: float
    agreement: float  # share of the images with Keras' label, ties among them
    ties: int  # images with another label, which Keras scores within the tolerance of its own: rounding decides there
    largest_difference: float  # of any score of any image

    def sentence(self) -> str:
        """The proof as a line for the user."""
        ties = f" ({self.ties} of them ties)" if self.ties else ""
        labels = f"{round(self.agreement * self.n):,} of {self.n:,} labels as Keras{ties}"
        return f"{self.reader}: {labels}, scores within {self.largest_difference:.1e}, accuracy {self.accuracy:.2%}"


@dataclass(frozen=True)
class Reference:
    """What the Keras model gives for the test images, and their labels."""

    outputs: NDArray[np.float32]  # of the model as trained; they decide on labels and ties
    probabilities: NDArray[np.float32]  # of the model with a softmax; what a form that normalises is held against
    labels: NDArray[np.uint8]

    @property
    def accuracy(self) -> float:
        """The share of the test images that the Keras model reads right."""
        return float((self.outputs.argmax(axis=1) == self.labels).mean())


def compare(form: ExportForm, reader: str, found: NDArray[np.float32], reference: Reference) -> Proof:
    """The scores of a file and of Keras for the same images, side by side."""
    expected = reference.probabilities if form.normalised else reference.outputs
    answers, as_keras = found.argmax(axis=1), reference.outputs.argmax(axis=1)
    rows = np.flatnonzero(answers != as_keras)
    ties = reference.outputs[rows, as_keras[rows]] - reference.outputs[rows, answers[rows]] <= TOLERANCE
    return Proof(
        reader=reader, n=len(reference.labels),
        accuracy=float((answers == reference.labels).mean()), keras_accuracy=reference.accuracy,
        agreement=1 - int((~ties).sum()) / len(reference.labels), ties=int(ties.sum()),
        largest_difference=float(np.abs(found - expected).max()),
    )  # fmt: skip


def require(form: ExportForm, proof: Proof) -> None:
    """Raise an ExportError where labels or scores differ in float, or too much accuracy is lost in eight bits."""
    others = round((1 - proof.agreement) * proof.n)
    if form.exact and (others or not proof.largest_difference <= TOLERANCE):
        scores = f"scores by up to {proof.largest_difference:.1e} ({proof.reader})"
        raise ExportError(f"not equal to the model: {others} of {proof.n:,} labels differ, {scores}")
    lost = round((proof.keras_accuracy - proof.accuracy) * proof.n)
    if not form.exact and lost > LOST * proof.n:
        accuracy = f"accuracy {proof.accuracy:.2%} instead of {proof.keras_accuracy:.2%} ({proof.reader})"
        raise ExportError(f"not as good as the model: {accuracy}")


class KerasRuntime:
    """A Keras model, its forward pass as one compiled graph."""

    name = "keras"

    def __init__(self, model: keras.Model) -> None:
        self._shape = model.input_shape[1:]
        self._call = tf.function(lambda images: model(images, training=False), **_AS_GRAPH)

    def prepare(self, images: NDArray[np.float32]) -> NDArray[Any]:
        """Images in 0..1 in the shape that the model takes."""
        return images.reshape(-1, *self._shape)

    def compute(self, inputs: NDArray[Any]) -> NDArray[np.float32]:
        """The model's outputs for each."""
        return np.asarray(self._call(tf.constant(inputs)).numpy(), np.float32)

    def scores(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """The model's outputs for each of (n, 28, 28) images in 0..1."""
        return self.compute(self.prepare(images))


class SavedModelRuntime(KerasRuntime):
    """A SavedModel that this package wrote; only TensorFlow reads it."""

    name = "tensorflow"

    def __init__(self, folder: Path) -> None:
        self._loaded = tf.saved_model.load(str(folder))  # kept, because its signatures die with it
        served = self._loaded.signatures["serving_default"]
        (into,) = served.structured_input_signature[1].values()
        self._shape = tuple(into.shape[1:])
        # Compiled into a graph, as a server runs it: called eagerly from Python it takes ten times as long.
        self._call = tf.function(lambda images: next(iter(served(images).values())), **_AS_GRAPH)
