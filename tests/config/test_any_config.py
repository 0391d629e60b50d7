"""Whatever is in a file: a config, or complaints of one line each."""

import copy
import math
import random
import re
from typing import Any

from mnist_pipeline.config import yaml_text
from mnist_pipeline.config.checking import check
from mnist_pipeline.config.schema import Config
from mnist_pipeline.errors import ConfigError
from tests.config.recipe_texts import FULL, MINIMAL


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
        if not isinstance(tree, dict):
            continue  # refused as it is read
        try:
            accepted += isinstance(check(tree, "here"), Config)
        except ConfigError as refusal:
            first, *complaints = str(refusal).splitlines()
            assert re.match(rf"here: ({len(complaints)} complaints?$|a value has no place)", first)
            assert not re.search("nput |tring |uple |JSON|should", str(refusal)), "pydantic's own words"  # noqa: PT017
    assert 0 < accepted < 1500


def test_no_text_is_a_traceback() -> None:
    seeded = random.Random(2)
    for _ in range(300):
        text = list(FULL)
        for _ in range(seeded.randint(1, 6)):
            text[seeded.randrange(len(text))] = seeded.choice("{}[]:,-?!&*#|>'\"%@`\t\n \x00é0.\\")
        try:
            yaml_text.parse("".join(text), "here")
        except ConfigError as refusal:
            assert "\n" not in str(refusal)  # noqa: PT017 - most of them parse
