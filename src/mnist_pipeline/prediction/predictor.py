"""Picture files in, answers out: the way to 28x28, then a model file, without TensorFlow."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.errors import PictureError
from mnist_pipeline.numerals import sure
from mnist_pipeline.pixels.pictures import read_grey, unforeseen
from mnist_pipeline.pixels.preprocess import Invert, Seen, Step, find_digit, plain
from mnist_pipeline.prediction.runtimes import Choice, made_here, open_runtime, output_of, probabilities
from mnist_pipeline.prediction.shipped import shipped
from mnist_pipeline.runs.opening import last_trained, open_run
from mnist_pipeline.runs.run import Run
from mnist_pipeline.runs.watching import Note, ignore

if TYPE_CHECKING:
    from mnist_pipeline.config.schema import Output

Way = Literal["mnist", "plain"]
SHIPPED = "shipped"  # the run that nobody has to train
UNLIKE = "it looks like none of them"
_WITH_PACKAGE = " (comes with the package)"
_DIGITS = 7  # of a float32
_TENS = 10.0 ** np.arange(23)  # those that are exact, so that what is divided by them has no more digits
_SMALL = 1e-15  # what is less has fewer digits
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
            guess = "" if self.guess is None else f"; the nearest is {self.guess}"
            return f"{self.image}: no digit here ({self.reason}{guess})"
        assert self.confidence is not None
        article = "an" if self.digit == 8 else "a"
        return f"{self.image}: this is {article} {self.digit} ({sure(self.confidence)} sure)"


class Predictor:
    """A model file ready to answer; made once, used for any number of pictures."""

    def __init__(
        self,
        onnx: str | Path,
        name: str,
        output: "Output",
        runtime: Choice | None = None,
        threshold: float = 0.0,
        way: Way = "mnist",
        *,
        foreign: bool = False,
    ) -> None:
        # Enough to make it again in another process.
        self.arguments = {
            "onnx": str(onnx), "name": name, "output": output, "runtime": runtime, "threshold": threshold, "way": way,
        }  # fmt: skip
        self.name, self.threshold, self._output, self._way = name, threshold, output, way
        self._runtime = open_runtime(Path(onnx), runtime, foreign=foreign)

    @property
    def shipped(self) -> bool:
        """Whether it is the model that comes with the package."""
        return self.name.endswith(_WITH_PACKAGE)

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Ten probabilities for each of (n, 28, 28) images."""
        return probabilities(self._runtime, images, self._output)

    def predict(self, path: str | Path, invert: Invert = "auto") -> Prediction:
        """The answer for one file; a file that cannot be read is an answer too."""
        return self.predict_many([path], invert)[0]

    def predict_many(self, paths: Sequence[str | Path], invert: Invert = "auto") -> list[Prediction]:
        """The answers for several files, each the same as alone."""
        return self._answers(paths, [self._look(path, invert, []) for path in paths])

    def examine(self, path: str | Path, invert: Invert = "auto") -> tuple[Prediction, list[Step]]:
        """The answer, and each step from the picture to the 28x28 pixels that the model saw."""
        steps: list[Step] = []
        seen = self._look(path, invert, steps)
        answer = self._answers([path], [seen])[0]
        if isinstance(seen, Seen) and seen.pixels is not None:
            steps.append(("as the model saw it, 28 × 28", seen.pixels))
        return answer, steps

    def _look(self, path: str | Path, invert: Invert, steps: list[Step]) -> Seen | PictureError:
        try:
            grey = read_grey(path, LONGEST)
            height, width = grey.shape
            steps.append((f"as given, {width} × {height}", grey))
            return find_digit(grey, invert, steps) if self._way == "mnist" else Seen(*plain(grey, invert))
        except PictureError as error:
            return error
        except Exception as error:
            return unforeseen(path, error)

    def _answers(self, paths: Sequence[str | Path], seen: Sequence[Seen | PictureError]) -> list[Prediction]:
        # One at a time: how many come together is the clock's choice, which must change no bit, and costs nothing.
        pixels = [one.pixels[np.newaxis] for one in seen if isinstance(one, Seen) and one.pixels is not None]
        rows = self._rows([self.probabilities(image) for image in pixels]) if pixels else iter(())
        return [self._answer(path, one, rows) for path, one in zip(paths, seen, strict=True)]

    def _rows(self, found: list[NDArray[np.float32]]) -> Iterator[list[float]]:
        rows = np.concatenate(found).astype(float)
        return iter(_rounded(rows / rows.sum(axis=1, keepdims=True)).tolist())

    def _answer(self, path: str | Path, seen: Seen | PictureError, rows: Iterator[list[float]]) -> Prediction:
        """The answer for what was seen; the next row is its, when there was something for the model to see."""
        if isinstance(seen, PictureError):
            return self.unread(path, seen)
        if seen.pixels is None:
            return Prediction(str(path), None, None, None, None, seen.inverted, seen.reason, self.name)
        row = next(rows)
        confidence = max(row)
        guess = row.index(confidence)
        reason = seen.reason or (UNLIKE if confidence < self.threshold else None)
        return Prediction(
            image=str(path),
            digit=guess if reason is None else None,
            guess=guess,
            confidence=confidence,
            probabilities=row,
            inverted=seen.inverted,
            reason=reason,
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


def _rounded(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """To as many digits as were computed: more say nothing, and take longer to write and to read."""
    tens = _TENS[_DIGITS - 1 - np.floor(np.log10(np.maximum(shares, _SMALL))).astype(int)]
    rounded: NDArray[np.float64] = np.round(shares * tens) / tens
    return rounded


def predict(path: str | Path, run: str | Path | Run | None = None, invert: Invert = "auto") -> Prediction:
    """The answer for one picture file: of a trained run, by default the last one, or else of the shipped model."""
    return predictor(run).predict(path, invert)


def predictor(
    run: str | Path | Run | None = None, runtime: Choice | None = None, way: Way = "mnist", note: Note = ignore
) -> Predictor:
    """A trained run's model, by default the last one's, ready for many pictures; the shipped one if none is trained.

    Runs that cannot be read are passed over on the way to the last one; `note` is told which.
    """
    if run is None:
        # Opened as any run can be: that a runtime of another name does not read it is no fault of the run's.
        last = last_trained(lambda found: (found, _of_run(found, None, way)), note)
        if last is not None:
            return last[1] if runtime is None else _of_run(last[0], runtime, way)
    elif run != SHIPPED:
        return _of_run(open_run(run), runtime, way)
    model = shipped()
    return Predictor(model.path, model.name + _WITH_PACKAGE, "softmax", runtime, model.threshold, way)


def _of_run(run: Run, runtime: Choice | None, way: Way) -> Predictor:
    foreign = not made_here(run.onnx_file)
    return Predictor(run.onnx_file, str(run.path), run.output(), runtime, run.threshold(), way, foreign=foreign)


def file_predictor(model: str | Path, runtime: Choice | None = None, way: Way = "mnist") -> Predictor:
    """An exported file, ready for many pictures; what its scores are is seen from the file itself.

    Where it lies in its run's export/, it refuses what the run refuses.
    """
    opened = open_runtime(Path(model), runtime, foreign=not made_here(Path(model)))
    run = Run(Path(model).resolve().parent.parent)
    threshold = run.threshold() if Path(model).resolve().parent == run.exports else 0.0
    return Predictor(model, str(model), output_of(opened), runtime, threshold, way)
