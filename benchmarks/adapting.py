"""`python -m benchmarks.adapting PLACE...`: what adapting to a hand brings: half of its pictures train, half measure.

A place is a folder of pictures labelled as for `mnist adapt`, one hand; a folder with a labels.tsv, whose column
`writer` names the hands; or an .npz of `images`, light on dark, and `labels`. --drawn adds hands that are drawn here:
on those, and on MNIST's validation images, rate and epochs are chosen.
"""

import argparse
import csv
import os
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.scoring import Grey, Sample, Score, digits
from mnist_pipeline import pipeline
from mnist_pipeline.config.recipes import parse_settings
from mnist_pipeline.data import Part
from mnist_pipeline.data.own import label_of
from mnist_pipeline.data.rendering import ink
from mnist_pipeline.data.rendering.strokes import read_alphabets, round_corners
from mnist_pipeline.errors import PictureError
from mnist_pipeline.numerals import DIGITS
from mnist_pipeline.pixels.pictures import as_png, read_grey
from mnist_pipeline.prediction.predictor import Predictor, predictor
from mnist_pipeline.prediction.shipping import run_called
from mnist_pipeline.training.adapting import adapted

_LONGEST = 1000  # pixels of a picture's longer side
_FEWEST = 8  # pictures of a hand, to train on one half and to measure on the other


class Hand(NamedTuple):
    """Pictures by one writer."""

    name: str
    samples: list[Sample]


def main() -> None:
    """Print a row for each hand."""
    options = _options()
    hands = [hand for place in options.places for hand in _hands(place)] + _drawn(options.drawn, options.seed)
    part, before = digits(options.part), predictor(options.start)
    known = _accuracy(before, part)
    print(f"| hand | trains | n | before | after | MNIST {options.part}, {known:.2%} before |\n|{' --- |' * 6}")
    settings = parse_settings(options.settings)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MNIST_ARTIFACTS"] = f"{folder}/artifacts"
        for number, hand in enumerate(hands):
            training, measured = _halves(hand.samples, options.seed)
            training = training[: options.most]
            place = Path(folder, str(number))
            place.mkdir()
            for at, sample in enumerate(training):
                (place / f"{sample.label}-{at}.png").write_bytes(as_png(sample.picture))
            config = adapted(run_called(options.start), str(place), f"hand{number}", settings)
            pipeline.train(config, progress=options.progress)
            after = predictor(config.name)
            shares = [_shares(model, measured) for model in (before, after)]
            cells = [hand.name, len(training), len(measured), *shares, f"{_accuracy(after, part) - known:+.2%}"]
            print(f"| {' | '.join(map(str, cells))} |", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.adapting", description=__doc__)
    parser.add_argument("places", nargs="*", type=Path, help="folders of pictures, or .npz files")
    parser.add_argument("--drawn", type=int, default=0, help="how many hands to draw")
    parser.add_argument("--from", dest="start", default="shipped", help="the model to adapt")
    parser.add_argument("--most", type=int, help="adapt on no more pictures of a hand than this")
    parser.add_argument("--part", choices=("validation", "test"), default="validation", help="which MNIST digits")
    parser.add_argument("--seed", type=int, default=0, help="chooses the halves, and the hands that are drawn")
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--progress", action="store_true", help="a line for each epoch")
    return parser.parse_args()


def _accuracy(model: Predictor, part: Part) -> float:
    starts = range(0, len(part), 500)
    answers = [model.probabilities(part.images[at : at + 500]).argmax(axis=1) for at in starts]
    return float((np.concatenate(answers) == part.labels).mean())


def _shares(model: Predictor, samples: Sequence[Sample]) -> str:
    """The share that is right; in brackets: right as a guess, refused, wrong."""
    found = sum((Score.of(model.predict(sample.picture), sample.label) for sample in samples), Score())
    right, *others = (
        f"{100 * share / found.n:.1f}" for share in (found.right, found.guess, found.refused, found.wrong)
    )
    return f"{right} % ({'; '.join(others)})"


def _halves(samples: Sequence[Sample], seed: int) -> tuple[list[Sample], list[Sample]]:
    """By the seed's choice half of each class to train on, the others to measure on."""
    random = np.random.default_rng(seed)
    ordered = sorted((samples[at] for at in random.permutation(len(samples))), key=lambda sample: sample.label or 0)
    halves = ordered[::2], ordered[1::2]
    return [half[at] for half in halves[:1] for at in random.permutation(len(half))], halves[1]


def _hands(place: Path) -> Iterator[Hand]:
    """The hands at a place, those with enough pictures."""
    found: dict[str, list[Sample]] = defaultdict(list)
    if place.suffix == ".npz":
        with np.load(place, allow_pickle=False) as arrays:
            pairs = zip(arrays["images"], arrays["labels"], strict=True)
            found[place.stem] = [Sample(str(at), 255 - image, int(label)) for at, (image, label) in enumerate(pairs)]
    else:
        for name, path, label in _labelled(place):
            try:
                found[name].append(Sample(path.name, read_grey(path, _LONGEST), label))
            except PictureError as error:
                raise SystemExit(str(error)) from None
    yield from (Hand(name, samples) for name, samples in found.items() if len(samples) >= _FEWEST)


def _labelled(folder: Path) -> Iterator[tuple[str, Path, int]]:
    """The writer, path and digit of each picture."""
    table = folder / "labels.tsv"
    if table.is_file():
        with table.open(encoding="utf-8") as file:
            for line in csv.DictReader(file, delimiter="\t"):
                if line["label"] in DIGITS and line.get("group", "handwritten") == "handwritten":
                    yield line["writer"], folder / line["file"], int(line["label"])
        return
    for path in sorted(folder.rglob("*.*")):
        label = label_of("-".join(path.relative_to(folder).parts), DIGITS)
        if label is not None and path.is_file():
            yield folder.name, path, label


# Hands that are drawn


def _drawn(count: int, seed: int, each: int = 12) -> list[Hand]:
    """Hands of our own, each with odd forms that it keeps, `each` pictures of a digit."""
    return [
        Hand(f"drawn {number}", [
            replace(_written(number, digit, seed, at), name=f"{digit}-{at}") for digit in range(1, 10)
            for at in range(each)
        ])
        for number in range(count)
    ]  # fmt: skip


def _written(hand: int, digit: int, seed: int, at: int) -> Sample:
    """A digit by one hand: its form, bent as this hand always bends it, and a little as it never does again."""
    habit, moment = np.random.default_rng([seed, hand, digit]), np.random.default_rng([seed, hand, digit, at])
    forms = read_alphabets()["digits"][str(digit)]
    strokes, width = [], habit.uniform(0.4, 1.1)
    for stroke in _strokes_of(forms[habit.integers(len(forms))]):
        bent = stroke + habit.normal(0, 0.11, stroke.shape) + moment.normal(0, 0.03, stroke.shape)
        strokes.append(round_corners(bent * (width, 1.0)))
    lines = ink.draw_strokes(strokes, ink.page_side(moment), moment)
    picture: Grey = ink.photograph_lines(lines, moment)
    return Sample("", picture, digit)


def _strokes_of(form: str) -> Iterator[np.ndarray]:
    corners: list[list[float]] = []
    for word in [*form.split()[1:], "~"]:
        if word not in "~-":
            corners.append([int(number) / 100 for number in word.split(",")])
        elif corners:
            yield np.array(corners)
            corners = []


if __name__ == "__main__":
    main()
