"""A picture in, an answer out: the way to 28x28 pixels, then a model file's probability for each class.

`predictor` and `file_predictor` choose the model; a `Predictor` then answers for any number of pictures. A picture that
cannot be read, and a bug that one picture meets, is an answer that says so: the pictures after it are still answered.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.errors import MnistError, PictureError
from mnist_pipeline.numerals import DIGITS, digit_of
from mnist_pipeline.pixels.ink import Step, add
from mnist_pipeline.pixels.light import SHORTEST, Grey, Invert
from mnist_pipeline.pixels.pictures import Picture, each, name_of, read_grey
from mnist_pipeline.pixels.preprocess import LONGEST, SIDE, Seen, Strokes, as_seen, find_strokes, other_looks, plain
from mnist_pipeline.prediction.foreign import vet
from mnist_pipeline.prediction.prediction import SURE, Prediction, occlusion, overrules, reconsidered, rejudged, told
from mnist_pipeline.prediction.runtimes import BATCH, RuntimeChoice, open_runtime, output_of, probabilities
from mnist_pipeline.prediction.shipping import SHIPPED, shipped
from mnist_pipeline.runs.opening import last_trained, open_run
from mnist_pipeline.runs.run import Run
from mnist_pipeline.runs.watching import Note, ignore

if TYPE_CHECKING:
    from mnist_pipeline.config.schema import Output
    from mnist_pipeline.prediction.pages.reading import Page

Way = Literal["mnist", "plain"]
_WITH_PACKAGE = " (comes with the package)"


@dataclass
class Predictor:
    """A model file, made here or let pass by `foreign.vet`, ready to answer for any number of pictures and threads."""

    onnx: str
    name: str
    output: "Output | None" = None  # the activation of its last layer; None has it seen from what the model computes
    runtime: RuntimeChoice | None = None
    threshold: float = 0.0  # the confidence below which a picture is refused
    way: Way = "mnist"
    classes: Sequence[str] = DIGITS

    def __post_init__(self) -> None:
        self._runtime = open_runtime(Path(self.onnx), self.runtime, classes=self.classes)
        self._of_digits = tuple(self.classes) == DIGITS
        self._output = self.output or output_of(self._runtime)
        self._one_at_a_time = Lock()  # a runtime holds its input until it has computed

    @property
    def arguments(self) -> dict[str, Any]:
        """What a worker process needs to make the same predictor."""
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}

    @property
    def shipped(self) -> bool:
        """Whether it is the model that comes with the package."""
        return self.name.endswith(_WITH_PACKAGE)

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The probabilities of the classes for each of (n, 28, 28) images."""
        with self._one_at_a_time:
            return probabilities(self._runtime, images, self._output)

    def predict(self, picture: Picture, invert: Invert = "auto", *, explain: bool = False) -> Prediction:
        """The answer for one picture: a path, the bytes of a file, an open one, or an array of grey or RGB pixels.

        A picture that cannot be read is a PictureError. With `explain` the answer says which pixels it hangs on.
        """
        answer, _ = self.examine(picture, invert, explain=explain)
        if answer.error is not None:
            raise PictureError(answer.error)
        return answer

    def predict_many(
        self, pictures: Sequence[Picture | PictureError], invert: Invert = "auto", names: Sequence[str] | None = None
    ) -> list[Prediction]:
        """The answers for several pictures, each the same as alone; one that cannot be read is an answer too.

        In the place of a picture may stand why there is none; `names` are what the pictures are called in the answers.
        """
        named = names or [str(each) if isinstance(each, PictureError) else name_of(each) for each in pictures]
        return [answer for answer, _ in self._answers(pictures, invert, named)]

    def _answers(
        self, pictures: Sequence[Picture | PictureError], invert: Invert, names: Sequence[str],
        steps: list[Step] | None = None,
    ) -> "list[tuple[Prediction, _Look | None]]":  # fmt: skip
        """The answer for each picture, and the look at it that gave the answer; `steps` are for one alone."""
        looks = self._looks(pictures, invert, names, steps)
        judged = self._judged([look.seen for look in looks if isinstance(look, _Look)])
        return [self._answer(name, look, judged) for name, look in zip(names, looks, strict=True)]

    def _judged(self, seen: Sequence[Seen]) -> Iterator[list[float]]:
        """The probabilities of each that shows anything; of a doubtful one, their mean over others like it."""
        if images := [one.pixels for one in seen if one.pixels is not None]:
            rows = self._rows(np.stack(images))
            for at in np.flatnonzero(rows.max(axis=1) < SURE) if self.threshold else ():
                rows[at] = reconsidered(rows[[at]], images[at][np.newaxis], self.probabilities)[0]
            yield from told(rows)

    def _rows(self, images: Grey) -> NDArray[np.float32]:
        """The probabilities for each of (n, 28, 28) images, to the bit those that it has alone."""
        if len(images) < 2 or not self._together:
            return np.concatenate([self.probabilities(images[[at]]) for at in range(len(images))])
        batches = np.zeros((-(-len(images) // BATCH), BATCH, SIDE, SIDE), np.uint8)
        batches.reshape(-1, SIDE, SIDE)[: len(images)] = images  # always as many: what comes together may not matter
        return np.concatenate([self.probabilities(batch) for batch in batches])[: len(images)]

    @cached_property
    def _together(self) -> bool:
        """Whether the model computes for many images together, to the bit, what it does for each alone.

        The model that comes does in ONNX Runtime, and takes 15 % less time for it; most dense ones do not.
        """
        if self.runtime != "quickest" or self._runtime.batch < BATCH:
            return False
        noise = np.random.default_rng(0).integers(0, 256, (BATCH, SIDE, SIDE), np.uint8)
        alone = np.concatenate([self.probabilities(image[np.newaxis]) for image in noise])
        return all((self.probabilities(noise[::way]) == alone[::way]).all() for way in (1, -1))

    def examine(
        self, picture: Picture, invert: Invert = "auto", *, explain: bool = False
    ) -> tuple[Prediction, list[Step]]:
        """The answer, which may be that the picture cannot be read, and each step to the 28x28 that the model saw."""
        ((answer, look),) = self._answers([picture], invert, [name_of(picture)], [])
        if look is None:
            return answer, []
        steps, pixels = look.steps, look.seen.pixels
        if pixels is not None:
            steps.append(("as the model saw it, 28 × 28", pixels))
            if explain and answer.guess is not None:
                answer = replace(answer, explanation=occlusion(pixels, answer.guess, self.probabilities))
        return answer, steps

    def read_page(self, picture: Picture, invert: Invert = "auto") -> "Page":
        """Every digit on a page, line by line; a picture that cannot be read is a PictureError."""
        from mnist_pipeline.prediction.pages.reading import read_page

        require_letters(self.classes)
        page = read_page(picture, self, invert)
        if page.error is not None:
            raise PictureError(page.error)
        return page

    def unread(self, name: str, error: object) -> Prediction:
        """The answer for a picture that cannot be read, for the reason given."""
        return Prediction(name, model=self.name, error=str(error))

    def _looks(
        self, pictures: Sequence[Picture | PictureError], invert: Invert, names: Sequence[str],
        steps: list[Step] | None = None,
    ) -> "list[_Look | PictureError]":  # fmt: skip
        """The look at each picture; `steps` are for one alone.

        In rounds, because what is done again and again stays in the processor's caches: a picture of MNIST's took
        770 us with each answered before the next was read, and 540 with the network in a round of its own; rounds for
        reading and for the strokes save 60 and 15 of these.
        """
        greys = each(_read, pictures, names)
        strokes = each(lambda grey, _: self._strokes(grey, invert, steps), greys, names)
        seen = each(_fitted, strokes, names)
        return [
            one if isinstance(one, PictureError) else _Look(_if_small(grey), invert, one, steps or [])
            for grey, one in zip(greys, seen, strict=True)
        ]

    def _strokes(self, grey: Grey, invert: Invert, steps: list[Step] | None) -> Strokes | Seen:
        add(steps, f"as given, {grey.shape[1]} × {grey.shape[0]}", grey)
        return find_strokes(grey, invert, steps) if self.way == "mnist" else Seen(*plain(grey, invert))

    def _answer(
        self, name: str, look: "_Look | PictureError", judged: Iterator[list[float]]
    ) -> "tuple[Prediction, _Look | None]":
        """The answer for a picture, and the look at it that gave the answer."""
        if isinstance(look, PictureError):
            return self.unread(name, look), None
        first = best = self._of_seen(name, look.seen, judged)
        if look.small is None or first.is_settled or not self.threshold or self.way != "mnist":
            return first, look
        chosen = look
        for seen, steps in other_looks(look.small, look.invert, look.seen.inverted, first.label is not None):
            rows = [] if seen.pixels is None else told(rejudged(seen.pixels, first, self.probabilities))
            other = self._of_seen(name, seen, iter(rows))
            if overrules(other, first, best, self.threshold):
                best, chosen = other, look._replace(seen=seen, steps=look.steps[:1] + steps)
        return best, chosen

    def _of_seen(self, name: str, seen: Seen, judged: Iterator[list[float]]) -> Prediction:
        """The answer about what was seen; where that is anything, its probabilities are the next of those judged."""
        if seen.pixels is None:
            return Prediction(name, inverted=seen.inverted, reason=seen.reason, model=self.name)
        shares = next(judged)
        confidence = max(shares)
        guess = shares.index(confidence)
        # Other things than digits may be made of several shapes.
        several = seen.reason if self._of_digits else None
        reason = several or ("it looks like none of them" if confidence < self.threshold else None)
        nearest = self.classes[guess]
        label = nearest if reason is None else None
        digit = None if label is None else digit_of(label)
        return Prediction(name, digit, label, guess, nearest, confidence, shares, seen.inverted, reason, self.name)


class _Look(NamedTuple):
    """A picture as it was looked at: what was seen of it, and in which steps."""

    small: Grey | None  # the picture, if it is so small that it may be looked at in other ways
    invert: Invert
    seen: Seen
    steps: list[Step]


def _read(picture: Picture, name: str) -> Grey:
    return read_grey(picture, LONGEST, name)


def _fitted(found: Strokes | Seen, _: str) -> Seen:
    return as_seen(found) if isinstance(found, Strokes) else found


def _if_small(grey: Grey | PictureError) -> Grey | None:
    return None if isinstance(grey, PictureError) or max(grey.shape) >= SHORTEST else grey


def predict(
    picture: Picture, run: str | Path | Run | None = None, invert: Invert = "auto", *, explain: bool = False
) -> Prediction:
    """The answer of a trained run for one picture: of the last one by default, of the shipped model if none is.

    A picture is a path, the bytes of a file, an open one, or an array of grey or RGB pixels.
    """
    return predictor(run).predict(picture, invert, explain=explain)


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
    return Predictor(str(path), facts["name"] + _WITH_PACKAGE, "softmax", runtime, facts["refusal"]["threshold"], way)


def _of_run(run: Run, runtime: RuntimeChoice | None, way: Way) -> Predictor:
    vet(run.onnx_file, runtime)
    scores = run.scores()
    return Predictor(str(run.onnx_file), str(run.path), scores.output, runtime, run.threshold(), way, scores.classes)


def file_predictor(model: str | Path, runtime: RuntimeChoice | None = None, way: Way = "mnist") -> Predictor:
    """An exported file, ready for many pictures; whether it ends in a softmax is seen from what it computes.

    A file in the export/ folder of its run refuses what the run refuses, and knows its classes; any other file refuses
    nothing, and is taken for one of ten digits.
    """
    path = Path(model)
    vet(path, runtime)
    run = home_of(path)
    threshold, classes = (run.threshold(), classes_of(run)) if run else (0.0, DIGITS)
    return Predictor(str(path), str(model), None, runtime, threshold, way, classes)


def require_letters(classes: Sequence[str]) -> None:
    """Refuse to read a page where a class is more than a character: its text would run into one."""
    if words := [name for name in classes if len(name) > 1]:
        raise MnistError(f"pages are read by models of digits and letters, and this one knows {words[0]!r}")


def home_of(path: Path) -> Run | None:
    """The run from which a model file was exported: that in whose export/ folder it lies."""
    run = Run(path.resolve().parent.parent)
    return run if path.resolve().parent == run.exports else None


def classes_of(run: Run) -> tuple[str, ...]:
    """The classes of a run; of the shipped model's exports, beside which there is no config, the digits."""
    return DIGITS if run.state == "new" else run.classes
