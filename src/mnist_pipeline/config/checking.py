"""A tree of plain values to a Config, or to every complaint about it at once: place, value, suggestion."""

import difflib
import functools
import json
import operator
import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, from_json

from mnist_pipeline.config.contradictions import contradictions, of_members
from mnist_pipeline.config.schema import Config
from mnist_pipeline.errors import ConfigError
from mnist_pipeline.numerals import counted

Place = tuple[str | int, ...]

# Values for settings without a default, so that a tree which lacks them can be searched for contradictions.
_STAND_INS: dict[str | int, Any] = {
    "name": "x", "model": {"family": "dense"}, "family": "dense", "convolutions": [{"filters": 1}], "filters": 1,
    "training": {"epochs": 1}, "epochs": 1,
}  # fmt: skip
_MISSING = ("missing", "union_tag_not_found")
# What a value must be, by pydantic's type of error, where its own words are not those of somebody who edits YAML.
_MUST = {
    "bool_type": "be true or false",
    "dict_type": "be a block of settings",
    "model_type": "be a block of settings",
    "string_pattern_mismatch": "be 1 to 64 letters, digits, dots, - or _, beginning with a letter or digit",
    "too_long": "be a list of {max_length} or fewer",
    "too_short": "be a list of {min_length} or more",
    "tuple_type": "be a list",
    "union_tag_invalid": "be one of {expected_tags}",
}


def check(tree: dict[str, Any], origin: str, options: Mapping[str, str] | None = None) -> Config:
    """The config in a tree; refused with every complaint about it, each of its origin or the option that set it."""
    try:
        tree = from_json(json.dumps(tree, ensure_ascii=False).encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(f"{origin}: a value has no place in a config ({error})") from None
    config, faults = _validated(tree)
    complaints = [_complaint(fault) for fault in faults]
    # The other settings may contradict each other: told as well, unless the contradiction names a wrong one.
    wrong = [dotted(_place(fault)) for fault in faults if fault["type"] != "extra_forbidden"]
    if mended := config or _mended(tree, faults):
        complaints += [found for found in contradictions(mended) if not _names(found, wrong)]
    if config and config.averages and not complaints:
        complaints = _of_members(config)
    if config and not complaints:
        return config
    told = [_blamed(complaint, options or {}) for complaint in complaints]
    if set(told) & set(complaints):  # not all of them come from options
        told = [f"{origin}: {counted(len(told), 'complaint')}", *(f"  {line}" for line in told)]
    raise ConfigError("\n".join(told))


def _of_members(config: Config) -> list[str]:
    """What is wrong with the members of an ensemble: each by itself, or all together."""
    trees = getattr(config.model, "members", ())
    faults = [(number, fault) for number, tree in enumerate(trees) for fault in _validated(tree)[1]]
    if faults:
        return [f"model.members[{number}].{_complaint(fault)}" for number, fault in faults]
    found = [
        f"model.members[{number}]: {fault}"
        for number, member in enumerate(config.members) for fault in contradictions(member)
    ]  # fmt: skip
    return found or list(of_members(config, config.members))


def _validated(tree: Any) -> tuple[Config | None, list[ErrorDetails]]:
    """The config, or what pydantic finds wrong."""
    try:
        return Config.of(tree), []
    except ValidationError as error:
        faults = error.errors(include_url=False)
    # A list whose entries are wrong is called short as well.
    return None, [
        fault for fault in faults if fault["type"] != "too_short" or len(fault["input"]) < fault["ctx"]["min_length"]
    ]


def _mended(tree: Any, faults: list[ErrorDetails]) -> Config | None:
    """The config that is left when each wrong value gives way to its default or a stand-in."""
    for _ in range(8):  # taking one out can leave another missing, a few levels deep
        for fault in reversed(faults):  # so that an entry taken from a list moves no other that has to go
            *way, last = _place(fault)
            block = functools.reduce(operator.getitem, way, tree)
            if fault["type"] in _MISSING:
                block[last] = _STAND_INS.get(last)
            else:
                del block[last]
        config, faults = _validated(tree)
        if config is not None:
            return config
    return None


def _names(text: str, settings: list[str]) -> bool:
    """True when a text names one of the settings, or one inside it."""
    return any(re.search(rf"(?<![\w.]){re.escape(setting)}(?!\w)", text) for setting in settings)


def _blamed(complaint: str, options: Mapping[str, str]) -> str:
    """A complaint about a setting that was given by an option, as one about the option."""
    for setting, option in options.items():
        if _names(complaint, [setting]):
            return f"{option}: {complaint.removeprefix(f'{setting}: ')}"
    return complaint


def _complaint(fault: ErrorDetails) -> str:
    """What pydantic found, in a line."""
    where, kind, value = dotted(_place(fault)), fault["type"], fault["input"]
    if kind in _MISSING:
        return f"{where}: missing"
    if kind == "extra_forbidden":
        return f"{where}: no such setting{_meant_setting(fault['loc'])}"
    if kind == "union_tag_invalid":
        value = value["family"]
    must = _MUST[kind].format(**fault.get("ctx", {})) if kind in _MUST else fault["msg"].partition(" should ")[2]
    names = re.findall(r"'(.+?)'", must)  # where it has to be one of them
    must = must.replace("'", "")
    return f"{where}: must {must}, not {shown(value)}{_meant_value(kind, names, value)}"


def _place(fault: ErrorDetails) -> Place:
    """Where in the file the fault is."""
    return (*_in_file(fault["loc"]), *(["family"] if fault["type"].startswith("union_tag") else []))


def _in_file(place: Place) -> Place:
    """A place without the family, which pydantic puts after `model`."""
    return (place[0], *place[2:]) if place[:1] == ("model",) else place


def dotted(place: Place) -> str:
    """('model', 'hidden', 0) as model.hidden[0]."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{_key(step)}" for step in place).removeprefix(".")


def _key(key: str) -> str:
    return key if re.fullmatch(r"[\w-]{1,60}", key) else shown(key)


def shown(value: Any) -> str:
    """The value as the user may have written it, on one line and not too long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def _meant_value(kind: str, names: list[str], value: Any) -> str:
    """A suggestion for frequent slips: a name misspelt, quotes around a number or none around text, no list."""
    if close := difflib.get_close_matches(str(value), names, n=1, cutoff=0.5):
        return f": did you mean {close[0]}?"
    if kind in ("int_type", "float_type") and re.fullmatch(r'"[-+.eE0-9]+"', shown(value)):
        return ": write it without quotes"
    if isinstance(value, dict | list | None):
        return ""
    return {"string_type": ": put it in quotes", "tuple_type": f": did you mean [{shown(value)}]?"}.get(kind, "")


def _meant_setting(place: Place) -> str:
    """A suggestion for an unknown setting: its name in another block, a similar one here, or all here."""
    *around, setting = (step for step in place if isinstance(step, str))
    known = list(_settings(Config))
    here = [name for *block, name in known if block == around]
    # What the model of the other family has is no help in this one's.
    elsewhere = [
        dotted(_in_file(other)) for other in known if other[-1] == setting and not other[0] == place[0] == "model"
    ]
    close = elsewhere or difflib.get_close_matches(setting, here, n=1, cutoff=0.51)
    return f": did you mean {close[0]}?" if close else f" (there are: {', '.join(here)})"


def settings_called(name: str) -> list[str]:
    """The settings of a name, by their whole places: training.epochs for epochs."""
    return list(dict.fromkeys(dotted(_in_file(place)) for place in _settings(Config) if place[-1] == name))


def _settings(kind: Any, block: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The place of each setting inside a type such as `Block | None`, as pydantic names it."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        fields = kind.model_fields
        block += get_args(fields["family"].annotation) if "family" in fields else ()
        for name, field in fields.items():
            yield (*block, name)
            yield from _settings(field.annotation, (*block, name))
    for part in get_args(kind):
        yield from _settings(part, block)
