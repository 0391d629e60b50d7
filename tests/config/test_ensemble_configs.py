"""The config of an ensemble: the whole recipe of each member, and what cannot be in it."""

import copy
from typing import Any

import pytest

from mnist_pipeline.config import yaml_text
from mnist_pipeline.config.checking import check
from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.config.schema import Config
from mnist_pipeline.errors import ConfigError
from mnist_pipeline.reproduction.verifying import _size
from tests.config.recipe_texts import Write


def member(name: str, **settings: Any) -> dict[str, Any]:
    config = load_config("smoke", {key.replace("__", "."): value for key, value in settings.items()})
    return {"name": name, **{key: config.recipe()[key] for key in ("data", "model", "training")}}


TREE: dict[str, Any] = {
    "name": "two",
    "model": {"family": "ensemble", "members": [member("a"), member("b", training__seed=1, training__threads=2)]},
}


def test_it_reads_back_the_same(write: Write) -> None:
    config = check(TREE, "here")
    assert load_config(write(yaml_text.write(config.tree()))) == config == Config.of(config.tree())
    assert "training" not in config.recipe()


def test_what_holds_for_all_members_stands_in_the_place_of_its_training() -> None:
    training = check(TREE, "here").training
    assert (training.epochs, training.threads, training.numerics) == (2, 2, "fast")
    tree = copy.deepcopy(TREE)
    for each in tree["model"]["members"]:
        each["training"]["numerics"] = "portable"
    assert check(tree, "here").training.numerics == "portable"


def test_its_images_can_be_somewhere_else() -> None:
    config = check(TREE, "here").reading("there.npz")
    assert [each.data.source for each in (config, *config.members)] == ["there.npz"] * 3


def test_it_takes_what_its_members_take() -> None:
    whole, parts = _size(check(TREE, "here")), [_size(each) for each in check(TREE, "here").members]
    assert whole["products"] == sum(part["products"] for part in parts)
    assert whole["values of a batch"] == parts[0]["values of a batch"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"training": {"seed": 3}}, "training.seed: is each member's own where model.family is ensemble: leave it out"),
        ({"tune": {"search": {"training.seed": {"low": 1, "high": 2}}}}, "tune: is not for model.family: ensemble"),
        ({"members": [member("a")]}, "model.members: must be a list of 2 or more"),
        ({"members": [member("a"), member("a", training__seed=1)]}, "model.members[1]: a is there twice"),
        ({"members": [member("a"), {"name": "b", **TREE}]}, "model.members[1]: two is an ensemble itself"),
        ({"members": [member("a"), member("b", data__source="x")]}, "model.members[1].data.source: is another than"),
        ({"members": [member("a"), {"name": "b"}]}, "model.members[1].model: missing"),
        ({"members": [member("a"), member("b") | {"training": {"epochs": 0}}]}, "model.members[1].training.epochs: "),
        ({"members": [member("a"), member("b") | {"training": {"epochs": 1, "keep_best": "val_loss"}, "data": {}}]},
         "model.members[1]: training.keep_best: val_loss needs validation images"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(change: dict[str, Any], complaint: str) -> None:
    tree = copy.deepcopy(TREE) | {key: value for key, value in change.items() if key != "members"}
    tree["model"]["members"] = change.get("members", tree["model"]["members"])
    with pytest.raises(ConfigError) as refused:
        check(tree, "here")
    assert any(line.strip().startswith(complaint) for line in str(refused.value).splitlines()), refused.value


def test_an_option_that_is_not_for_it_is_named(write: Write) -> None:
    path = write(yaml_text.write(check(TREE, "here").tree()))
    with pytest.raises(ConfigError, match=r"^--seed: is each member's own"):
        load_config(path, seed=3)
