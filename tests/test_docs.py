"""What the documents say is so: commands parse, files are listed, configs are complete."""

import ast
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command
from typer.testing import CliRunner

from mnist_pipeline.cli import app
from mnist_pipeline.config import load_config, shipped_configs
from mnist_pipeline.config.yaml_text import parse
from mnist_pipeline.exports.forms import FORMS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
REPRODUCED = (ROOT / "docs" / "reproduce.md").read_text(encoding="utf-8")


def commands_in_readme() -> list[str]:
    """Every line of a shell block that calls mnist."""
    blocks = re.findall(r"```(?:sh|console)\n(.*?)```", README, flags=re.DOTALL)
    lines = (line.split("#")[0].strip() for block in blocks for line in block.splitlines())
    return [line for line in lines if line.startswith("mnist ")]


def verbs(command: Any, prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every command and group, as the words that call it."""
    inside = getattr(command, "commands", {})
    return [prefix, *(words for name, sub in inside.items() for words in verbs(sub, (*prefix, name)))]


def test_the_readme_has_commands() -> None:
    assert len(commands_in_readme()) >= 8


@pytest.mark.parametrize("line", commands_in_readme())
def test_every_command_in_the_readme_exists_with_its_options(line: str) -> None:
    words = shlex.split(line.split(">")[0].split("|")[0])[1:]
    group: Any = get_command(app)
    verb = []
    while words and words[0] in getattr(group, "commands", {}):
        verb.append(words[0])
        group = group.commands[words.pop(0)]
    assert verb or words[0].startswith("-"), f"no such verb: {line}"
    known = {option for parameter in group.params for option in getattr(parameter, "opts", [])} | {"--help"}
    assert {word.split("=")[0] for word in words if word.startswith("-")} <= known, line


@pytest.mark.parametrize("words", verbs(get_command(app)), ids=" ".join)
def test_every_verb_has_help_and_every_leaf_an_example(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    if words and words != ("data",) and words != ("config",):
        assert f"Example: mnist {' '.join(words)}" in result.stdout


@pytest.mark.parametrize("name", sorted(shipped_configs()))
def test_a_shipped_config_is_complete_and_begins_with_its_command(name: str) -> None:
    text = shipped_configs()[name].read_text(encoding="utf-8")
    config = load_config(name)
    assert text.startswith(f"# mnist train --config {name}.yaml\n")
    assert config.name == name
    assert parse(text, name) == config.tree(), "every setting stands in the file: nothing is left to defaults"


def test_the_tree_says_of_each_module_what_the_module_says() -> None:
    package = ROOT / "src" / "mnist_pipeline"
    tree = README.split("## The tree")[1].split("```")[1]
    said = [line.split(maxsplit=1) for line in tree.strip().splitlines()[1:]]
    expected = []
    for path in package.rglob("*.py"):
        name = f"{path.parent.name}/" if path.name == "__init__.py" and path.parent != package else path.name
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        expected.append([name, docstring.splitlines()[0]])
    assert sorted(said) == sorted(expected)


def table_of(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("| ")]


def test_the_results_in_the_readme_are_those_that_were_measured() -> None:
    section = README.split("## Results")[1].split("\n## ")[0]
    assert table_of(section) == table_of(REPRODUCED)


@pytest.mark.parametrize("name", sorted(shipped_configs()))
def test_the_measured_table_says_what_the_configs_expect(name: str) -> None:
    expected = load_config(name).expected
    if expected is None or expected.test_accuracy is None or expected.test_loss is None:
        assert f"| {name} |" not in REPRODUCED
        return
    accuracy, loss = expected.test_accuracy, expected.test_loss
    shown = {
        "test accuracy": f"{100 * accuracy.mean:.2f} ± {100 * accuracy.sd:.2f} % ({expected.n})",
        "test loss": f"{loss.mean:.4f} ± {loss.sd:.4f} ({expected.n})",
    }
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in table_of(REPRODUCED)]
    measured = {row[2]: row[4] for row in rows if row[0] == name and row[2] in shown}
    assert measured == shown


@pytest.mark.parametrize("recipe", ["dense", "cnn", "photo"])
def test_the_readme_measures_every_form_of_a_recipe(recipe: str) -> None:
    section = README.split("## Out of the notebook")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in table_of(section)]
    measured = [(row[1], row[2]) for row in rows if row[0] == recipe]
    forms = [form for form in FORMS.values() if form.name != "c-array"]
    assert measured == [("keras", "keras"), *((form.name, reader) for form in forms for reader in form.readers)]


def test_links_in_the_readme_lead_to_files() -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", README)
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_the_workflows_are_yaml_and_run_make() -> None:
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        text = path.read_text(encoding="utf-8")
        assert yaml.safe_load(text)["jobs"]
        assert "make " in text
