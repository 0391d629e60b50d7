"""What the JSON files of a run have to hold, so that a damaged or foreign file is a clear line and no traceback.

Written by hand, because a library for schemas takes longer to load than `mnist predict` takes to read a picture.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from mnist_pipeline.numerals import digit_of


class Rule(NamedTuple):
    """What a value has to be, and what is said of one that is not."""

    fits: Callable[[Any], bool]
    otherwise: str


# A rule; {name: shape} for an object that has these fields and maybe others, where `name?` may be missing and `*` is
# any name; [shape] for a list of values of that shape; a tuple for a value that has several shapes at once.
Shape = Rule | dict[str, Any] | list[Any] | tuple[Any, ...]


def misfit(value: Any, shape: Shape, place: str) -> str | None:
    """What is wrong with a value, and where in it; None when it has the shape."""
    return next(_misfits(value, shape, place), None)


def _misfits(value: Any, shape: Shape, place: str) -> Iterator[str]:
    if isinstance(shape, Rule):
        if not shape.fits(value):
            yield f"{place} {shape.otherwise}"
    elif isinstance(shape, tuple):
        for part in shape:
            yield from _misfits(value, part, place)
    elif not isinstance(value, type(shape)):
        yield f"{place} is no {'list' if isinstance(shape, list) else 'object'}"
    elif isinstance(shape, dict):
        yield from _in_object(value, shape, place)
    else:
        for at, item in enumerate(value):
            yield from _misfits(item, shape[0], f"{place}[{at}]")


def _in_object(value: Any, shape: dict[str, Any], place: str) -> Iterator[str]:
    for name, inside in (dict.fromkeys(value, shape["*"]) if "*" in shape else shape).items():
        key = name.removesuffix("?")
        if key in value:
            yield from _misfits(value[key], inside, f"{place}.{key}")
        elif key == name:
            yield f"{place} lacks {name}"


def _finite(value: Any) -> bool:
    """True for a number below 1e15, which is far beyond any figure and still exact as a float."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -1e15 < value < 1e15


def _whole(value: Any) -> bool:
    return isinstance(value, int) and _finite(value) and value >= 0


def _matches(pattern: str, value: Any) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(pattern, value))


def _maybe(rule: Rule) -> Rule:
    """The rule for a value that may be null."""
    return Rule(lambda value: value is None or rule.fits(value), rule.otherwise)


def _names(rows: list[dict[str, Any]]) -> list[str] | None:
    """The classes in their order: by `label`, or in older files by the ten digits; None where it is neither."""
    names = [row.get("label", str(row["digit"])) for row in rows]
    digits = [row["digit"] for row in rows]
    right = len(set(names)) == len(names) > 1 and all(
        digit in (None, digit_of(name)) for digit, name in zip(digits, names, strict=True)
    )
    return names if right else None


_ANYTHING = Rule(lambda _: True, "")
_NUMBER = Rule(_finite, "is no number")
_COUNT = Rule(_whole, "is no count")
_SHARE = Rule(lambda value: _finite(value) and 0 <= value <= 1, "is not between 0 and 1")
_DIGIT = Rule(lambda value: _whole(value) and value <= 9, "is no digit")
_CLASS = Rule(lambda value: _whole(value) and value <= 255, "is no class")
_TEXT = Rule(lambda value: isinstance(value, str), "is no text")
_TIME = Rule(lambda value: bool(re.fullmatch(r"\d{4}-\d\d-\d\d[T\d:.+-]*", str(value))), "is no time")
_SHA256 = Rule(lambda value: _matches(r"[0-9a-f]{64}", value), "is no sha256")
_FILE = Rule(lambda value: _matches(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", value), "is no name of a file")
_ROW_A_CLASS = Rule(lambda rows: _names(rows) is not None, "is not a row for each class")
_OF_THE_CLASSES = Rule(
    lambda found: (
        {len(found["per_class"])} == {len(found["confusion"]), *map(len, found["confusion"])}
        and {*(_names(found["per_class"]) or ()), "macro"} <= set(found["report"])
        and all(max(pair["true"], pair["answer"]) < len(found["per_class"]) for pair in found["most_confused"])
    ),
    "has not the same classes everywhere",
)
# What was not measured is a column without values.
_VALUE_AN_EPOCH = Rule(
    lambda columns: columns["loss"] and len({len(column) for column in columns.values() if column}) == 1,
    "has not a value for every epoch",
)

_SCORES = {"precision": _SHARE, "recall": _SHARE, "f1": _SHARE}
_END = {"name": _TEXT, "type": _TEXT, "shape": [_ANYTHING]}
_FORM = {
    "files": [{"file": _TEXT, "bytes": _COUNT, "sha256": _TEXT}],
    "checks": [{
        "reader": _TEXT, "accuracy": _SHARE, "agreement": _SHARE, "ties": _COUNT, "largest_difference": _NUMBER,
    }],
    "input": {**_END, "range": _TEXT},
    "output": {**_END, "scale?": _NUMBER, "zero_point?": _NUMBER},
    "needs_normalising": _ANYTHING,
}  # fmt: skip

# The shape of each file; that of metrics.json is one for each stage.
STAGES: dict[str, dict[str, Shape]] = {
    "train": {
        "seed": _maybe(_COUNT), "epochs": _COUNT, "best_epoch": _maybe(_COUNT), "steps": _COUNT,
        "train_seconds": _NUMBER, "train_loss": _NUMBER,
        "train_accuracy": _SHARE, "val_loss": _maybe(_NUMBER), "val_accuracy": _maybe(_SHARE),
        "parameters": _COUNT, "weights_sha256": _TEXT, "data_sha256": _TEXT, "finished": _TIME,
        "members?": [{"name": _TEXT, "weights_sha256": _TEXT}],
    },
    "evaluate": {
        "test_accuracy": _SHARE, "test_loss": _NUMBER, "n": _COUNT,
        "per_class": (
            [{"label?": _TEXT, "digit": _maybe(_DIGIT), "n": _COUNT, "right": _COUNT, "accuracy": _SHARE}],
            _ROW_A_CLASS,
        ),
        "confusion": [[_COUNT]], "report": {"*": _SCORES},
        "ece": _SHARE, "most_confused": [{"true": _CLASS, "answer": _CLASS, "n": _COUNT}],
        "calibration": [{"from": _NUMBER, "to": _NUMBER, "n": _COUNT, "confidence": _NUMBER, "accuracy": _SHARE}],
        "weights_sha256": _TEXT, "data_sha256": _TEXT,
    },
}  # fmt: skip
CORRUPTIONS: Shape = {
    "n": _COUNT, "threshold": _SHARE, "clean": _SHARE, "mean": _SHARE,
    "rows": [{"corruption": _TEXT, "accuracy": _SHARE, "refused": _SHARE, "wrong": _SHARE}],
}  # fmt: skip
# What the fields of a stage have to be together.
WHOLE: dict[str, Shape] = {"train": {}, "evaluate": _OF_THE_CLASSES}
HISTORY: Shape = ({"loss": _ANYTHING, "accuracy": _ANYTHING}, {"*": [_NUMBER]}, _VALUE_AN_EPOCH)
REFUSAL: Shape = {"threshold": _SHARE}
ENVIRONMENT: dict[str, Shape] = {
    "versions": {"*": _maybe(_TEXT)}, "python": _TEXT, "processor": {"model": _TEXT}, "changed?": [_TEXT],
}  # fmt: skip
EXPORT_CARD: Shape = {
    "weights_sha256": _TEXT, "keras": {"test_accuracy": _SHARE}, "data": {"source": _TEXT}, "forms": {"*": _FORM},
}  # fmt: skip
# The figures by which two runs are compared.
NUMBERS = (
    "epochs", "best_epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "test_accuracy", "test_loss",
)  # fmt: skip
STATEMENT: Shape = {
    "_type": _TEXT, "predicateType": _TEXT,
    "subject": [{"name": _FILE, "digest": {"sha256": _SHA256}}],
    "predicate": {
        "config": {}, "environment": {**ENVIRONMENT, "threads": _COUNT}, "weights_sha256": _SHA256,
        "data": {"train_sha256": _SHA256, "test_sha256": _SHA256},
        "numbers": {name: rule for stage in STAGES.values() for name, rule in stage.items() if name in NUMBERS},
        "promised": [_TEXT], "finished": _TIME,
    },
}  # fmt: skip
ENVELOPE: Shape = {"payload": _TEXT, "payloadType": _TEXT, "signatures": [{"sig": _TEXT}]}
