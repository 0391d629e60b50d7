"""The house: twelve rooms on floors. Imports go down only, between rooms and inside each, whatever their form."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import mnist_pipeline

PACKAGE = Path(__file__).parents[1] / "src" / "mnist_pipeline"
NAME = PACKAGE.name
README = PACKAGE.parents[1] / "README.md"

# From the ground up. A room knows those below it; rooms of one floor do not know each other.
FLOORS = (
    {"errors", "numerals", "process"},
    {"config", "packages", "pixels"},
    {"runs"},
    {"data"},
    {"prediction"},
    {"training"},
    {"evaluation", "exports"},
    {"pipeline"},
    {"fleet"},
    {"reproduction", "web"},
    {"cli"},
    {"__main__", "__init__"},
)


def module_of(path: Path) -> str:
    """The name that imports the file, without the package's own: `runs.run`, `runs` for its __init__.py."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


MODULES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def room_of(module: str) -> str:
    return module.split(".")[0]


def floor_of(module: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if room_of(module) in rooms)


def imported_by(path: Path, source: str | None = None) -> set[str]:
    """The modules of this package that a file names in an import, wherever in the file: by `import`, `from`, dots."""
    package = (NAME, *path.relative_to(PACKAGE).parts[:-1])
    found: set[str] = set()
    for node in ast.walk(ast.parse(source if source is not None else path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*start, *([node.module] if node.module else [])])
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("import_module", "__import__"):
            found |= {
                word.value for word in node.args if isinstance(word, ast.Constant) and isinstance(word.value, str)
            }
    inside = {name.removeprefix(f"{NAME}.") for name in found if name.startswith(f"{NAME}.")}
    return {_module(name) for name in inside if _module(name)} - {module_of(path)}


def _module(name: str) -> str:
    """The module that a dotted name leads to: itself, or the one that it is a name in."""
    return name if name in MODULES else name.rpartition(".")[0] if name.rpartition(".")[0] in MODULES else ""


@pytest.mark.parametrize(
    "line",
    [
        "from mnist_pipeline import cli", "from mnist_pipeline.cli import app", "import mnist_pipeline.cli",
        "from .. import cli", "from ..cli.console import say", "def f():\n    from mnist_pipeline.cli import app",
        "import importlib\nimportlib.import_module('mnist_pipeline.cli')",
    ],
)  # fmt: skip
def test_every_form_of_import_is_seen(line: str) -> None:
    assert any(room_of(name) == "cli" for name in imported_by(PACKAGE / "runs" / "run.py", line))


def test_every_room_stands_on_a_floor() -> None:
    rooms = {room_of(module) for module in MODULES}
    assert rooms == set().union(*FLOORS)


@pytest.mark.parametrize("module", MODULES)
def test_a_room_knows_only_rooms_below_it(module: str) -> None:
    own = room_of(module)
    above = {
        name for name in imported_by(MODULES[module]) if room_of(name) != own and floor_of(name) >= floor_of(module)
    }
    assert not above, f"{module} imports {above}, which are no lower"


@pytest.mark.parametrize("room", sorted(set().union(*FLOORS) - {"__init__", "__main__"}))
def test_inside_a_room_no_modules_import_each_other_in_a_circle(room: str) -> None:
    inside = {module for module in MODULES if room_of(module) == room}
    # A room's own __init__.py hands names on: a module that asks it for another module means that module.
    graph = {module: imported_by(MODULES[module]) & inside for module in inside}
    faces = {module for module in inside if MODULES[module].name == "__init__.py"}
    graph = {module: names - faces for module, names in graph.items()}
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as circle:
        pytest.fail(f"a circle: {' -> '.join(circle.args[1])}")


def test_the_rooms_are_few_enough_to_hold_in_the_head() -> None:
    files = [path for path in MODULES.values() if path.parent != PACKAGE]
    assert len({path.relative_to(PACKAGE).parts[0] for path in files}) <= 12
    assert len([path for path in MODULES.values() if path.parent == PACKAGE]) <= 8


def test_the_readme_says_of_each_room_what_the_room_says() -> None:
    rows = README.read_text(encoding="utf-8").split("\nsrc/mnist_pipeline/\n")[1].split("```")[0].splitlines()
    named = dict(row.split(maxsplit=1) for row in rows)
    rooms = {f"{path.parent.name}/": path for path in PACKAGE.glob("*/__init__.py")}
    rooms |= {path.name: path for path in PACKAGE.glob("*.py") if not path.stem.startswith("__")}
    own = {name: ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) for name, path in rooms.items()}
    assert named == {name: (words or "").splitlines()[0] for name, words in own.items()}


def test_no_module_has_the_name_of_something_public() -> None:
    """An imported module is set under its name in the package, in the place of a function of that name."""
    assert not {room_of(module) for module in MODULES} & set(mnist_pipeline.__all__)
