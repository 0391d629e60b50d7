"""A few files at a time: gathered as they come, answered together."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from mnist_pipeline.finding import Found
from mnist_pipeline.pixels.preprocess import Invert
from mnist_pipeline.prediction import Prediction, Predictor


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
