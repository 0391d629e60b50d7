"""Settings, a seed and a name put over a recipe."""

import math
import re
from pathlib import Path
from typing import Any

import pytest

from mnist_pipeline.config.checking import check
from mnist_pipeline.config.recipes import load_config, override, parse_settings
from mnist_pipeline.errors import ConfigError
from tests.config.recipe_texts import MINIMAL, Write


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
    assert config.network.hidden == (7,)


def test_a_setting_can_open_a_block_that_was_null(write: Write) -> None:
    path = write(MINIMAL.replace("epochs: 1", "epochs: 1, early_stopping: null"))
    config = load_config(path, {"training.early_stopping.patience": 9, "data.validation": 0.1})
    assert config.training.early_stopping is not None
    assert config.training.early_stopping.patience == 9


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"training.epoch": 3}, "--set training.epoch: no such setting: did you mean epochs?"),
        ({"data.validation": 2}, "--set data.validation: must be less than or equal to 0.5, not 2"),
        (
            {"model": {"family": "den"}},
            '--set model: model.family: must be one of dense, cnn, ensemble, not "den": did you mean dense?',
        ),
    ],
)
def test_a_mistake_in_a_setting_is_no_fault_of_the_files(settings: dict[str, Any], says: str, write: Write) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write(MINIMAL), settings)
    assert str(caught.value) == says


def test_a_mistake_of_the_file_stays_the_files(write: Write) -> None:
    path = write(MINIMAL.replace("epochs: 1", "epochs: 1, keep_best: val_loss, seeds: 3"))
    with pytest.raises(ConfigError) as caught:
        load_config(path, {"data.validation": 0.0})
    assert str(caught.value).splitlines() == [
        f"{path}: 2 complaints",
        "  training.seeds: no such setting: did you mean seed?",
        "  --set data.validation: training.keep_best: val_loss needs validation images, and data.validation is 0: "
        "set data.validation=0.1, or watch loss",
    ]


@pytest.mark.parametrize(
    ("key", "says"),
    [
        (
            "model.hidden.0",
            "--set model.hidden.0: model.hidden is [5], not a block of settings: set model.hidden itself",
        ),
        ("name.x", '--set name.x: name is "small", not a block of settings: set name itself'),
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
        with pytest.raises(ConfigError, match="no place in a config"):
            check(tree, "here")
    override(deep, ".".join("b" * 300), 1)


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
    with pytest.raises(ConfigError, match=r"^--seed: must be greater than or equal to 0, not -1"):
        load_config(write(MINIMAL), seed=-1)
