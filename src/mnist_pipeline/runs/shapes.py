"""What the JSON files of a run have to hold, so that a damaged or foreign file is a clear line and no traceback.

Written by hand, because a library for schemas takes longer to load than `mnist predict` takes to read a picture.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

# Given a value and its place in the file: what is wrong with it, or None.
Shape = Callable[[Any, str], str | None]


def _rule(fits: Callable[[Any], bool], otherwise: str) -> Shape:
    """A value that fits; `otherwise` is what is said of one that does not."""
    return lambda value, place: None if fits(value) else f"{place} {otherwise}"


def _finite(value: Any) -> bool:
    """True for a number below 1e15, which is far beyond any figure and still exact as a float."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -1e15 < value < 1e15


def _whole(value: Any) -> bool:
    return isinstance(value, int) and _finite(value) and value >= 0


def _dated(value: Any) -> bool:
    try:
        return bool(datetime.fromisoformat(value))
    except (TypeError, ValueError):
        return False


anything = _rule(lambda _: True, "")
number = _rule(_finite, "is no number")
count = _rule(_whole, "is no count")
share = _rule(lambda value: _finite(value) and 0 <= value <= 1, "is not between 0 and 1")
digit = _rule(lambda value: _whole(value) and value <= 9, "is no digit")
text = _rule(lambda value: isinstance(value, str), "is no text")
time = _rule(_dated, "is no time")


def maybe(shape: Shape) -> Shape:
    """The shape, or null."""
    return lambda value, place: None if value is None else shape(value, place)


def each(shape: Shape, length: int | None = None) -> Shape:
    """A list of values of one shape, where it matters of one length."""

    def misfit(value: Any, place: str) -> str | None:
        if not isinstance(value, list) or (length is not None and len(value) != length):
            return f"{place} is no list" if length is None else f"{place} is no list of {length}"
        return _first(shape(item, f"{place}[{at}]") for at, item in enumerate(value))

    return misfit


def named(shape: Shape) -> Shape:
    """An object with values of one shape under any names."""

    def misfit(value: Any, place: str) -> str | None:
        if not isinstance(value, dict):
            return f"{place} is no object"
        return _first(shape(inside, f"{place}.{name}") for name, inside in value.items())

    return misfit


def fields(required: dict[str, Shape], optional: dict[str, Shape] | None = None) -> Shape:
    """An object with values of these shapes under these names; whatever else it holds does not matter."""
    shapes = required | (optional or {})

    def misfit(value: Any, place: str) -> str | None:
        if not isinstance(value, dict):
            return f"{place} is no object"
        missing = next((name for name in required if name not in value), None)
        if missing:
            return f"{place} lacks {missing}"
        return _first(shapes[name](inside, f"{place}.{name}") for name, inside in value.items() if name in shapes)

    return misfit


def _first(problems: Iterable[str | None]) -> str | None:
    return next(filter(None, problems), None)


def _columns(value: Any, place: str) -> str | None:
    """Figures by name, each with a value for every epoch, or with none where it was not measured."""
    problem = fields({"loss": anything, "accuracy": anything})(value, place) or named(each(number))(value, place)
    if problem is None and (not value["loss"] or len({len(column) for column in value.values() if column}) > 1):
        return f"{place} has not a value for every epoch"
    return problem


def _row_a_digit(value: Any, place: str) -> str | None:
    """The ten classes in their order."""
    problem = each(fields({"digit": digit, "n": count, "right": count, "accuracy": share}), 10)(value, place)
    if problem is None and [row["digit"] for row in value] != list(range(10)):
        return f"{place} is not a row for each digit"
    return problem


_SCORES = fields({"precision": share, "recall": share, "f1": share})
_END: dict[str, Shape] = {"name": text, "type": text, "shape": each(anything)}
_CHECK: dict[str, Shape] = {
    "reader": text, "accuracy": share, "agreement": share, "ties": count, "largest_difference": number,
}  # fmt: skip
_FORM = fields({
    "files": each(fields({"file": text, "bytes": count, "sha256": text})),
    "checks": each(fields(_CHECK)),
    "input": fields({**_END, "range": text}),
    "output": fields(_END, {"scale": number, "zero_point": number}),
    "needs_normalising": anything,
})  # fmt: skip

# The shape of each file; metrics.json is checked once the numbers of a stage are asked for.
METRICS = named(anything)
STAGES: dict[str, Shape] = {
    "train": fields({
        "seed": count, "epochs": count, "best_epoch": maybe(count), "steps": count, "train_seconds": number,
        "train_loss": number, "train_accuracy": share, "val_loss": maybe(number), "val_accuracy": maybe(share),
        "parameters": count, "weights_sha256": text, "data_sha256": text, "finished": time,
    }),
    "evaluate": fields({
        "test_accuracy": share, "test_loss": number, "n": count, "per_class": _row_a_digit,
        "confusion": each(each(count, 10), 10), "report": fields(dict.fromkeys([*"0123456789", "macro"], _SCORES)),
        "ece": share, "most_confused": each(fields({"true": digit, "answer": digit, "n": count})),
        "calibration": each(
            fields({"from": number, "to": number, "n": count, "confidence": number, "accuracy": share})
        ),
        "weights_sha256": text, "data_sha256": text,
    }),
}  # fmt: skip
HISTORY = _columns
REFUSAL = fields({"threshold": share})
ENVIRONMENT = fields(
    {"versions": named(maybe(text)), "python": text, "processor": fields({"model": text})},
    {"changed": each(text)},
)
EXPORT_CARD = fields({
    "weights_sha256": text,
    "keras": fields({"test_accuracy": share}),
    "data": fields({"source": text}),
    "forms": named(_FORM),
})  # fmt: skip
