"""Picture files in, answers out: a run's ONNX through OpenCV, without TensorFlow."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.config.schema import Output
from mnist_pipeline.errors import PictureError, RunError
from mnist_pipeline.evaluation import normalised
from mnist_pipeline.pictures import read_grey
from mnist_pipeline.preprocess import SIDE, Invert, plain, scale
from mnist_pipeline.runs import Run, open_run


@dataclass(frozen=True)
class Prediction:
    """The answer for one picture; `digit` is None when refused, `error` says why a file could not be read."""

    image: str
    digit: int | None
    guess: int | None
    confidence: float | None
    probabilities: list[float] | None
    inverted: bool | None
    reason: str | None
    model: str
    error: str | None = None

    def tree(self) -> dict[str, Any]:
        """The answer as plain values; `error` is there only when there was one."""
        tree = asdict(self)
        if self.error is None:
            del tree["error"]
        return tree

    def sentence(self) -> str:
        """The answer as one would say it."""
        if self.error is not None:
            return self.error
        if self.digit is None:
            return f"{self.image}: no digit here ({self.reason})"
        assert self.confidence is not None
        sure = f"{self.confidence:.1%}" if self.confidence < 0.9995 else ">99.9%"
        return f"{self.image}: this is a {self.digit} ({sure} sure)"


class Predictor:
    """An ONNX model ready to answer; made once, used for any number of pictures."""

    def __init__(self, onnx: Path, name: str, output: Output) -> None:
        self.name, self._output = name, output
        try:
            self._net = cv2.dnn.readNetFromONNX(str(onnx))
        except cv2.error:
            problem = "is damaged: export the run again" if onnx.is_file() else "is missing: train the run again"
            raise RunError(f"{onnx}: the model {problem}") from None

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Ten probabilities for each of (n, 28, 28) images."""
        self._net.setInput(scale(images).reshape(-1, SIDE, SIDE, 1))
        return normalised(np.asarray(self._net.forward(), np.float32), self._output)

    def predict(self, path: str | Path, invert: Invert = "auto") -> Prediction:
        """The answer for one file; a file that cannot be read is an answer too."""
        return self.examine(path, invert)[0]

    def examine(
        self, path: str | Path, invert: Invert = "auto"
    ) -> tuple[Prediction, NDArray[np.uint8] | None, NDArray[np.uint8] | None]:
        """The answer, the grey picture, and the 28x28 pixels that the model saw."""
        try:
            grey = read_grey(path)
        except PictureError as error:
            return self._unread(path, error), None, None
        seen, inverted = plain(grey, invert)
        row = self.probabilities(seen[None])[0].astype(float)
        digit = int(row.argmax())
        answer = Prediction(
            image=str(path),
            digit=digit,
            guess=digit,
            confidence=float(row[digit]),
            probabilities=(row / row.sum()).tolist(),
            inverted=inverted,
            reason=None,
            model=self.name,
        )
        return answer, grey, seen

    def _unread(self, path: str | Path, error: PictureError) -> Prediction:
        return Prediction(
            image=str(path),
            digit=None,
            guess=None,
            confidence=None,
            probabilities=None,
            inverted=None,
            reason=None,
            model=self.name,
            error=str(error),
        )


def predict(path: str | Path, run: str | Path | Run | None = None, invert: Invert = "auto") -> Prediction:
    """The answer of a trained run, by default the last one, for one picture file."""
    return predictor(run).predict(path, invert)


def predictor(run: str | Path | Run | None = None) -> Predictor:
    """A trained run's model, by default the last one's, ready for many pictures."""
    found = open_run(run)
    return Predictor(found.onnx_file, str(found.path), found.config().model.output)
