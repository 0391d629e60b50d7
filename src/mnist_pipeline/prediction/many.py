"""A few files at a time: gathered as they come, answered together."""

import math
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence, Sized
from contextlib import closing
from itertools import chain, islice
from pathlib import Path

from mnist_pipeline.pixels.preprocess import Invert
from mnist_pipeline.prediction.finding import Found, find
from mnist_pipeline.prediction.predictor import Prediction, Predictor, predictor
from mnist_pipeline.process import cores
from mnist_pipeline.runs.run import Run


class Ahead:
    """Files as they come, and whether so many more are there already."""

    def __init__(self, files: Iterable[Found | None]) -> None:
        self._files = iter(files)
        self._taken: deque[Found] = deque()

    def __iter__(self) -> Iterator[Found | None]:
        return self

    def __next__(self) -> Found | None:
        return self._taken.popleft() if self._taken else next(self._files)

    def holds(self, count: int) -> bool:
        """Nothing is waited for: where the next one is not there yet, there are fewer."""
        while len(self._taken) < count:
            found = next(self._files, None)
            if found is None:
                return False
            self._taken.append(found)
        return True


def gathered(coming: Iterable[Found | None], together: int) -> Iterator[list[Found]]:
    """So many at a time; fewer, and then none, where the next one is not there yet."""
    chunk: list[Found] = []
    for found in coming:
        if found is not None:
            chunk.append(found)
        if len(chunk) == together or (found is None and chunk):
            yield chunk
            chunk = []
        if found is None:
            yield []
    if chunk:
        yield chunk


def answered(files: Sequence[Found], model: Predictor, invert: Invert) -> list[Prediction]:
    """The answers for a few files, in their order."""
    read = iter(model.predict_many([file.path for file in files if file.problem is None], invert))
    return [next(read) if file.problem is None else model.unread(*file) for file in files]


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
    from mnist_pipeline.prediction.crew import Crew

    together = max(1, min(_TOGETHER, round(_AT_A_TIME * done / spent)))
    with Crew(model, invert, cores()) as crew:
        yield from crew.answers(gathered(coming, together))
