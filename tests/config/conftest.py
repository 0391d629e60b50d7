"""Recipes as text, and the complaints about them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.errors import ConfigError
from tests.config.recipe_texts import Write


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a recipe and gives its path."""

    def write(text: str) -> Path:
        path = tmp_path / "recipe.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def complaints(write: Write) -> Callable[[str], list[str]]:
    """The lines that a recipe is refused with, without the first, which counts them."""

    def complaints(text: str) -> list[str]:
        path = write(text)
        with pytest.raises(ConfigError) as caught:
            load_config(path)
        first, *lines = str(caught.value).splitlines()
        assert first == f"{path}: {len(lines)} complaint{'s' if len(lines) > 1 else ''}"
        return [line.removeprefix("  ") for line in lines]

    return complaints
