"""Processes that work for a command run this package's code alone, and end when nobody waits for them any more."""

import io
import os
import re
import subprocess
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.data.rendering.pool import run_tasks
from mnist_pipeline.errors import RunError
from mnist_pipeline.exports.bench import measure_file
from mnist_pipeline.fleet.pool import train_all
from mnist_pipeline.prediction.finding import Found
from mnist_pipeline.prediction.many import Crew
from mnist_pipeline.prediction.predictor import predictor
from mnist_pipeline.process import command
from mnist_pipeline.runs.watching import FleetWatcher, Watcher
from tests.systems import linux

SOURCES = Path(__file__).parents[1] / "src" / "mnist_pipeline"
SEVEN = Path(__file__).parents[1] / "examples" / "7.png"


def job(drawings: int) -> dict[str, Any]:
    """So many pictures of no digit to draw."""
    digits = {"images": np.zeros((1, 28, 28), np.uint8), "labels": np.zeros(1, np.uint8)}
    return {**digits, "numbers": np.arange(drawings), "seed": np.array(0), "held_out": np.array(False)}


def draw() -> None:
    assert run_tasks([job(1), job(1)])[0].shape == (1, 28, 28)


def reproduce() -> None:
    failed = train_all([load_config("smoke", {"data.source": "none.npz"})], watcher=FleetWatcher())
    assert failed["smoke"].startswith("none.npz: does not exist")


def measure_forms() -> None:
    with pytest.raises(RunError, match=r"none\.onnx: cannot be measured with opencv"):
        measure_file("onnx", "opencv", Path("none.onnx"), "none", Watcher())


def predict_many() -> None:
    with Crew(predictor("shipped"), "auto", 1) as processes:
        assert next(processes.answers([Found(str(SEVEN))], 1))[0].digit == 7


@pytest.mark.parametrize("work", [draw, reproduce, measure_forms, predict_many])
def test_no_worker_executes_what_lies_in_the_current_folder(
    work: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("json.py", "numpy.py", "io.py", "select.py"):
        (tmp_path / name).write_text("import os\nos.mkdir('executed')\n")
    monkeypatch.chdir(tmp_path)
    work()
    assert not (tmp_path / "executed").exists()


def test_one_function_starts_all_workers() -> None:
    naming_python = {path.name for path in SOURCES.rglob("*.py") if "sys.executable" in path.read_text()}
    assert naming_python - {"packages.py"} == {"process.py"}  # packages.py says how to install, and starts nothing
    run = {path for path in SOURCES.rglob("*.py") if "__name__ ==" in path.read_text()}
    workers = {".".join(path.relative_to(SOURCES).with_suffix("").parts) for path in run}
    workers -= {"__main__"}  # which people start
    words = "".join(path.read_text() for path in SOURCES.rglob("*.py"))
    assert set(re.findall(r'[^.]command\("([\w.]+)"\)', words)) == workers


def test_a_training_that_draws_for_itself_outlives_its_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its parent, the shell, changes at every look."""
    monkeypatch.setattr(os, "getppid", count().__next__)
    assert run_tasks([job(2)])[0].shape == (2, 28, 28)


@linux
def test_a_worker_that_draws_ends_when_nobody_reads_its_pictures() -> None:
    packed = io.BytesIO()
    np.savez(packed, allow_pickle=False, **job(1_000_000))
    with subprocess.Popen(command("data.rendering.pool"), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(packed.getvalue())
        process.stdin.close()
        time.sleep(0.2)
        assert process.poll() is None
        process.stdout.close()
        try:
            assert process.wait(timeout=10) == 1
        finally:
            process.kill()
