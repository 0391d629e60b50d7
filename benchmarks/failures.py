"""`python -m benchmarks.failures SHEET.png`: the ten worst answers to MNIST digits written on paper and spoilt.

A wrong answer is the worse the surer it is; a refused picture is worse than another where its nearest digit is wrong.
A digit is shown once, as it was spoilt worst, and of each way at most two digits, so that no cause fills the sheet.
"""

import argparse
import tempfile
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from benchmarks.scoring import Grey, Sample, Score, add_options, digits
from benchmarks.spoiling import WAYS
from benchmarks.spoilt import on_paper, spoilt
from mnist_pipeline.prediction.prediction import Prediction
from mnist_pipeline.prediction.predictor import Predictor, predictor

_SHOWN, _OF_A_WAY = 10, 2
_CELL, _ROOM = 220, 44  # pixels: a picture's square, and the words below it


class Failure(NamedTuple):
    """A picture that was not read right, and how bad that is."""

    badness: float
    way: str
    sample: Sample
    answer: Prediction
    pixels: Grey | None  # what the model saw


def main() -> None:
    """Write the sheet, and print a line for each of its pictures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.failures", description=__doc__)
    parser.add_argument("sheet", type=Path, help="the picture to write")
    parser.add_argument("--digits", type=int, default=200, help="how many digits are spoilt in each way")
    add_options(parser)
    options = parser.parse_args()
    model = predictor(options.run)
    known = list(on_paper(digits(options.part), options.digits, options.seed))
    samples = ((way, sample) for way in WAYS for sample in spoilt(known, way, options.seed))
    worst = _chosen([failure for way, sample in samples if (failure := failed(model, way, sample))])
    cv2.imwrite(str(options.sheet), sheet(worst))
    for number, failure in enumerate(worst, 1):
        print(f"{number:2}. {failure.way}: {failure.sample.name}, {_said(failure)}")


def _chosen(failures: list[Failure]) -> list[Failure]:
    """The worst failure of each digit, the worst of all first, no more of a way than are shown of one."""
    once = {one.sample.name: one for one in sorted(failures, key=lambda failure: failure.badness)}  # the last one stays
    chosen: list[Failure] = []
    for one in sorted(once.values(), key=lambda failure: -failure.badness):
        if [other.way for other in chosen].count(one.way) < _OF_A_WAY:
            chosen.append(one)
    return chosen[:_SHOWN]


def failed(model: Predictor, way: str, sample: Sample) -> Failure | None:
    """What went wrong with a picture, if anything did."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "picture.png")
        cv2.imwrite(str(path), sample.picture)
        answer, steps = model.examine(path)
    one = Score.of(answer, sample.label)
    if one.right:
        return None
    badness = one.wrong * (1 + (answer.confidence or 0)) + one.refused * (1 - one.guess)
    return Failure(badness, way, sample, answer, None if answer.guess is None else steps[-1][1])


def sheet(failures: list[Failure]) -> Grey:
    """The pictures in rows of five: each as given, with what the model saw in its corner, and words below."""
    cells = [_cell(failure) for failure in failures]
    cells += [np.full_like(cells[0], 255)] * (-len(cells) % 5)
    return np.vstack([np.hstack(cells[at : at + 5]) for at in range(0, len(cells), 5)])


def _cell(failure: Failure) -> Grey:
    cell = np.full((_CELL + _ROOM, _CELL), 255, np.uint8)
    picture = failure.sample.picture
    by = (_CELL - 8) / max(picture.shape)
    way = cv2.INTER_AREA if by < 1 else cv2.INTER_NEAREST
    shown = cv2.resize(picture, None, fx=by, fy=by, interpolation=way)
    cell[4 : 4 + shown.shape[0], 4 : 4 + shown.shape[1]] = shown
    if failure.pixels is not None:
        seen = cv2.resize(failure.pixels, (56, 56), interpolation=cv2.INTER_NEAREST)
        cell[_CELL - 62 : _CELL - 2, _CELL - 62 : _CELL - 2] = np.pad(seen, 2, constant_values=128)
    for line, words in enumerate((failure.way, _said(failure))):
        place = (6, _CELL + 16 + 18 * line)
        cv2.putText(cell, words, place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, 0, 1, cv2.LINE_AA)
    return cell


def _said(failure: Failure) -> str:
    answer = failure.answer
    if answer.digit is not None:
        return f"{failure.sample.label} read as {answer.digit}, {answer.confidence or 0:.1%}"
    nearest = "nothing found" if answer.guess is None else f"nearest {answer.guess}"
    return f"{failure.sample.label} refused, {nearest}"


if __name__ == "__main__":
    main()
