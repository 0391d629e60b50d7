"""Which module may know which: imports go down only, and nothing heavy loads before it is needed."""

import ast
import resource
import subprocess
import sys
from pathlib import Path

import pytest

import mnist_pipeline
from mnist_pipeline.runs import Run

PACKAGE = Path(__file__).parents[1] / "src" / "mnist_pipeline"

# From the ground up: a module imports from its own floor or from below. Packages stand for all inside them.
FLOORS = [
    {
        "cores",
        "errors",
        "finding",
        "watching",
        "layer",
        "run_files",
        "run_shapes",
        "xla_flags",
        "statistics",
        "quiet",
        "workers",
    },
    {"files", "shipped", "config", "ink"},
    {
        "backend",
        "data",
        "picture_header",
        "picture_work",
        "pictures",
        "preprocess",
        "provenance",
        "runs",
        "evaluation",
        "plots",
    },
    {
        "augmentation",
        "averaging",
        "calibration",
        "rendering",
        "models",
        "checkpoints",
        "foreign",
        "keras_file",
        "runtimes",
        "shipping",
        "training_layers",
    },
    {"callbacks", "schedules"},
    {"epochs"},
    {"dense_twin"},
    {"training"},
    {"scoring", "prediction", "exports"},
    {"refusal", "report_page"},
    {"stages", "bulk", "pages"},
    {"benching"},
    {"pipeline"},
    {"fleet"},
    {"reproduction"},
    {"cli"},
    {"__main__", "__init__"},
]
HEAVY = {"tensorflow", "keras", "cv2", "matplotlib", "seaborn", "numpy", "pandas", "pydantic", "yaml", "onnx"}


def module_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def floor_of(module: str) -> int:
    return next(number for number, floor in enumerate(FLOORS) if module in floor)


def imported_by(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("mnist_pipeline"):
            _, _, inside = node.module.partition(".")
            found |= (
                {inside.split(".")[0]}
                if inside
                else {alias.name for alias in node.names if alias.name != "__version__"}
            )
    return found


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down(path: Path) -> None:
    own = module_of(path)
    upwards = {name for name in imported_by(path) if floor_of(name) > floor_of(own)}
    assert not upwards, f"{own} imports {upwards} from above"


def loaded_by(code: str) -> set[str]:
    """The heavy packages in a fresh process that has run the code."""
    script = f"{code}\nimport sys; print(*sys.modules)"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(answer.stdout.split()) & HEAVY


def test_help_loads_nothing_heavy() -> None:
    call = "from mnist_pipeline.cli import app\ntry: app(['--help'])\nexcept SystemExit: pass"
    assert loaded_by(call) == set()


def test_the_package_itself_loads_nothing() -> None:
    assert loaded_by("import mnist_pipeline") == set()


def test_no_module_is_called_as_a_public_function() -> None:
    """Python would put the module in the function's place as soon as it is imported."""
    modules = {module_of(path) for path in PACKAGE.rglob("*.py")}
    assert not modules & set(mnist_pipeline.__all__)


def test_a_config_is_checked_without_numpy() -> None:
    assert loaded_by("from mnist_pipeline import load_config\nload_config('dense')") == {"pydantic", "yaml"}


def test_predicting_loads_neither_tensorflow_nor_matplotlib() -> None:
    loaded = loaded_by("from mnist_pipeline import predict\npredict")
    assert "cv2" in loaded
    assert not loaded & {"tensorflow", "keras", "matplotlib", "seaborn", "pandas", "onnx"}


def test_reading_a_picture_checks_no_config(smoke_run: Run) -> None:
    call = "from mnist_pipeline.cli import app\ntry: app(['predict', 'examples/7.png'])\nexcept SystemExit: pass"
    loaded = loaded_by(call)
    assert "cv2" in loaded
    assert not loaded & {"pydantic", "tensorflow", "keras", "matplotlib", "onnx"}


def test_help_answers_within_a_quarter_of_a_second() -> None:
    """In seconds of processor, which are those of the clock where nothing else wants the core."""

    def spent() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "mnist_pipeline", "--help"], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    assert min(spent() for _ in range(5)) <= 0.25
