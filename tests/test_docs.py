"""What the documents say is so: commands parse, links lead somewhere, tables are what was measured."""

import re
import shlex
import shutil
import statistics
import subprocess
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from hatchling.metadata.core import ProjectMetadata
from hatchling.plugin.manager import PluginManager
from typer.main import get_command
from typer.testing import CliRunner

from docs.generate import pages
from mnist_pipeline.cli import app
from mnist_pipeline.config.recipes import load_config, shipped_configs
from mnist_pipeline.config.yaml_text import parse
from mnist_pipeline.exports.forms import FORMS

ROOT = Path(__file__).parents[1]
PAGES = [
    *sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("benchmarks/*.md")),
    *(ROOT / folder / "README.md" for folder in ("artifacts", "examples")),
]  # fmt: skip
MAKE_TARGETS = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def table_of(text: str) -> list[list[str]]:
    """The cells of each row of the tables in a text."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:2] == "| "]


def section_of(page: str, heading: str) -> str:
    return page.split(f"## {heading}\n")[1].split("\n## ")[0]


# Commands


def code_in(page: Path) -> list[str]:
    """Every line of a shell block without its comment, and every piece of code within a sentence."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:sh|console)\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    lines = [line.removeprefix("$ ").split(" #")[0].strip() for block in blocks for line in block.splitlines()]
    return lines + re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))


def commands_in(page: Path) -> list[str]:
    """Every call of mnist, but for the lines that only say how one is put together."""
    pieces = [piece.strip() for line in code_in(page) for piece in re.split(r"[|>]", line)]
    return sorted({piece for piece in pieces if piece.startswith("mnist ") and "[OPTIONS]" not in piece})


def unknown_in(line: str) -> set[str]:
    """The words of a call that are neither a verb nor one of its options."""
    words = shlex.split(line)[1:]
    group: Any = get_command(app)
    while words and words[0] in getattr(group, "commands", {}):
        group = group.commands[words.pop(0)]
    known = {option for parameter in group.params for option in getattr(parameter, "opts", [])} | {"--help"}
    if hasattr(group, "commands"):
        return {word for word in words if word not in known}
    return {word for word in words if word[0] == "-" != word and word.split("=")[0] not in known}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_exists_with_its_options(page: Path) -> None:
    assert {line: unknown_in(line) for line in commands_in(page) if unknown_in(line)} == {}


def test_commands_are_found_in_blocks_and_in_sentences_and_checked() -> None:
    assert {"mnist predict scans --csv", "mnist evaluate"} <= set(commands_in(ROOT / "README.md"))
    assert "mnist bench RUN --markdown" in commands_in(ROOT / "docs" / "export.md")
    assert unknown_in("mnist train --config dense --sed 3") == {"--sed"}
    assert unknown_in("mnist data show") == {"show"}


def missing_in(line: str) -> set[str]:
    """The words of a call of mnist, make or a module that are no verb, target, module, option or file of ours."""
    words = shlex.split(line)
    if words[0] == "mnist":
        files = {word for word in words[1:] if "/" in word and not word.startswith("artifacts/")}
        return unknown_in(line) | {word for word in files if not (ROOT / word).exists()}
    if words[0] == "make":
        return set(words[1:]) - set(MAKE_TARGETS)
    module = words[words.index("-m") + 1]
    if find_spec(module.split(".")[0]) is None or find_spec(module) is None:
        return {module}
    source = ROOT / f"{module.replace('.', '/')}.py"
    text = source.read_text(encoding="utf-8") if source.is_file() else None  # None: not ours, as pytest is
    if text and "add_options(parser)" in text:
        text += text_of("benchmarks/scoring.py")
    return {word for word in words if text and word.startswith("--") and f'"{word.split("=")[0]}"' not in text}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_make_target_and_module_exists_with_its_options(page: Path) -> None:
    calls = [line for line in code_in(page) if re.match(r"make [a-z-]|python -m [a-z]", line)]
    assert {line: missing_in(line) for line in calls if missing_in(line)} == {}


def test_what_is_missing_is_seen() -> None:
    assert missing_in("make tests lint") == {"tests"}
    assert missing_in("python -m benchmarks.speed") == {"benchmarks.speed"}
    assert missing_in("python -m benchmarks.pages --part test --page 3") == {"--page"}
    assert missing_in("python -m benchmarks.bench --part test") == {"--part"}
    assert missing_in("mnist run --config configs/thick.yaml --quick") == {"configs/thick.yaml", "--quick"}


needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make, as on Windows")


def dry_run(target: str) -> list[str]:
    """The calls of mnist and of modules that a target of the Makefile makes, those of what it depends on included."""
    call = ["make", "--dry-run", "--always-make", "--no-print-directory", target]
    said = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    said = re.sub(r"\s*\\\n\s*", " ", said)  # a call over several lines
    return re.findall(r"^\.venv/bin/(mnist .*|python -m .*)$", said, flags=re.MULTILINE)


@needs_make
@pytest.mark.parametrize("target", MAKE_TARGETS)
def test_every_command_that_make_runs_exists(target: str) -> None:
    assert {line: missing_in(line) for line in dry_run(target) if missing_in(line)} == {}


@needs_make
def test_the_commands_that_make_runs_are_found() -> None:
    assert "mnist run --config configs/dense.yaml" in dry_run("run")
    assert "python -m benchmarks.shipping artifacts/photo" in dry_run("shipped")


WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def steps(workflow: Path) -> list[str]:
    """The command lines of a workflow's steps."""
    jobs = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"].values()
    return [line for job in jobs for step in job["steps"] for line in step.get("run", "").splitlines()]


@needs_make
@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_runs_make_and_reads_what_make_writes(workflow: Path) -> None:
    made = [line for line in steps(workflow) if line.startswith("make ")]
    assert made
    assert {line: missing_in(line) for line in made if missing_in(line)} == {}
    written = " ".join(word for line in made for target in line.split()[1:] for word in dry_run(target))
    read = [line.split()[1] for line in steps(workflow) if line.startswith("cat ")]
    assert [path for path in read if path not in written] == []
    modules = [line for line in steps(workflow) if re.match(r"(\.venv/bin/)?python -m ", line)]
    assert {line: missing_in(line) for line in modules if missing_in(line)} == {}
    assert [line for line in steps(workflow) if line.split()[0] not in ("make", "cat") and line not in modules] == []


def test_windows_is_tried_with_the_commands_that_the_page_on_installing_gives() -> None:
    job = yaml.safe_load(text_of(".github/workflows/test.yml"))["jobs"]["windows"]
    tried = [step["run"].removesuffix(" --numprocesses auto --dist loadfile") for step in job["steps"] if "run" in step]
    given = [line for line in code_in(ROOT / "docs" / "install.md") if line.startswith(".venv/Scripts/python ")]
    assert [line.removeprefix(".venv/Scripts/") for line in given] == tried


def test_a_workflow_is_started_by_changes_to_files_that_exist() -> None:
    triggers = yaml.safe_load(text_of(".github/workflows/reproduce.yml"))[True]  # YAML 1.1 reads `on` as true
    patterns = triggers["push"]["paths"]
    assert [pattern for pattern in patterns if not any(ROOT.glob(pattern.removesuffix("/**")))] == []
    rooms = {path.name for path in (ROOT / "src" / "mnist_pipeline").iterdir() if (path / "__init__.py").exists()}
    watched = {pattern.split("/")[2] for pattern in patterns if pattern.startswith("src/mnist_pipeline/")}
    assert rooms - watched == {"cli", "exports", "web"}, "which move no number that is reproduced"


def test_what_ci_runs_on_a_clone_is_make() -> None:
    lines = [line for line in text_of(".ci/run").splitlines() if line.startswith("make ")]
    assert lines
    assert [missing_in(line) for line in lines if missing_in(line)] == []


def test_nobody_is_sent_to_the_package_that_is_somebody_else_s() -> None:
    files = [*PAGES, ROOT / "pyproject.toml", *(ROOT / "src").rglob("*.py")]
    assert [path for path in files if "mnist-pipeline" in path.read_text(encoding="utf-8")] == []


def verbs(command: Any, prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every command and group, as the words that call it."""
    inside = getattr(command, "commands", {})
    return [prefix, *(words for name, sub in inside.items() for words in verbs(sub, (*prefix, name)))]


@pytest.mark.parametrize("words", verbs(get_command(app)), ids=" ".join)
def test_every_verb_has_help_and_every_leaf_an_example(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    if words and words != ("data",) and words != ("config",):
        assert f"Example: mnist {' '.join(words)}" in result.stdout


# Pages


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_pictures_lead_to_files(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_page_of_docs_is_linked_from_the_readme_but_for_the_one_that_results_holds() -> None:
    linked = set(re.findall(r"\]\(docs/(\w+\.md)\)", text_of("README.md")))
    assert linked == {page.name for page in ROOT.glob("docs/*.md")} - {"reproduce.md"}


def test_the_folders_and_modules_that_contributing_names_exist() -> None:
    named = re.findall(r"`([\w./]+(?:/|\.py))`", text_of("CONTRIBUTING.md"))
    places = [ROOT, ROOT / "src" / "mnist_pipeline"]
    assert len(named) > 10
    assert [path for path in named if not any((place / path).exists() for place in places)] == []


def test_generated_parts_are_what_make_docs_writes() -> None:
    stale = [path.name for path, text in pages().items() if path.read_text(encoding="utf-8") != text]
    assert stale == [], "run `make docs`"


def test_the_readme_is_short() -> None:
    lines = text_of("README.md").splitlines()
    assert len(lines) <= 150
    assert [line for line in lines if len(line) > 120] == []


def test_the_package_index_gets_the_readme_without_links_that_lead_nowhere_there() -> None:
    shown = ProjectMetadata(str(ROOT), PluginManager()).core.readme
    assert re.findall(r"\]\((?!https?:)", shown) == []
    assert "docs/handwriting.md" in shown
    assert shown.count("\n## ") == text_of("README.md").count("\n## ")


def test_what_the_readme_links_to_is_in_the_source_distribution() -> None:
    build = tomllib.loads(text_of("pyproject.toml"))["tool"]["hatch"]["build"]["targets"]["sdist"]
    packed = {path for pattern in build["include"] for path in ROOT.glob(pattern.lstrip("/"))}
    targets = [ROOT / target for target in re.findall(r"\]\((?!https?:)([^)]+)\)", text_of("README.md"))]
    assert [path for path in targets if not packed & {path, *path.parents}] == []


# Configs and results


@pytest.mark.parametrize("name", sorted(shipped_configs()))
def test_a_shipped_config_is_complete_and_begins_with_its_command(name: str) -> None:
    text = shipped_configs()[name].read_text(encoding="utf-8")
    config = load_config(name)
    assert text.startswith(f"# mnist train --config {name}.yaml\n")
    assert config.name == name
    tree = config.tree()
    for ends in (tree["tune"] or {"search": {}})["search"].values():  # a range or choices: what it lacks is not said
        for end in [end for end, value in ends.items() if value is None or value is False]:
            del ends[end]
    assert parse(text, name) == tree, "every setting stands in the file: nothing is left to defaults"


REPRODUCED = table_of(text_of("docs/reproduce.md"))
OF_OTHER_SETS = table_of(section_of(text_of("docs/classes.md"), "The recipes"))


def test_the_results_in_the_readme_are_the_test_accuracies_that_were_measured() -> None:
    assert REPRODUCED[0] == ["recipe", "source", "figure", "reported", "measured (n)", "one more run (95 %)", "verdict"]
    first: dict[tuple[str, str], list[str]] = {}  # what the field claims stands on the page of results alone
    for recipe, source, figure, reported, measured, _, verdict in REPRODUCED:
        if figure == "test accuracy" and not recipe.endswith("-portable"):  # which the page of results has
            beside = [source, reported, verdict] if re.fullmatch(r"R\d", source) else ["–"] * 3
            first.setdefault((recipe, beside[0]), [recipe, *beside[:2], measured, beside[2]])
    shown = table_of(section_of(text_of("README.md"), "Results"))
    assert shown[1:] == list(first.values())


@pytest.mark.parametrize("name", sorted(shipped_configs()))
def test_the_measured_table_says_what_the_configs_expect(name: str) -> None:
    expected = load_config(name).expected
    measured = {row[2]: row[4] for row in REPRODUCED if row[0] == name}
    measured |= {row[1]: row[2] for row in OF_OTHER_SETS if row[0] == name}
    if expected is None or expected.test_accuracy is None or expected.test_loss is None:
        assert measured == {}
        return
    accuracy, loss = expected.test_accuracy, expected.test_loss
    assert measured["test accuracy"] == f"{100 * accuracy.mean:.2f} ± {100 * accuracy.sd:.2f} % ({expected.n})"
    assert measured["test loss"] == f"{loss.mean:.4f} ± {loss.sd:.4f} ({expected.n})"


def test_every_seed_that_is_listed_is_in_the_band_of_its_config() -> None:
    listed = table_of(section_of(text_of("docs/results.md"), "Every seed"))
    rows = [row for row in listed if row[0] in shipped_configs()]
    assert len(rows) > 7
    for name, values in rows:
        seeds = [float(value) / 100 for value in values.split()]
        expected = load_config(name).expected
        assert expected is not None
        assert expected.test_accuracy is not None
        assert len(seeds) == expected.n
        assert statistics.mean(seeds) == pytest.approx(expected.test_accuracy.mean, abs=1e-6)
        assert statistics.stdev(seeds) == pytest.approx(expected.test_accuracy.sd, abs=1e-6)


def test_beside_what_recipes_cost_stands_what_they_reach() -> None:
    measured = {row[0]: row[4] for row in REPRODUCED if row[2] == "test accuracy"}
    rows = table_of(section_of(text_of("docs/results.md"), "What the recipes of this project cost"))[1:]
    assert len(rows) > 5
    assert [row for row in rows if row[3] != measured[row[0]]] == []


def test_the_speeds_in_the_readme_are_those_of_their_page() -> None:
    shown = table_of(section_of(text_of("README.md"), "Speed"))[1:]
    assert shown
    assert [row for row in shown if row not in table_of(text_of("docs/speed.md"))] == []


@pytest.mark.parametrize("recipe", ["dense", "cnn", "photo"])
def test_every_form_of_a_recipe_is_measured(recipe: str) -> None:
    rows = table_of(section_of(text_of("docs/export.md"), "What each form costs"))
    measured = [(row[1], row[2]) for row in rows if row[0] == recipe]
    forms = [form for form in FORMS.values() if form.measured]
    assert measured == [("keras", "keras"), *((form.name, reader) for form in forms for reader in form.readers)]


def test_the_tests_that_the_page_about_robustness_names_are_there() -> None:
    """Each by its name, by that of its file, or by a part of its name behind two dots."""
    files = list((ROOT / "tests").rglob("test_*.py"))
    there = re.findall(r"^def (test_\w+)", "".join(path.read_text(encoding="utf-8") for path in files), re.MULTILINE)
    there += [path.stem for path in files]
    named = re.findall(r"(?<!\w)test_\w+|\.\.\w+", text_of("benchmarks/ROBUSTNESS.md"))
    assert len(named) > 100
    assert [part for part in named if not any(part.strip(".") in name for name in there)] == []
