"""A recipe of its own to reproduce, its band, and numbers that somebody reports of it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from mnist_pipeline.config.recipes import shipped_configs
from mnist_pipeline.config.schema import Config
from mnist_pipeline.reproduction import repeat, verdicts
from mnist_pipeline.reproduction.reported import ReportedNumber
from mnist_pipeline.reproduction.verdicts import with_expected
from tests.reproduction.pretended import BAND, pretend


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A config of its own folder, with comments and without a band, that reports nothing."""
    monkeypatch.setattr(verdicts, "load_reported", lambda: ())
    text = shipped_configs()["smoke"].read_text().replace("name: smoke", "name: mine")
    path = tmp_path / "mine.yaml"
    path.write_text(text[: text.index("expected:")] + "expected: null\n")
    return path


@pytest.fixture
def banded(recipe: Path) -> Path:
    recipe.write_text(with_expected(recipe, BAND))
    return recipe


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Has somebody report a number of the recipe."""

    def reports(value: float, **settings: Any) -> None:
        given: dict[str, Any] = {"source": "R1", "recipe": "mine", "metric": "test_accuracy", "claim": True} | settings
        monkeypatch.setattr(verdicts, "load_reported", lambda: (ReportedNumber(value=value, **given),))

    return reports


@pytest.fixture
def repeated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Has the repetition come out so."""

    def comes_out(accuracy: float, weights: str, **facts: Any) -> None:
        def train_all(configs: Sequence[Config], *, folder: Path, **_: Any) -> dict[str, str]:
            with monkeypatch.context() as patch:
                patch.setenv("MNIST_ARTIFACTS", str(folder))
                for config in configs:
                    pretend(config, accuracy, weights, **facts)
            return {}

        monkeypatch.setattr(repeat, "train_all", train_all)

    return comes_out
