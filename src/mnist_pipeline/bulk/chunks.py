"""A few files at a time: gathered as they come, answered together."""

from collections.abc import Iterable, Iterator, Sequence

from mnist_pipeline.finding import Found
from mnist_pipeline.prediction import Prediction, Predictor
from mnist_pipeline.preprocess import Invert


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
