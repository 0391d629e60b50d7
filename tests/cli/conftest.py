"""A picture that the commands read."""

from pathlib import Path

import cv2
import pytest

from mnist_pipeline.data import load_part


@pytest.fixture
def seven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A picture of a seven in the current folder, which is empty otherwise."""
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("seven.png", load_part("mnist", "test").images[0])
    return Path("seven.png")
