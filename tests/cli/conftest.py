"""A picture and a small data set that the commands read."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from mnist_pipeline.data import load_part


@pytest.fixture
def seven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A picture of a seven in the current folder, which is empty otherwise."""
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("seven.png", load_part("mnist", "test").images[0])
    return Path("seven.png")


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """A data set of the first 200 images of MNIST, half of them to test on."""
    part, path = load_part("mnist", "train"), tmp_path / "few.npz"
    images, labels = part.images[:200], part.labels[:200]
    np.savez(path, x_train=images[:100], y_train=labels[:100], x_test=images[100:], y_test=labels[100:])
    return path
