"""The size of the house: how many files there are, how long they are, and how many rooms lie on a reader's way."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "mnist_pipeline"
FILES = sorted(PACKAGE.rglob("*.py"))
MOST_FILES = 155  # a new room raises it, and says why
# Of these, five for what anyone can check: a statement, its signature, its check, their verbs, metadata of an export;
# one for the sums of a training whose bits every processor shares; three for the page that reads drawings; ten for the
# service and its verb; those of the fleet: its engines, sweeps and tuning, with their verbs;
# one for the sources of images of any classes, six for fetching, importing and looking at data sets;
# four for adapting a model: its recipe, a person's pictures, what a training is made of, the verb;
# four for millions of pictures: shards of them, parts of their answers, both put together, and a cluster that answers;
# three for corrupted images: the ways, the figures, and the plots that compare; one for labels that runs disagree with;
# seven for answers that are means: over views and members, an ensemble in a config and its members, their joining,
# draws, the verb, and a part of the schema that had grown too long.
LONGEST = 300  # lines
FOUNDATIONS = {"errors.py", "numerals.py", "packages.py", "process.py"}  # modules that every room stands on

# A place is a file and the name of a function or class in it.
Place = tuple[Path, str]


def test_the_house_does_not_grow_by_files() -> None:
    assert len(FILES) <= MOST_FILES


def test_no_module_is_longer_than_a_chapter() -> None:
    assert [path for path in FILES if len(path.read_text(encoding="utf-8").splitlines()) > LONGEST] == []


# The way that a reader goes who looks up, by its name, whatever a function calls


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def defined_in(path: Path) -> dict[str, ast.AST]:
    """The functions and classes at the top of a file."""
    return {node.name: node for node in tree_of(path).body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


@cache
def imported_in(path: Path) -> dict[str, tuple[str, str]]:
    """Of each name that a file imports from the package: the module, and the name there."""
    found: dict[str, tuple[str, str]] = {}
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(PACKAGE.name):
            found |= {alias.asname or alias.name: (node.module, alias.name) for alias in node.names}
    return found


def file_of(module: str) -> Path:
    """The file of a module, or where it is a room, of that room's __init__.py."""
    path = PACKAGE.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def place_of(path: Path, name: str) -> Place | None:
    """Where a name is defined that a file uses: `name`, or `module.name` of a module that it imports."""
    before, _, last = name.rpartition(".")
    if before:
        module, inside = imported_in(path).get(before, ("", ""))
        return place_of(file_of(f"{module}.{inside}"), last) if file_of(f"{module}.{inside}").is_file() else None
    if name in defined_in(path):
        return path, name
    module, inside = imported_in(path).get(name, ("", ""))
    return place_of(file_of(module), inside) if module and file_of(module) != path else None


def called_in(place: Place) -> Iterator[Place]:
    """The functions of the package that a function calls by name, and the classes that it makes an object of."""
    path, name = place
    for node in ast.walk(defined_in(path)[name]):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            found = place_of(path, ast.unparse(node.func))
            if found:
                yield found


def rooms_on_the_way(verb: Place, work: Place) -> set[str]:
    """The rooms of all functions that lie no more calls away from the verb than the work does."""
    met, reached = {verb}, {verb}
    while work not in met:
        reached = {found for place in reached for found in called_in(place)} - met
        assert reached, f"no call leads to {work[1]}"
        met |= reached
    return {path.relative_to(PACKAGE).parts[0] for path, _ in met} - FOUNDATIONS


def test_a_reader_of_train_enters_six_rooms_on_the_way_to_the_fit() -> None:
    rooms = rooms_on_the_way((PACKAGE / "cli/train.py", "train"), (PACKAGE / "training/fit.py", "fit"))
    assert {"cli", "pipeline.py", "training"} <= rooms
    assert len(rooms) <= 6, sorted(rooms)


def test_a_way_that_does_not_exist_is_told() -> None:
    with pytest.raises(AssertionError, match="no call leads to fit"):
        rooms_on_the_way((PACKAGE / "runs/files.py", "write_json"), (PACKAGE / "training/fit.py", "fit"))


WATCHED = """
import sys
from mnist_pipeline.cli import app

def watch(frame, event, _):
    if event == "call" and frame.f_code.co_name != "<module>":
        entered.add(frame.f_code.co_filename)

entered = set()
sys.setprofile(watch)
try:
    app(["predict", "examples/7.png", "--run", "shipped"])
finally:
    sys.setprofile(None)
    print(*entered, sep="\\n")
"""


def test_the_answer_for_a_picture_is_computed_in_four_rooms() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", WATCHED], capture_output=True, text=True, check=True, cwd=PACKAGE.parents[1]
    )
    entered = {Path(line) for line in answer.stdout.splitlines()} & set(FILES)
    rooms = {path.relative_to(PACKAGE).parts[0] for path in entered if path.parent != PACKAGE}
    assert {"cli", "prediction", "pixels"} <= rooms
    assert len(rooms) <= 4, sorted(rooms)
