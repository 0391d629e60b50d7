"""What the measurements of pictures share: which digits, how they are read as files, and the counts as a table."""

import argparse
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.data import Part, load_part, validation_indices
from mnist_pipeline.prediction.prediction import Prediction
from mnist_pipeline.prediction.predictor import Predictor

Grey = NDArray[np.uint8]
_SURE = 0.95  # a wrong answer that is more confident than this counts as surely wrong


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of every measurement."""
    parser.add_argument("--part", choices=("validation", "test"), default="validation", help="which MNIST digits")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--run", default="shipped", help="the run that answers; by default what comes with the package")
    parser.add_argument("--keep", type=Path, help="a folder for the pictures that were not read right")


def digits(part: str) -> Part:
    """The test images, or those training images that the shipped model's config keeps apart for validation."""
    if part == "test":
        return load_part("mnist", "test")
    whole = load_part("mnist", "train")
    settings = load_config("photo").data
    kept = validation_indices(whole.labels, settings.validation, settings.split_seed)
    return Part(whole.images[kept], whole.labels[kept])


@dataclass(frozen=True)
class Sample:
    """A picture, and the digit that it shows; None where it shows no digit."""

    name: str
    picture: Grey
    label: int | None


@dataclass(frozen=True)
class Score:
    """How many of n pictures were answered rightly, guessed rightly whether or not answered, refused, or wrong."""

    n: int = 0
    right: int = 0
    guess: int = 0
    refused: int = 0
    wrong: int = 0
    surely_wrong: int = 0

    def __add__(self, other: "Score") -> "Score":
        return Score(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    @classmethod
    def of(cls, answer: Prediction, label: int | None) -> "Score":
        """The score of one picture; where it shows no digit, a refusal is right."""
        refused, right = answer.digit is None, answer.digit == label
        guess = right if label is None else answer.guess == label
        wrong = not refused and not right
        return cls(1, right, guess, refused, wrong, wrong and (answer.confidence or 0) > _SURE)


def score(model: Predictor, samples: Iterable[Sample], keep: Path | None = None) -> Score:
    """The score of all samples; those without the right answer are written into `keep`, where a folder is given."""
    total = Score()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "picture.png")
        for sample in samples:
            cv2.imwrite(str(path), sample.picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])
            answer = model.predict(path)
            one = Score.of(answer, sample.label)
            total += one
            if keep and not one.right:
                _keep(keep, sample, answer)
    return total


def _keep(folder: Path, sample: Sample, answer: Prediction) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    said = f"read-{answer.digit}" if answer.digit is not None else f"refused-guess-{answer.guess}"
    cv2.imwrite(str(folder / f"{Path(sample.name).stem}-is-{sample.label}-{said}.png"), sample.picture)


HEAD = ("pictures", "n", "right", "guess", "refused", "wrong", "surely wrong")


def row(name: str, found: Score) -> str:
    """One line of a Markdown table, in percent."""
    shares = (found.right, found.guess, found.refused, found.wrong, found.surely_wrong)
    return _line([name, f"{found.n:,}", *(f"{share / max(found.n, 1):.1%}" for share in shares)])


def head() -> str:
    """The first two lines of the table."""
    return f"{_line(HEAD)}\n{_line(['---'] * len(HEAD))}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
