"""What the JSON files of a run have to hold, so that a damaged or foreign file is a clear line and no traceback.

Written by hand, because a library for schemas takes longer to load than `mnist predict` takes to read a picture.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

# Given a value and its place in the file: what is wrong with it, or None.
Shape = Callable[[Any, str], str | None]
_LARGEST = 1e15  # of a number: far beyond any figure, and exact as a float


def number(value: Any, place: str) -> str | None:
    """A finite number."""
    fits = isinstance(value, int | float) and not isinstance(value, bool) and -_LARGEST < value < _LARGEST
    return None if fits else f"{place} is no number"


def count(value: Any, place: str) -> str | None:
    """A whole number from 0 on."""
    return None if isinstance(value, int) and number(value, place) is None and value >= 0 else f"{place} is no count"


def share(value: Any, place: str) -> str | None:
    """A number from 0 to 1."""
    return None if number(value, place) is None and 0 <= value <= 1 else f"{place} is not between 0 and 1"


def digit(value: Any, place: str) -> str | None:
    """One of the ten classes."""
    return None if count(value, place) is None and value <= 9 else f"{place} is no digit"


def text(value: Any, place: str) -> str | None:
    """A string."""
    return None if isinstance(value, str) else f"{place} is no text"


def time(value: Any, place: str) -> str | None:
    """A date and time as ISO 8601 has it."""
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return f"{place} is no time"
    return None


def anything(_value: Any, _place: str) -> str | None:
    """Whatever there is."""
    return None


def maybe(shape: Shape) -> Shape:
    """The shape, or null."""
    return lambda value, place: None if value is None else shape(value, place)


def each(shape: Shape, length: int | None = None) -> Shape:
    """A list of values of one shape, where it matters of one length."""

    def fits(value: Any, place: str) -> str | None:
        if not isinstance(value, list) or (length is not None and len(value) != length):
            return f"{place} is no list" if length is None else f"{place} is no list of {length}"
        return _first(shape(item, f"{place}[{at}]") for at, item in enumerate(value))

    return fits


def named(shape: Shape) -> Shape:
    """An object with values of one shape under any names."""

    def fits(value: Any, place: str) -> str | None:
        if not isinstance(value, dict):
            return f"{place} is no object"
        return _first(shape(inside, f"{place}.{name}") for name, inside in value.items())

    return fits


def fields(required: dict[str, Shape], optional: dict[str, Shape] | None = None) -> Shape:
    """An object with values of these shapes under these names; what else it holds does not matter."""

    def fits(value: Any, place: str) -> str | None:
        if not isinstance(value, dict):
            return f"{place} is no object"
        missing = next((name for name in required if name not in value), None)
        if missing:
            return f"{place} lacks {missing}"
        shapes = required | (optional or {})
        return _first(shapes[name](inside, f"{place}.{name}") for name, inside in value.items() if name in shapes)

    return fits


def _first(problems: Any) -> str | None:
    return next(filter(None, problems), None)


def _columns(value: Any, place: str) -> str | None:
    """Figures by name, each with a value for every epoch; one that was not measured has none."""
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


METRICS = named(anything)
"""metrics.json before it is asked for the numbers of a stage."""

_SCORES = fields({"precision": share, "recall": share, "f1": share})

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
"""What each stage writes into metrics.json."""

HISTORY = _columns

ENVIRONMENT = fields(
    {"versions": named(maybe(text)), "python": text, "processor": fields({"model": text})}, {"changed": each(text)}
)

REFUSAL = fields({"threshold": share})

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
EXPORT_CARD = fields({
    "weights_sha256": text,
    "keras": fields({"test_accuracy": share}),
    "data": fields({"source": text}),
    "forms": named(_FORM),
})  # fmt: skip
