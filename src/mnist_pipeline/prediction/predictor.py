"""A picture file in, an answer out: the way to 28x28 pixels, then a model file's ten probabilities.

`predictor` and `file_predictor` choose the model; a `Predictor` then answers for any number of pictures. A picture that
cannot be read, and a bug that one picture meets, is an answer that says so: the pictures after it are still answered.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.errors import PictureError
from mnist_pipeline.numerals import sure
from mnist_pipeline.pixels.pictures import read_grey, unforeseen
from mnist_pipeline.pixels.preprocess import Invert, Seen, Step, find_digit, plain
from mnist_pipeline.prediction.foreign import vet
from mnist_pipeline.prediction.runtimes import RuntimeChoice, open_runtime, output_of, probabilities
from mnist_pipeline.prediction.shipping import SHIPPED, shipped
from mnist_pipeline.runs.opening import last_trained, open_run
from mnist_pipeline.runs.run import Run
from mnist_pipeline.runs.watching import Note, ignore

if TYPE_CHECKING:
    from mnist_pipeline.config.schema import Output

Way = Literal["mnist", "plain"]
_WITH_PACKAGE = " (comes with the package)"
_UNLIKE = "it looks like none of them"
_LONGEST = 1000  # pixels of a picture's longer side: enough for a single digit


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
    """A model file, made here or let pass by `foreign.vet`, ready to answer for any number of pictures."""

    def __init__(
        self,
        onnx: str | Path,
        name: str,
        output: "Output | None" = None,
        runtime: RuntimeChoice | None = None,
        threshold: float = 0.0,
        way: Way = "mnist",
    ) -> None:
        self._runtime = open_runtime(Path(onnx), runtime)
        self._output = output or output_of(self._runtime)
        self.name, self.threshold, self._way = name, threshold, way
        # What a worker process needs to make the same predictor.
        self.arguments = {
            "onnx": str(onnx), "name": name, "output": self._output, "runtime": runtime, "threshold": threshold,
            "way": way,
        }  # fmt: skip

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
        # In two rounds: looking and answering one by one takes 1.4 times as long, 770 us a picture of MNIST's, not 540.
        seen = [self._look(path, invert, []) for path in paths]
        return [self._answer(path, one) for path, one in zip(paths, seen, strict=True)]

    def examine(self, path: str | Path, invert: Invert = "auto") -> tuple[Prediction, list[Step]]:
        """The answer, and each step from the picture to the 28x28 pixels that the model saw."""
        steps: list[Step] = []
        seen = self._look(path, invert, steps)
        answer = self._answer(path, seen)
        if isinstance(seen, Seen) and seen.pixels is not None:
            steps.append(("as the model saw it, 28 × 28", seen.pixels))
        return answer, steps

    def unread(self, path: str | Path, error: object) -> Prediction:
        """The answer for a file that cannot be read, for the reason given."""
        return Prediction(str(path), None, None, None, None, None, None, self.name, str(error))

    def _look(self, path: str | Path, invert: Invert, steps: list[Step]) -> Seen | PictureError:
        try:
            grey = read_grey(path, _LONGEST)
            height, width = grey.shape
            steps.append((f"as given, {width} × {height}", grey))
            return find_digit(grey, invert, steps) if self._way == "mnist" else Seen(*plain(grey, invert))
        except PictureError as error:
            return error
        except Exception as error:
            return unforeseen(path, error)

    def _answer(self, path: str | Path, seen: Seen | PictureError) -> Prediction:
        if isinstance(seen, PictureError):
            return self.unread(path, seen)
        if seen.pixels is None:
            return Prediction(str(path), None, None, None, None, seen.inverted, seen.reason, self.name)
        # One image at a time: which pictures come together depends on the clock, and a batch of another size can change
        # the last bits of a probability. It costs nothing.
        row = self.probabilities(seen.pixels[np.newaxis])[0].astype(float)
        shares = [_seven_digits(share) for share in (row / row.sum()).tolist()]
        confidence = max(shares)
        guess = shares.index(confidence)
        reason = seen.reason or (_UNLIKE if confidence < self.threshold else None)
        digit = guess if reason is None else None
        return Prediction(str(path), digit, guess, confidence, shares, seen.inverted, reason, self.name)


def _seven_digits(share: float) -> float:
    """A share without the digits that a float32 does not have; below 1e-15 there are fewer still."""
    return float(f"{share:.7g}") if share >= 1e-15 else round(share, 21)


def predict(path: str | Path, run: str | Path | Run | None = None, invert: Invert = "auto") -> Prediction:
    """The answer of a trained run for one picture file: of the last one by default, of the shipped model if none is."""
    return predictor(run).predict(path, invert)


def predictor(
    run: str | Path | Run | None = None, runtime: RuntimeChoice | None = None, way: Way = "mnist", note: Note = ignore
) -> Predictor:
    """A trained run's model, ready for many pictures: by default the last one's, the shipped one if none is trained.

    Runs that cannot be read are passed over on the way to the last one; `note` is told which.
    """
    if run is None:
        # Opened as any run can be: that a runtime of another name does not read it is no fault of the run's.
        last = last_trained(lambda found: (found, _of_run(found, None, way)), note)
        if last is not None:
            return last[1] if runtime is None else _of_run(last[0], runtime, way)
    elif run != SHIPPED:
        return _of_run(open_run(run), runtime, way)
    path, facts = shipped()
    return Predictor(path, facts["name"] + _WITH_PACKAGE, "softmax", runtime, facts["refusal"]["threshold"], way)


def _of_run(run: Run, runtime: RuntimeChoice | None, way: Way) -> Predictor:
    vet(run.onnx_file, runtime)
    return Predictor(run.onnx_file, str(run.path), run.output(), runtime, run.threshold(), way)


def file_predictor(model: str | Path, runtime: RuntimeChoice | None = None, way: Way = "mnist") -> Predictor:
    """An exported file, ready for many pictures; whether it ends in a softmax is seen from what it computes.

    A file in the export/ folder of its run refuses what the run refuses; any other refuses nothing.
    """
    path = Path(model)
    vet(path, runtime)
    run = Run(path.resolve().parent.parent)
    threshold = run.threshold() if path.resolve().parent == run.exports else 0.0
    return Predictor(path, str(model), None, runtime, threshold, way)
