"""YAML text to plain values and back, without YAML 1.1's surprises.

Numbers such as 1e-3 are numbers, `no` and `on` are text, 010 is ten and dates stay text. Anchors, tags and
keys given twice are refused: a recipe reads from top to bottom and means one thing.
"""

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from mnist_pipeline.errors import ConfigError

_LARGEST = 256 * 1024  # bytes; a recipe is one or two thousand
_DEEPEST = 20  # levels; a recipe has four
# What PyYAML says of frequent slips, and what helps.
_HELP = {
    "cannot start any token": "indent with spaces, and quote text that begins with a special character",
    "mapping values are not allowed": "quote text that holds a colon, or check the indent",
    "expected <block end>": "check the indent of this line and of the one above",
    "could not find expected ':'": "each line is `key: value`",
}


def read(path: Path) -> dict[str, Any]:
    """The settings in a file, not yet checked."""
    try:
        if path.stat().st_size > _LARGEST:
            raise ConfigError(f"{path}: larger than {_LARGEST // 1024} KiB: not a config")
        tree = parse(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not text in UTF-8, so not a config") from None
    if not isinstance(tree, dict):
        raise ConfigError(
            f"{path}: holds no `key: value` lines. Start from a shipped config: mnist config show dense > mine.yaml"
        )
    return tree


def parse(text: str, origin: str) -> Any:
    """The values in the text; a fault is one line that names the origin and the line in it."""
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = _reason(fault)
    except yaml.reader.ReaderError as fault:
        line = text.count("\n", 0, fault.position) + 1
        place = f", line {line}"
        problem = f"the character {text[fault.position]!r} is not text"
    raise ConfigError(f"{origin}{place}: not a YAML config: {problem}")


def _reason(fault: yaml.MarkedYAMLError) -> str:
    reason = fault.problem or fault.context or "it cannot be read"
    if reason.startswith("but ") and fault.context:
        reason = f"{fault.context} {reason}"
    return ": ".join([reason, *(text for slip, text in _HELP.items() if slip in reason)])


def write(tree: dict[str, Any]) -> str:
    """The tree as YAML in the order of its keys."""
    return yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None)


class _Loader(yaml.SafeLoader):
    """SafeLoader with the plain-text rules of YAML 1.2."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Refuse what can blow a small file up to a huge tree, or have it mean what it does not say."""
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "anchor", None) is not None:
            raise _refused("anchors and aliases are not used here: write the value out", event)
        if getattr(event, "tag", None) is not None:
            raise _refused("tags (with an exclamation mark) are not used here: write the plain value", event)
        if re.search("[\ud800-\udfff]", getattr(event, "value", "")):
            raise _refused("an escape makes half a character (a lone surrogate)", event)
        if self._depth >= _DEEPEST:
            raise _refused("nested too deeply", event)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Take every key as text, and refuse one given twice, of which YAML would silently keep the last."""
        mapping: dict[Hashable, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _refused("a key must be a word", key)
            if key.value in mapping:
                raise _refused(f"'{key.value}' is given twice", key)
            mapping[key.value] = self.construct_object(value, deep=deep)
        return mapping


def _refused(problem: str, at: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=at.start_mark)


class _Dumper(yaml.SafeDumper):
    """SafeDumper that writes a block line by line, and a list of plain values on one line."""


_Dumper.add_representer(
    dict, lambda dumper, tree: dumper.represent_mapping("tag:yaml.org,2002:map", tree, flow_style=False)
)
_Loader.add_constructor("tag:yaml.org,2002:int", lambda _, node: int(node.value))  # decimal, also after a 0
_Loader.yaml_implicit_resolvers = {}  # YAML 1.1's give way to these of YAML 1.2
for _tag, _pattern, _first in (
    ("bool", r"true|false|True|False", "tTfF"),
    ("int", r"[-+]?[0-9]{1,100}", "-+0123456789"),  # more digits would take long to read: a float, then
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("null", r"~|null|Null|", ["~", "n", "N", ""]),
):
    _rule = (f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))
    _Loader.add_implicit_resolver(*_rule)
    _Dumper.add_implicit_resolver(*_rule)  # beside those of YAML 1.1: what is text in both needs no quotes
