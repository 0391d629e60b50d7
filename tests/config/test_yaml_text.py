"""YAML text to plain values and back."""

import copy
import math
from typing import Any

import pytest

from mnist_pipeline.config import yaml_text
from mnist_pipeline.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E5", 100000.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("-0.25", -0.25),
        ("010", 10),
        ("+3", 3),
        ("9" * 5000, math.inf),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("no", "no"),
        ("on", "on"),
        ("y", "y"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2024-01-02", "2024-01-02"),
        (".nan", ".nan"),
        ("'1e-3'", "1e-3"),
        ("é 五 🖉", "é 五 🖉"),
    ],
)
def test_plain_values_are_yaml_1_2(text: str, value: Any) -> None:
    parsed = yaml_text.parse(f"key: {text}", "here")["key"]
    assert (parsed, type(parsed)) == (value, type(value))


def test_every_key_is_text() -> None:
    assert yaml_text.parse("1: a\nnull: b\ntrue: c\n1e3: d\non: e\n<<: f", "here") == {
        "1": "a",
        "null": "b",
        "true": "c",
        "1e3": "d",
        "on": "e",
        "<<": "f",
    }


@pytest.mark.parametrize("text", ["\ufeffname: x\r\nepochs: 3\r\n", "---\nname: x\nepochs: 3\n...\n"])
def test_marks_of_other_editors_do_no_harm(text: str) -> None:
    assert yaml_text.parse(text, "here") == {"name": "x", "epochs": 3}


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a: 1\nb: [1, 2\nc: 3", 3, "expected ',' or ']'"),
        ("a:\n\tb: 1", 2, "indent with spaces"),
        ("a: 1\nb: c: d", 2, "quote text that holds a colon"),
        ("a:\n  b: 1\n c: 2", 3, "check the indent"),
        ("a: 1\nb\nc: 2", 3, "each line is `key: value`"),
        ('a: 1\nb: "x', 2, "unexpected end of stream"),
        ("a: 1\nb: 2\na: 3", 3, "'a' is given twice"),
        ("a: {b: 1, b: 2}", 1, "'b' is given twice"),
        ("a: &x 1", 1, "anchors and aliases are not used here"),
        ("a: 1\nb: *x", 2, "anchors and aliases are not used here"),
        ("a: !!python/object/apply:os.system [ls]", 1, "tags (with an exclamation mark) are not used here"),
        ("a: !!timestamp x", 1, "tags (with an exclamation mark) are not used here"),
        ("!!binary x", 1, "tags (with an exclamation mark) are not used here"),
        ("a: ! x", 1, "tags (with an exclamation mark) are not used here"),
        ("a: 1\n---\nb: 2", 2, "expected a single document in the stream but found another document"),
        ("a: 1\n[b, c]: 2", 2, "a key must be a word"),
        ("? {a: 1}\n: 2", 1, "a key must be a word"),
        ("a: 1\nb: \x00", 2, "the character '\\x00' is not text"),
        ('a: "\\ud800"', 1, "half a character"),
        ('"\\udc00": a', 1, "half a character"),
        ("a: " + "[" * 50_000, 1, "nested too deeply"),
        ("- " * 50_000, 1, "nested too deeply"),
        ("? " * 500, 1, "nested too deeply"),
        ("%YAML 3.0\n---\na: 1", 1, "found incompatible YAML document"),
    ],
)
def test_a_fault_is_one_line_with_its_place(text: str, line: int, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        yaml_text.parse(text, "recipe.yaml")
    message = str(caught.value)
    assert message.startswith(f"recipe.yaml, line {line}")
    assert says in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "value",
    [
        *(1e-05, 1e16, 0.1, -0.0, 3.0, 0, -7, True, None),
        *(
            "1e-3",
            "1e5",
            "010",
            "no",
            "null",
            "true",
            "",
            " x ",
            "a: b",
            "# x",
            "- x",
            "12:30",
            ".5",
            "~",
            "*x",
        ),
        *("two\nlines\n", "tab\tand \x07 bell", "é 五 🖉", "long " * 60, "!x", "0x1F", "2024-01-02"),
        *([], [50, 50], ["a", "no"], [{"filters": 3}, {"filters": 4}], {}, {"a": {"b": None}}),
    ],
)
def test_what_is_written_is_read_back(value: Any) -> None:
    text = yaml_text.write({"key": value, "1": copy.deepcopy(value)})
    again = yaml_text.parse(text, "here")
    assert repr(again) == repr({"key": value, "1": value})


def test_a_written_tree_is_readable() -> None:
    tree = {"name": "x", "hidden": [50, 50], "rate": 1e-05, "blocks": [{"a": 3, "b": 4}], "text": "no"}
    assert yaml_text.write(tree) == ("name: x\nhidden: [50, 50]\nrate: 1.0e-05\nblocks:\n- a: 3\n  b: 4\ntext: 'no'\n")
