"""What is wrong with a config, in the words of somebody who edits it: place, value, suggestion."""

import difflib
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from mnist_pipeline.config.schema import CnnModel, Config, DenseModel

Place = tuple[str | int, ...]


class Complaint(NamedTuple):
    """What is wrong at one place in a config, and the other places that make it wrong."""

    place: Place
    text: str
    because_of: tuple[Place, ...] = ()

    def __str__(self) -> str:
        return f"{dotted(self.place)}: {self.text}" if self.place else self.text


def dotted(place: Place) -> str:
    """('model', 'hidden', 0) as model.hidden[0]."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{_key(step)}" for step in place).removeprefix(".")


def shown(value: Any) -> str:
    """The value as the user may have written it, on one line and not too long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def _key(key: str) -> str:
    return key if re.fullmatch(r"[\w-]{1,60}", key) else shown(key)


_FAMILIES: dict[str, type[BaseModel]] = {"dense": DenseModel, "cnn": CnnModel}
_LIST: Place = ("model", "convolutions")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
# What a value must be, by pydantic's type of error, with the limits that the error brings.
_WANTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a whole number of a sensible size",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "string_type": "text",
    "string_too_short": "text that is not empty",
    "string_too_long": "at most {max_length} characters",
    "string_pattern_mismatch": (
        "1 to 64 letters, digits, dots, dashes or underscores, beginning with a letter or digit"
    ),
    "tuple_type": "a list",
    "too_short": "a list of {min_length} or more",
    "too_long": "a list of {max_length} or fewer",
    "model_type": "a block of settings",
    "dict_type": "a block of settings",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
}


def complaint_about(tree: dict[str, Any], fault: ErrorDetails) -> Complaint | None:
    """The fault as a complaint; None for one that only follows from another."""
    place, kind, value = place_of(fault), fault["type"], fault["input"]
    limits = fault.get("ctx", {})
    if kind == "json_invalid":  # only from Python: what YAML can say, JSON can
        return Complaint((), f"a value has no place in a config ({limits['error']})")
    if kind == "extra_forbidden":
        return Complaint(place, "no such setting" + _meant_setting(tree, place))
    if kind in ("missing", "union_tag_not_found"):
        choices = f": one of {', '.join(_FAMILIES)}" if place[-1] == "family" else ""
        return Complaint(place, f"missing{choices}")
    if kind == "union_tag_invalid":
        return Complaint(place, _not_among(value["family"], list(_FAMILIES)))
    if kind == "literal_error":
        return Complaint(place, _not_among(value, re.findall(r"'([^']+)'", limits["expected"])))
    if kind == "too_short" and len(value) >= limits["min_length"]:
        return None  # there are enough, but some are wrong
    limits = {name: f"{limit:.15g}" if isinstance(limit, float) else limit for name, limit in limits.items()}
    wanted = _WANTED[kind].format(**limits) if kind in _WANTED else f"something else ({fault['msg']})"
    return Complaint(place, f"must be {wanted}, not {shown(value)}{_meant_value(kind, value)}")


def place_of(fault: ErrorDetails) -> Place:
    """Where in the file the fault is: pydantic puts the name of the chosen family after `model`."""
    place = fault["loc"]
    if fault["type"] in ("union_tag_invalid", "union_tag_not_found"):
        return (*place, "family")
    return (place[0], *place[2:]) if len(place) > 1 and place[0] == "model" else place


def _not_among(value: Any, names: list[str]) -> str:
    close = difflib.get_close_matches(str(value), names, n=1, cutoff=0.5) if isinstance(value, str) else []
    return f"must be one of {', '.join(names)}, not {shown(value)}" + (f": did you mean {close[0]}?" if close else "")


def _meant_value(kind: str, value: Any) -> str:
    """A suggestion for frequent slips: quotes around a number or none around text, one value for a list."""
    if kind in ("int_type", "float_type") and isinstance(value, str) and _NUMBER.fullmatch(value):
        return ": write it without quotes"
    if kind == "string_type" and not isinstance(value, dict | list | None):
        return ": put it in quotes"
    if kind == "tuple_type" and not isinstance(value, dict | None):
        return f": did you mean [{shown(value)}]?"
    return ""


def _meant_setting(tree: dict[str, Any], place: Place) -> str:
    """A suggestion for an unknown setting: its name in another block, a similar one here, or all here."""
    *around, setting = place
    blocks = dict(_blocks(tree, Config))
    names = list(blocks[tuple(step for step in around if isinstance(step, str))].model_fields)
    # A block in a list has no place of its own that could be named.
    elsewhere = [
        dotted((*at, setting)) for at, block in blocks.items() if setting in block.model_fields and at != _LIST
    ]
    close = difflib.get_close_matches(str(setting), names, n=1, cutoff=0.5)
    if close or elsewhere:
        return f": did you mean {(elsewhere or close)[0]}?"
    return f" (there are: {', '.join(names)})"


def _blocks(tree: dict[str, Any], kind: Any, place: Place = ()) -> Iterator[tuple[Place, type[BaseModel]]]:
    """Each block inside a type such as `Block | None`, with its place; of the two model families, the tree's."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        model = tree.get("model")
        family = str(model.get("family")) if isinstance(model, dict) else ""
        if kind in _FAMILIES.values() and kind is not _FAMILIES.get(family):
            return
        yield place, kind
        for name, field in kind.model_fields.items():
            yield from _blocks(tree, field.annotation, (*place, name))
    for part in getattr(kind, "__args__", ()):
        yield from _blocks(tree, part, place)
