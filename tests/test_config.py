"""A recipe file to a frozen Config, or to every complaint about it at once."""

import copy
import math
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from mnist_pipeline.config import (
    CnnModel,
    Config,
    DenseModel,
    find_config,
    load_config,
    parse_settings,
    yaml_text,
)
from mnist_pipeline.config import recipes as config_loading
from mnist_pipeline.config.checking import check
from mnist_pipeline.config.recipes import override
from mnist_pipeline.config.wording import dotted
from mnist_pipeline.errors import ConfigError
from mnist_pipeline.runs.opening import differences

MINIMAL = "name: small\nmodel: {family: dense}\ntraining: {epochs: 1}\n"
FULL = """\
name: full-1
description: "Everything said: ü, 五 and no"
data:
  source: some/folder
  validation: 0.2
  split_seed: 7
model:
  family: cnn
  convolutions:
    - {filters: 32, kernel: 3, batch_norm: true, pool: 2}
    - filters: 64
  hidden: [128, 64]
  activation: gelu
  dropout: 5e-1
  output: sigmoid
training:
  seed: 3
  epochs: 20
  batch_size: 64
  threads: 2
  loss: binary
  optimizer: {name: adamw, learning_rate: 1e-5}
  early_stopping: {monitor: val_accuracy, patience: 5, min_delta: 0}
  plateau: {monitor: val_loss, factor: 0.5, patience: 2, min_delta: 1e-4, min_learning_rate: 1e-6}
  keep_best: val_accuracy
"""

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a recipe and gives its path."""

    def write(text: str) -> Path:
        path = tmp_path / "recipe.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def complaints(write: Write) -> Callable[[str], list[str]]:
    """The lines that a recipe is refused with, without the first, which counts them."""

    def complaints(text: str) -> list[str]:
        path = write(text)
        with pytest.raises(ConfigError) as caught:
            load_config(path)
        first, *lines = str(caught.value).splitlines()
        assert first == f"{path}: {len(lines)} complaint{'s' if len(lines) > 1 else ''}"
        return [line.removeprefix("  ") for line in lines]

    return complaints


Complaints = Callable[[str], list[str]]


def said(what: str, complaints: Complaints, **blocks: str) -> None:
    """Asserts the one complaint about a recipe in which the given blocks are as given."""
    blocks = {"name": "small", "model": "{family: dense}", "training": "{epochs: 1}"} | blocks
    assert complaints("".join(f"{key}: {value}\n" for key, value in blocks.items())) == [what]


# What is accepted


def test_a_minimal_recipe_has_its_defaults(write: Write) -> None:
    config = load_config(write(MINIMAL))
    assert isinstance(config.model, DenseModel)
    assert config.model.hidden == (50, 50)
    assert (config.data.source, config.data.validation) == ("mnist", 0.0)
    assert (config.training.batch_size, config.training.optimizer.learning_rate) == (32, 0.001)
    optional = (config.training.early_stopping, config.training.plateau, config.training.keep_best)
    assert optional == (None, None, None)


def test_a_full_recipe_has_every_value(write: Write) -> None:
    config = load_config(write(FULL))
    assert isinstance(config.model, CnnModel)
    assert [block.filters for block in config.model.convolutions] == [32, 64]
    assert (config.model.convolutions[1].kernel, config.model.convolutions[1].pool) == (3, 1)
    assert (config.model.hidden, config.model.dropout) == ((128, 64), 0.5)
    assert config.training.optimizer.learning_rate == 1e-5
    assert config.training.plateau is not None
    assert config.training.plateau.min_learning_rate == 1e-6
    assert config.description == "Everything said: ü, 五 and no"


def test_a_config_stays_what_it_is(write: Write) -> None:
    config = load_config(write(MINIMAL))
    with pytest.raises(ValidationError):
        config.name = "other"


@pytest.mark.parametrize("text", [MINIMAL, FULL])
def test_a_written_config_reads_back_the_same(text: str, write: Write) -> None:
    config = load_config(write(text))
    again = load_config(write(yaml_text.write(config.tree())))
    assert again == config
    assert differences(again.tree(), config.tree()) == []


def test_the_recipe_is_the_tree_without_its_words(write: Write) -> None:
    config = load_config(write(FULL))
    assert set(config.tree()) - set(config.recipe()) == {"name", "description", "expected"}
    assert config.recipe() == load_config(write(FULL), {"description": "other"}, name="other").recipe()


# One complaint each: place, value, suggestion


@pytest.mark.parametrize(
    ("blocks", "what"),
    [
        ({"modle": "3"}, "modle: no such setting: did you mean model?"),
        (
            {"training": "{epochs: 1, batchsize: 3}"},
            "training.batchsize: no such setting: did you mean batch_size?",
        ),
        ({"epochs": "3"}, "epochs: no such setting: did you mean training.epochs?"),
        (
            {"training": "{epochs: 1, learning_rate: 1}"},
            "training.learning_rate: no such setting: did you mean training.optimizer.learning_rate?",
        ),
        (
            {"model": "{family: dense, filters: 3}"},
            "model.filters: no such setting (there are: family, hidden, activation, dropout, output)",
        ),
        (
            {"model": "{family: cnn, convolutions: [{filters: 1, kernl: 3}]}"},
            "model.convolutions[0].kernl: no such setting: did you mean kernel?",
        ),
        (
            {"training": "{epochs: 1, plateau: {factr: 0.5, monitor: loss}}"},
            "training.plateau.factr: no such setting: did you mean factor?",
        ),
        ({"1": "2"}, "1: no such setting (there are: name, description, data, model, training, expected)"),
        ({"'a b'": "2"}, '"a b": no such setting (there are: name, description, data, model, training, expected)'),
        ({"''": "2"}, '"": no such setting (there are: name, description, data, model, training, expected)'),
        ({"training": "{epochs: ten}"}, 'training.epochs: must be a whole number, not "ten"'),
        ({"training": "{epochs: 3.5}"}, "training.epochs: must be a whole number, not 3.5"),
        ({"training": "{epochs: true}"}, "training.epochs: must be a whole number, not true"),
        ({"training": "{epochs: null}"}, "training.epochs: must be a whole number, not null"),
        (
            {"training": "{epochs: '3'}"},
            'training.epochs: must be a whole number, not "3": write it without quotes',
        ),
        ({"training": "{epochs: 0}"}, "training.epochs: must be at least 1, not 0"),
        (
            {"training": "{epochs: " + "9" * 80 + "}"},
            f"training.epochs: must be at most 10000, not {'9' * 57}...",
        ),
        (
            {"training": "{epochs: 1, seed: 2147483648}"},
            "training.seed: must be less than 2147483648, not 2147483648",
        ),
        ({"training": "{}"}, "training.epochs: missing"),
        ({"training": "null"}, "training: must be a block of settings, not null"),
        ({"training": "[1]"}, "training: must be a block of settings, not [1]"),
        (
            {"training": "{epochs: 1, optimizer: adam}"},
            'training.optimizer: must be a block of settings, not "adam"',
        ),
        (
            {"training": '{epochs: 1, optimizer: {learning_rate: "1e-3"}}'},
            'training.optimizer.learning_rate: must be a number, not "1e-3": write it without quotes',
        ),
        (
            {"training": "{epochs: 1, optimizer: {learning_rate: 0}}"},
            "training.optimizer.learning_rate: must be more than 0, not 0",
        ),
        (
            {"training": "{epochs: 1, optimizer: {learning_rate: .inf}}"},
            'training.optimizer.learning_rate: must be a number, not ".inf"',
        ),
        (
            {"training": "{epochs: 1, loss: sparce}"},
            'training.loss: must be one of sparse, onehot, binary, not "sparce": did you mean sparse?',
        ),
        (
            {"training": "{epochs: 1, keep_best: 3}"},
            "training.keep_best: must be one of loss, accuracy, val_loss, val_accuracy, not 3",
        ),
        ({"data": "{validation: 1e400}"}, "data.validation: must be a finite number, not Infinity"),
        ({"data": "{validation: 0.6}"}, "data.validation: must be at most 0.5, not 0.6"),
        ({"data": "{source: ''}"}, 'data.source: must be text that is not empty, not ""'),
        ({"data": "null"}, "data: must be a block of settings, not null"),
        ({"name": "2024"}, "name: must be text, not 2024: put it in quotes"),
        ({"name": "null"}, "name: must be text, not null"),
        (
            {"name": "../up"},
            "name: must be 1 to 64 letters, digits, dots, dashes or underscores, beginning with a letter or "
            'digit, not "../up"',
        ),
        ({"description": "x" * 501}, f'description: must be at most 500 characters, not "{"x" * 56}...'),
        ({"description": "[é, 五]"}, 'description: must be text, not ["é", "五"]'),
        ({"model": "dense"}, 'model: must be a block of settings, not "dense"'),
        ({"model": "{}"}, "model.family: missing: one of dense, cnn"),
        (
            {"model": "{family: dens}"},
            'model.family: must be one of dense, cnn, not "dens": did you mean dense?',
        ),
        ({"model": "{family: [cnn]}"}, 'model.family: must be one of dense, cnn, not ["cnn"]'),
        ({"model": "{family: null}"}, "model.family: must be one of dense, cnn, not null"),
        (
            {"model": "{family: dense, hidden: 50}"},
            "model.hidden: must be a list, not 50: did you mean [50]?",
        ),
        ({"model": "{family: dense, hidden: {a: 1}}"}, 'model.hidden: must be a list, not {"a": 1}'),
        ({"model": "{family: dense, hidden: [50, a]}"}, 'model.hidden[1]: must be a whole number, not "a"'),
        ({"model": "{family: dense, hidden: [[50]]}"}, "model.hidden[0]: must be a whole number, not [50]"),
        (
            {"model": "{family: dense, hidden: [" + "1, " * 17 + "]}"},
            f"model.hidden: must be a list of 16 or fewer, not [{'1, ' * 17}"[:-2] + "]",
        ),
        ({"model": "{family: dense, dropout: 1}"}, "model.dropout: must be less than 1, not 1"),
        ({"model": "{family: cnn}"}, "model.convolutions: missing"),
        (
            {"model": "{family: cnn, convolutions: []}"},
            "model.convolutions: must be a list of 1 or more, not []",
        ),
        (
            {"model": "{family: cnn, convolutions: [5]}"},
            "model.convolutions[0]: must be a block of settings, not 5",
        ),
        ({"model": "{family: cnn, convolutions: [{}]}"}, "model.convolutions[0].filters: missing"),
        (
            {"model": "{family: cnn, convolutions: [{filters: 1, batch_norm: no}]}"},
            'model.convolutions[0].batch_norm: must be true or false, not "no"',
        ),
    ],
)
def test_a_wrong_value_is_refused_in_one_line(blocks: dict[str, str], what: str, complaints: Complaints) -> None:
    said(what, complaints, **blocks)


@pytest.mark.parametrize(
    ("blocks", "what"),
    [
        (
            {"training": "{epochs: 1, early_stopping: {}}"},
            "training.early_stopping.monitor: val_loss needs validation images, and data.validation is 0: "
            "set data.validation=0.1, or watch loss",
        ),
        (
            {"training": "{epochs: 1, plateau: {monitor: val_accuracy}}"},
            "training.plateau.monitor: val_accuracy needs validation images, and data.validation is 0: "
            "set data.validation=0.1, or watch accuracy",
        ),
        (
            {"training": "{epochs: 1, keep_best: val_loss}"},
            "training.keep_best: val_loss needs validation images, and data.validation is 0: "
            "set data.validation=0.1, or watch loss",
        ),
        (
            {
                "training": "{epochs: 1, early_stopping: {patience: 3}, plateau: {patience: 3}}",
                "data": "{validation: 0.1}",
            },
            "training.plateau.patience: 3 is not below training.early_stopping.patience (3), so the rate "
            "would never be lowered before training stops: use less, or let stopping wait longer",
        ),
        (
            {"training": "{epochs: 1, loss: binary}"},
            "training.loss: binary judges each class by itself and needs model.output: sigmoid, not softmax: "
            "set that, or use sparse or onehot",
        ),
        (
            {"model": "{family: cnn, convolutions: [" + "{filters: 1, pool: 4}, " * 3 + "]}"},
            "model.convolutions: the pools leave nothing of the 28 pixels: pool less",
        ),
        (
            {"training": "{epochs: 1, label_smoothing: 0.1}"},
            "training.label_smoothing: spreads targets over classes, which one-hot targets and a softmax can: "
            "set training.loss=onehot and model.output=softmax, or this to 0",
        ),
        (
            {"data": "{rendering: {}, validation: 0.1}"},
            "data.rendering.negatives: have every class as their target, which one-hot targets and a softmax can: "
            "set training.loss=onehot and model.output=softmax, or this to 0",
        ),
        (
            {"data": "{rendering: {}}", "training": "{epochs: 1, loss: onehot}"},
            "data.rendering.negatives: needs validation images, and data.validation is 0: set data.validation=0.1, "
            "or use 0: when to refuse is chosen on them",
        ),
        (
            {"training": "{epochs: 1, schedule: {}, plateau: {monitor: loss}}"},
            "training.schedule: and training.plateau both set the learning rate: choose one, and set the other to null",
        ),
        (
            {"training": "{epochs: 1, schedule: {}, numerics: portable}"},
            "training.schedule: is not for portable numerics: use fast, or schedule: null",
        ),
        (
            {"training": "{epochs: 1, averaging: {}}"},
            "training.averaging: is for cnn models: set it to null",
        ),
        (
            {"training": "{epochs: 1, calibrate: true}"},
            "training.calibrate: needs validation images, and data.validation is 0: set data.validation=0.1, "
            "or use false",
        ),
        (
            {
                "model": "{family: dense, output: sigmoid}",
                "data": "{validation: 0.1}",
                "training": "{epochs: 1, calibrate: true}",
            },
            "training.calibrate: is for softmax outputs: use false",
        ),
    ],
)
def test_a_contradiction_is_refused_in_one_line(blocks: dict[str, str], what: str, complaints: Complaints) -> None:
    said(what, complaints, **blocks)


# All complaints at once


def test_every_mistake_is_told_at_once(complaints: Complaints) -> None:
    lines = complaints(
        "name: bad name\nmodle: 1\nmodel: {family: dense, hidden: [50, 0]}\ntraining: {epochs: ten, loss: binary}\n"
    )
    assert [line.split(":")[0] for line in lines] == [
        *("name", "model.hidden[1]", "training.epochs", "modle", "training.loss")
    ]


@pytest.mark.parametrize(
    "mistake",
    [
        "name: 3\nmodel: {family: dense}",
        "model: {family: dense}",
        "name: x\nmodel: {family: other}",
        "name: x\nmodel: null",
        "name: x\nmodel: {family: cnn}",
        "name: x\nmodel: {family: cnn, convolutions: [{pool: 4}, 3, {filters: no}]}",
        "name: x\nmodel: {convolutions: [{filters: 1}]}",
    ],
)
def test_a_contradiction_is_told_beside_any_mistake(mistake: str, complaints: Complaints) -> None:
    lines = complaints(f"{mistake}\ntraining: {{keep_best: val_loss}}\n")
    assert "training.epochs: missing" in lines
    assert any(line.startswith("training.keep_best: val_loss needs validation images") for line in lines)


def test_no_contradiction_is_told_of_a_wrong_value(complaints: Complaints) -> None:
    said(
        'data.validation: must be a number, not "a tenth"',
        complaints,
        data="{validation: a tenth}",
        training="{epochs: 1, keep_best: val_loss}",
    )


def test_a_list_of_wrong_entries_is_not_called_short(complaints: Complaints) -> None:
    said(
        "model.convolutions[0]: must be a block of settings, not 1",
        complaints,
        model="{family: cnn, convolutions: [1]}",
    )


# Files that are no recipe


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "null\n", "---\n"])
def test_an_empty_file_says_where_to_start(text: str, write: Write) -> None:
    path = write(text)
    with pytest.raises(ConfigError, match=re.escape(f"{path}: is empty. Start from a shipped one")):
        load_config(path)


@pytest.mark.parametrize("text", ["just words", "- a\n- b\n", "3", "[]"])
def test_a_file_without_settings_says_what_a_config_is(text: str, complaints: Complaints) -> None:
    assert complaints(text) == ["a config is a block of `key: value` lines, and this is none"]


def test_a_file_that_does_not_parse_has_its_line(write: Write) -> None:
    path = write("name: x\nmodel: [1, 2\n")
    with pytest.raises(ConfigError, match=re.escape(f"{path}, line 3, column 1: not a YAML config: ")):
        load_config(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\x80\x81\xfe\xff" * 20, "not text in UTF-8"),
        ("name: x".encode("utf-16"), "not text in UTF-8"),
        (b"\x00" * 20, "is not text"),
        (b"#" * 300_000, "larger than 256 KiB"),
    ],
)
def test_a_file_that_is_no_text_is_refused(content: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=re.escape(f"{path}")) as caught:
        load_config(path)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


# Which file is meant


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder, with `small` and `other` as the shipped recipes."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    known = {name: folder / f"{name}.yaml" for name in ("other", "small")}
    for path in known.values():
        path.write_text(MINIMAL, encoding="utf-8")
    monkeypatch.setattr(config_loading, "shipped_configs", lambda: known)
    monkeypatch.chdir(tmp_path)
    return folder


def test_a_shipped_recipe_goes_by_its_name(shipped: Path) -> None:
    assert find_config("small") == find_config("small.yaml") == shipped / "small.yaml"
    assert load_config("small").name == "small"


def test_a_path_goes_before_a_name(shipped: Path) -> None:
    Path("small.yaml").write_text(MINIMAL.replace("small", "mine"), encoding="utf-8")
    assert load_config("small.yaml").name == "mine"
    assert load_config("small").name == "small"


@pytest.mark.parametrize(
    ("where", "problem"),
    [
        ("smal", "smal: no such config"),
        ("sub/small", "sub/small: no such config"),
        ("folder.yaml", "folder.yaml: is a folder, not a config"),
        ("", "(nothing): is a folder, not a config"),
        ("/dev/null", "/dev/null: is not a regular file"),
        ("x" * 5000, f"{'x' * 5000}: cannot be read (File name too long)"),
        ("nul\0", "nul\0: no such config"),
    ],
)
@pytest.mark.usefixtures("shipped")
def test_a_missing_config_names_those_that_exist(where: str, problem: str) -> None:
    Path("folder.yaml").mkdir()
    with pytest.raises(ConfigError) as caught:
        load_config(where)
    assert str(caught.value) == f"{problem}. Give a path, or one of: other, small"


# Settings put over the file


@pytest.mark.parametrize(
    ("given", "settings"),
    [
        ("training.epochs=3", {"training.epochs": 3}),
        ("training.optimizer.learning_rate=1e-3", {"training.optimizer.learning_rate": 0.001}),
        ("model.hidden=[64, 32]", {"model.hidden": [64, 32]}),
        ("training.keep_best=null", {"training.keep_best": None}),
        ("training.keep_best=", {"training.keep_best": None}),
        ("description=a=b", {"description": "a=b"}),
        (" name = x ", {"name": "x"}),
        ("model={family: dense}", {"model": {"family": "dense"}}),
    ],
)
def test_a_setting_reads_as_in_the_file(given: str, settings: dict[str, Any]) -> None:
    assert parse_settings([given]) == settings


def test_of_two_settings_the_last_counts() -> None:
    assert parse_settings(["a=1", "b=2", "a=3"]) == {"a": 3, "b": 2}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("training.epochs", "write it as key=value, for example --set training.epochs=3"),
        ("=3", "write it as key=value"),
        ("training..epochs=3", "write it as key=value"),
        (".=3", "write it as key=value"),
        ("model.hidden=[64, 32", "line 1, column 8: not a YAML config: expected ',' or ']'"),
        ("name=!x", "tags (with an exclamation mark) are not used here"),
        ("name=\udcff", "is not text"),
    ],
)
def test_bad_syntax_of_a_setting_is_refused(given: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_settings([given])
    assert str(caught.value).startswith(f"--set {given}")
    assert says in str(caught.value)


def test_settings_go_over_the_file(write: Write) -> None:
    config = load_config(write(MINIMAL), {"training.epochs": 3, "model.hidden": [7], "data.validation": 0.1})
    assert (config.training.epochs, config.data.validation) == (3, 0.1)
    assert config.model.hidden == (7,)


def test_a_setting_can_open_a_block_that_was_null(write: Write) -> None:
    path = write(MINIMAL.replace("epochs: 1", "epochs: 1, early_stopping: null"))
    config = load_config(path, {"training.early_stopping.patience": 9, "data.validation": 0.1})
    assert config.training.early_stopping is not None
    assert config.training.early_stopping.patience == 9


def test_an_unknown_setting_is_a_complaint_like_any_other(write: Write) -> None:
    with pytest.raises(ConfigError, match=r"training\.epoch: no such setting: did you mean epochs\?"):
        load_config(write(MINIMAL), {"training.epoch": 3})


@pytest.mark.parametrize(
    ("key", "says"),
    [
        (
            "model.hidden.0",
            "model.hidden.0: model.hidden is [5], not a block of settings: set model.hidden itself",
        ),
        ("name.x", 'name.x: name is "small", not a block of settings: set name itself'),
    ],
)
def test_a_setting_does_not_replace_what_is_no_block(key: str, says: str, write: Write) -> None:
    path = write(MINIMAL.replace("family: dense", "family: dense, hidden: [5]"))
    with pytest.raises(ConfigError, match=re.escape(says)):
        load_config(path, {key: 3})


@pytest.mark.parametrize(
    "value", [Path("x"), {1, 2}, b"x", math.nan, -math.inf, "\ud800", object(), [[[]]], {"a": {}}, 10**400]
)
def test_a_value_from_python_that_does_not_fit_is_refused(value: Any, write: Write) -> None:
    with pytest.raises(ConfigError):
        load_config(write(MINIMAL), {"training.epochs": value})


def test_a_tree_too_deep_or_endless_is_refused() -> None:
    deep: dict[str, Any] = {}
    override(deep, ".".join("a" * 3000), 1)
    endless: dict[str, Any] = {}
    endless["a"] = endless
    for tree in (deep, endless):
        config, complaints = check(tree)
        assert config is None
        assert len(complaints) == 1
    override(deep, ".".join("b" * 300), 1)


def test_settings_on_a_file_without_any_leave_the_complaint_to_the_check(write: Write) -> None:
    with pytest.raises(ConfigError, match="a config is a block of"):
        load_config(write("- a"), {"training.epochs": 3}, seed=3, name="x")


# Seed and name


@pytest.mark.parametrize(
    ("seed", "name", "expected"),
    [
        (None, None, ("small", 0)),
        (7, None, ("small-seed7", 7)),
        (7, "mine", ("mine", 7)),
        (None, "mine", ("mine", 0)),
    ],
)
def test_a_seed_names_its_result(seed: int | None, name: str | None, expected: tuple[str, int], write: Write) -> None:
    config = load_config(write(MINIMAL), seed=seed, name=name)
    assert (config.name, config.training.seed) == expected


def test_a_seed_does_not_make_up_a_name(write: Write) -> None:
    with pytest.raises(ConfigError, match="name: missing"):
        load_config(write(MINIMAL.replace("name: small\n", "")), seed=7)


def test_a_seed_out_of_range_is_refused(write: Write) -> None:
    with pytest.raises(ConfigError, match=r"training\.seed: must be at least 0, not -1"):
        load_config(write(MINIMAL), seed=-1)


# Smaller parts


def test_differences_are_a_line_each() -> None:
    ours = {"name": "x", "a": {"b": 1, "c": [1], "d": None, "same": 0.5}, "old": True}
    theirs = {"name": "é", "a": {"b": 2, "c": [1, 2], "d": {"e": 1}, "same": 0.5}, "new": {}}
    assert differences(ours, theirs) == [
        'name: "x" → "é"',
        "a.b: 1 → 2",
        "a.c: [1] → [1, 2]",
        'a.d: null → {"e": 1}',
        "old: true → not set",
        "new: not set → {}",
    ]


def test_places_are_dotted() -> None:
    assert dotted(("model", "convolutions", 0, "filters")) == "model.convolutions[0].filters"
    assert dotted(("a", ".b", "c\nd")) == 'a.".b"."c\\nd"'


# Whatever is in the file: a config, or complaints of one line each


def _mutated(tree: Any, random: random.Random) -> Any:
    """The tree with one value, key or entry changed somewhere."""
    odd: tuple[Any, ...] = (
        None,
        True,
        -1,
        0,
        10**30,
        1.5,
        math.inf,
        math.nan,
        "",
        "x" * 700,
        "\ud800",
        [],
        {},
        [[0]],
        {"family": 3},
    )
    if not isinstance(tree, dict | list) or not tree or random.random() < 0.1:
        return copy.deepcopy(random.choice(odd))
    at = random.choice(list(tree) if isinstance(tree, dict) else range(len(tree)))
    action = random.random()
    if action < 0.15:
        del tree[at]
    elif action < 0.3 and isinstance(tree, dict):
        key = random.choice(["famly", "", "a.b", "\n", "epochs", "0", "dense", "cnn", "filters"])
        tree[key] = tree.pop(at)
    else:
        tree[at] = _mutated(tree[at], random)
    return tree


def test_no_tree_is_a_traceback() -> None:
    seeded = random.Random(1)
    whole = [yaml_text.parse(text, "here") for text in (MINIMAL, FULL)]
    accepted = 0
    for _ in range(1500):
        tree = copy.deepcopy(seeded.choice(whole))
        for _ in range(seeded.randint(1, 5)):
            tree = _mutated(tree, seeded)
        config, complaints = check(tree)
        accepted += isinstance(config, Config)
        assert (config is None) == bool(complaints)
        for complaint in complaints:
            assert "\n" not in str(complaint)
            assert not re.search("nput should|something else|JSON", str(complaint)), "pydantic's own words"
    assert 0 < accepted < 1500


def test_no_text_is_a_traceback() -> None:
    seeded = random.Random(2)
    for _ in range(300):
        text = list(FULL)
        for _ in range(seeded.randint(1, 6)):
            text[seeded.randrange(len(text))] = seeded.choice("{}[]:,-?!&*#|>'\"%@`\t\n \x00é0.\\")
        try:
            check(yaml_text.parse("".join(text), "here"))
        except ConfigError as refusal:
            assert "\n" not in str(refusal)  # noqa: PT017 - most of them parse
