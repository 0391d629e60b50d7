"""Nothing heavy loads before it is needed."""

import subprocess
import sys
from pathlib import Path

from mnist_pipeline.runs.run import Run
from tests.commands import processor_seconds

PACKAGE = Path(__file__).parents[1] / "src" / "mnist_pipeline"

HEAVY = {
    "tensorflow", "keras", "cv2", "matplotlib", "seaborn", "numpy", "pandas", "pydantic", "yaml", "onnx", "filelock",
}  # fmt: skip


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
    """Or, where importing Typer alone takes over 80 ms, within three such imports: 2.2 were measured."""

    def fresh(*words: str) -> float:
        call = [sys.executable, *words]
        return processor_seconds(lambda: subprocess.run(call, capture_output=True, check=True))

    turns = [(fresh("-m", "mnist_pipeline", "--help"), fresh("-c", "import typer")) for _ in range(5)]
    answered, imported = map(min, zip(*turns, strict=True))
    assert answered <= max(0.25, 3 * imported)
