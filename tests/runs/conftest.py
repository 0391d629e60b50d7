"""A small config, and stages that take no time."""

import sys
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mnist_pipeline import pipeline
from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.config.schema import Config
from mnist_pipeline.runs import provenance
from mnist_pipeline.runs.files import write_json
from mnist_pipeline.runs.run import Run
from tests.samples import EVALUATED, HISTORY, TRAINED

_git = cache(provenance._git)  # a process for each question, of which many tests ask the same


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A few images, quickly read."""
    path = tmp_path / "few.npz"
    labels = np.arange(100, dtype=np.uint8) % 10
    images = np.zeros((100, 28, 28), np.uint8)
    np.savez(path, x_train=images, y_train=labels, x_test=images, y_test=labels)
    return path


@pytest.fixture
def config(source: Path) -> Config:
    return load_config("smoke", {"data.source": str(source)}, name="run")


@pytest.fixture
def quick_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stages that write what the real ones write, without computing it."""

    def train_run(run: Run, *_: object) -> None:
        run.environment()
        write_json(run.history_file, HISTORY)
        run.add_metrics("train", TRAINED)

    def evaluate_run(run: Run, pictures: bool) -> None:
        run.add_metrics("evaluate", EVALUATED)

    for name, stage in (("training.train", train_run), ("evaluation.evaluate", evaluate_run)):
        monkeypatch.setitem(sys.modules, f"mnist_pipeline.{name}", SimpleNamespace(**{stage.__name__: stage}))
    monkeypatch.setattr(pipeline, "set_flags", lambda _: None)
    monkeypatch.setattr(provenance, "_git", _git)
