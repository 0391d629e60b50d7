"""What docs/python.md and examples/ show works as they stand there: snippets, a training and its gate."""

import re
import runpy
import sys
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock, call

import pytest

import mnist_pipeline
from mnist_pipeline import Watcher
from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.config.schema import Config

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "train_in_40_lines.py"
PYTHON_PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")


@pytest.fixture
def _at_the_top(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the pictures of the examples are found by their relative paths."""
    monkeypatch.chdir(ROOT)


@pytest.mark.usefixtures("_at_the_top")
def test_the_python_page_runs_from_top_to_bottom(capsys: pytest.CaptureFixture[str]) -> None:
    code = re.findall(r"^```python\n(.*?)^```", PYTHON_PAGE, flags=re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {}
    for snippet in code:
        exec(snippet, names)
    printed = capsys.readouterr().out
    assert "examples/7.png: this is a 7" in printed
    assert "examples/2-on-paper.png 2" in printed
    assert "training.epochs: " in printed


@pytest.mark.parametrize("tracker", ["mlflow", "tensorboardX"])
def test_a_training_is_followed_by_other_programs_as_the_page_shows(
    tracker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With stand-ins for them, and for the training: what each is told of an epoch."""
    program = MagicMock()
    monkeypatch.setitem(sys.modules, tracker, program)

    def train(config: Config, watcher: Watcher) -> MagicMock:
        watcher.epoch(1, {"loss": 0.5})
        return MagicMock()

    monkeypatch.setattr("mnist_pipeline.pipeline.train", train)
    (snippet,) = re.findall(rf"^```py\n([^`]*{tracker}[^`]*)^```", PYTHON_PAGE, flags=re.MULTILINE)
    exec(snippet, {})
    told = program.log_metrics if tracker == "mlflow" else program.SummaryWriter().__enter__().add_scalar
    assert told.call_args_list == [call({"loss": 0.5}, step=1) if tracker == "mlflow" else call("loss", 0.5, 1)]


def test_the_python_page_names_what_is_public() -> None:
    named = re.findall(r"^\| `(\w+)` \|", PYTHON_PAGE, flags=re.MULTILINE)
    assert sorted(named) == sorted(mnist_pipeline.__all__)


def test_the_example_is_forty_lines_about_r1() -> None:
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) <= 40
    recipe = runpy.run_path(str(EXAMPLE))["RECIPE"]
    assert load_config("dense", recipe).recipe() == load_config("dense").recipe()


@pytest.mark.slow
def test_the_example_trains_r1_and_passes_its_gate(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    assert "42,310 parameters" in capsys.readouterr().out


@pytest.mark.parametrize("accuracy", [0.951, 0.999])
def test_the_gate_of_the_example_fails_below_its_band_and_at_what_cannot_be(accuracy: float) -> None:
    with pytest.raises(SystemExit, match="expected 95"):
        runpy.run_path(str(EXAMPLE))["gate"](accuracy)
