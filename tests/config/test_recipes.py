"""A recipe file to a frozen Config: which file is meant, what is in it, what is put over it."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from mnist_pipeline.config import recipes, yaml_text
from mnist_pipeline.config.recipes import find_config, load_config
from mnist_pipeline.config.schema import CnnModel, DenseModel
from mnist_pipeline.errors import ConfigError
from mnist_pipeline.runs.opening import differences
from tests.config.recipe_texts import FULL, MINIMAL, Write


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
    assert set(config.tree()) - set(config.recipe()) == {"name", "description", "expected", "tune"}
    assert config.recipe() == load_config(write(FULL), {"description": "other"}, name="other").recipe()


# Files that are no recipe


@pytest.mark.parametrize("text", ["", "# nothing\n", "null\n", "---\n", "just words", "- a\n- b\n", "3", "[]"])
def test_a_file_without_settings_says_where_to_start(text: str, write: Write) -> None:
    path = write(text)
    with pytest.raises(ConfigError, match=re.escape(f"{path}: holds no `key: value` lines. Start from a shipped")):
        load_config(path, {"training.epochs": 3}, seed=3, name="x")


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
    monkeypatch.setattr(recipes, "shipped_configs", lambda: known)
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
        ("smal", "smal: no such config. Did you mean small?"),
        ("sub/small", "sub/small: no such config. Did you mean small?"),
        ("folder.yaml", "folder.yaml: is no file."),
        ("", "(nothing): is no file."),
        ("/dev/null", "/dev/null: is no file."),
        ("x" * 5000, f"{'x' * 5000}: no such config."),
        ("nul\0", "nul\0: no such config."),
    ],
)
@pytest.mark.usefixtures("shipped")
def test_a_missing_config_names_those_that_exist(where: str, problem: str) -> None:
    Path("folder.yaml").mkdir()
    with pytest.raises(ConfigError) as caught:
        load_config(where)
    assert str(caught.value) == f"{problem} Give a path, or one of: other, small"
