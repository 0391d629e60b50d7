"""Picture files in, answers out: a run's ONNX through OpenCV, without TensorFlow."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.errors import PictureError
from mnist_pipeline.evaluation import normalised
from mnist_pipeline.pictures import read_grey
from mnist_pipeline.preprocess import Invert, Seen, mnist, scale
from mnist_pipeline.runs import Run, open_run
from mnist_pipeline.runtimes import Name, open_runtime, output_of, quickest

if TYPE_CHECKING:
    from mnist_pipeline.config.schema import Output

LONGEST = 1000  # pixels of a picture's longer side: enough for a single digit


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
        tree = dict(vars(self))
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
    """A model file ready to answer; made once, used for any number of pictures."""

    def __init__(self, onnx: str | Path, name: str, output: "Output", runtime: Name | None = None) -> None:
        self.arguments = {"onnx": str(onnx), "name": name, "output": output}  # enough to make it again elsewhere
        self.name, self._output = name, output
        self.for_many = runtime or quickest(Path(onnx))
        self._runtime = open_runtime(Path(onnx), runtime)

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Ten probabilities for each of (n, 28, 28) images."""
        return normalised(self._runtime.scores(scale(images)), self._output)

    def predict(self, path: str | Path, invert: Invert = "auto") -> Prediction:
        """The answer for one file; a file that cannot be read is an answer too."""
        return self.examine(path, invert)[0]

    def predict_many(self, paths: Sequence[str | Path], invert: Invert = "auto") -> list[Prediction]:
        """The answers for several files, which the model looks at together."""
        seen = [
            mnist(grey, invert) if not isinstance(grey, PictureError) else grey
            for grey in [_read(path) for path in paths]
        ]
        pixels = [one.pixels for one in seen if isinstance(one, Seen) and one.pixels is not None]
        rows = self._rows(np.stack(pixels)) if pixels else iter(())
        return [self._answer(path, one, rows) for path, one in zip(paths, seen, strict=True)]

    def examine(
        self, path: str | Path, invert: Invert = "auto"
    ) -> tuple[Prediction, NDArray[np.uint8] | None, NDArray[np.uint8] | None]:
        """The answer, the grey picture, and the 28x28 pixels that the model saw."""
        try:
            grey = read_grey(path, LONGEST)
        except PictureError as error:
            return self.unread(path, error), None, None
        seen = mnist(grey, invert)
        rows = iter(()) if seen.pixels is None else self._rows(seen.pixels[None])
        return self._answer(path, seen, rows), grey, seen.pixels

    def _rows(self, images: NDArray[np.uint8]) -> Iterator[list[float]]:
        rows = self.probabilities(images).astype(float)
        return iter((rows / rows.sum(axis=1, keepdims=True)).tolist())

    def _answer(self, path: str | Path, seen: Seen | PictureError, rows: Iterator[list[float]]) -> Prediction:
        """The answer for what was seen; the next row is its, when there was something for the model to see."""
        if isinstance(seen, PictureError):
            return self.unread(path, seen)
        row = None if seen.pixels is None else next(rows)
        guess = None if row is None else row.index(max(row))
        return Prediction(
            image=str(path),
            digit=guess if seen.reason is None else None,
            guess=guess,
            confidence=None if row is None else max(row),
            probabilities=row,
            inverted=seen.inverted,
            reason=seen.reason,
            model=self.name,
        )

    def unread(self, path: str | Path, error: object) -> Prediction:
        """The answer for a file that cannot be read, for the reason given."""
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


def _read(path: str | Path) -> NDArray[np.uint8] | PictureError:
    try:
        return read_grey(path, LONGEST)
    except PictureError as error:
        return error


def predict(path: str | Path, run: str | Path | Run | None = None, invert: Invert = "auto") -> Prediction:
    """The answer of a trained run, by default the last one, for one picture file."""
    return predictor(run).predict(path, invert)


def predictor(run: str | Path | Run | None = None, runtime: Name | None = None) -> Predictor:
    """A trained run's model, by default the last one's, ready for many pictures."""
    found = open_run(run)
    return Predictor(found.onnx_file, str(found.path), found.output(), runtime)


def file_predictor(model: str | Path, runtime: Name | None = None) -> Predictor:
    """An exported file, ready for many pictures; what its scores are is seen from the file itself."""
    opened = open_runtime(Path(model), runtime, foreign=True)
    return Predictor(model, str(model), output_of(opened), runtime)
