"""Pictures made to do harm, and programs that fail: one answer each, in bounded memory and time, and the next one."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from mnist_pipeline import prediction
from mnist_pipeline.bulk.crew import Crew
from mnist_pipeline.finding import Found
from mnist_pipeline.pages import reading
from mnist_pipeline.pages.reading import read_page
from mnist_pipeline.prediction import Predictor, predictor
from mnist_pipeline.preprocess import Seen


@pytest.fixture(scope="module")
def model() -> Predictor:
    return predictor("shipped")


# A bug met by one picture


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    """A picture that is read, after one that the tests make fail."""
    paths = [tmp_path / "unlucky.png", tmp_path / "next.png"]
    for side, path in zip((30, 40), paths, strict=True):
        cv2.imwrite(str(path), np.full((side, side), 255, np.uint8))
    return paths


class Unlucky:
    """Stands for a function that takes a grey picture and fails on the smaller one."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __call__(self, grey: np.ndarray[tuple[int, int], np.dtype[np.uint8]], *_: object) -> object:
        if len(grey) == 30:
            raise self.error
        return Seen(None, False, "nothing is drawn")


@pytest.mark.parametrize("error", [ZeroDivisionError("by\nzero"), MemoryError(), cv2.error("no")])
def test_a_bug_is_the_line_of_its_picture(
    error: Exception, two: list[Path], model: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prediction, "mnist", Unlucky(error))
    unlucky, after = model.predict_many(two)
    assert unlucky.error is not None
    assert unlucky.error.startswith(f"{two[0]}: a bug in this program, please report it")
    assert type(error).__name__ in unlucky.error
    assert "\n" not in unlucky.error
    assert (after.error, after.reason) == (None, "nothing is drawn")


def test_a_bug_is_the_line_of_its_page(two: list[Path], model: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "digits_of", lambda *_: 1 // 0)
    page = read_page(two[0], model)
    assert page.error is not None
    assert f"{two[0]}: a bug in this program, please report it" in page.error
    assert "ZeroDivisionError" in page.error


def test_a_bug_kills_no_process_of_a_crew(
    two: list[Path], model: Predictor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import os\n"
        "stat = os.stat\n"
        "os.stat = lambda path, **how: {}['x'] if path == 'unlucky.png' else stat(path, **how)\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    with Crew(model, "auto", "opencv", 1) as crew:
        (batch,) = crew.answers([[Found("unlucky.png"), Found(str(two[1]))]])
    assert [answer.error is None for answer in batch] == [False, True]
    assert "KeyError: 'x'" in str(batch[0].error)
