"""Answers in the order of the files: alone for a moment, which mostly is enough, then with a crew."""

import math
import time
from collections.abc import Generator, Iterable, Iterator, Sized
from contextlib import closing
from itertools import chain, islice
from pathlib import Path

from mnist_pipeline.bulk.chunks import Ahead, answered, gathered
from mnist_pipeline.finding import Found, find
from mnist_pipeline.pixels.preprocess import Invert
from mnist_pipeline.prediction import Prediction, Predictor, predictor
from mnist_pipeline.process import cores
from mnist_pipeline.runs.run import Run

ALONE = 0.2  # seconds of work, after which a crew is called: until it is there takes about as long
_WAITING = 2  # times as much, for which it is called at once
_KNOWN = 8  # pictures, after which it is known how long one takes
_AT_A_TIME = 0.06  # seconds of work for an answer of the crew: with more, one would wait for the other at the end
_TOGETHER = 64  # pictures at most in an answer of the crew: more are no quicker
FEW = 250  # pictures: for no more, ONNX Runtime takes longer to start than it saves


def are_many(words: Iterable[str]) -> bool:
    """Whether the words of a command mean more than a few files, which decides what computes all of its answers.

    Seen before the first answer and from the command alone, never from the clock: two runtimes differ in the last of
    seven digits. A list on stdin, whose length nobody knows before its end, counts as many.
    """
    return "-" in (words := list(words)) or sum(1 for _ in islice(find(words), FEW + 1)) > FEW


def predict_many(
    paths: Iterable[str | Path], run: str | Path | Run | None = None, invert: Invert = "auto"
) -> Iterator[Prediction]:
    """The answers of a trained run, by default the last one, for any number of picture files, in their order."""
    few = isinstance(paths, Sized) and len(paths) <= FEW
    model = predictor(run, None if few else "quickest")
    with closing(answers((Found(str(path)) for path in paths), model, invert)) as stream:
        yield from chain.from_iterable(stream)


def answers(
    files: Iterable[Found | None],
    model: Predictor,
    invert: Invert = "auto",
    *,
    alone: float = ALONE,
) -> Generator[list[Prediction]]:
    """The answers for files as `find` gives them, a few at a time; once it is closed, its processes are gone."""
    coming = Ahead(files)
    spent, done = 0.0, 0
    for found in coming:
        if found is None:
            continue
        began = time.perf_counter()
        answer = answered([found], model, invert)
        spent, done = spent + time.perf_counter() - began, done + 1
        yield answer
        worth_a_crew = spent >= alone or (done == _KNOWN and coming.holds(math.ceil(_WAITING * alone * done / spent)))
        if worth_a_crew and cores() > 1:
            break
    else:
        return
    from mnist_pipeline.bulk.crew import Crew

    together = max(1, min(_TOGETHER, round(_AT_A_TIME * done / spent)))
    with Crew(model, invert, cores()) as crew:
        yield from crew.answers(gathered(coming, together))
