"""mnist evaluate RUN RUN --disagreements: the test images on which every run disagrees with the label."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_pipeline.data import Part
from mnist_pipeline.evaluation import disagreements
from mnist_pipeline.runs.run import Run
from tests.commands import mnist
from tests.samples import pretend

LABELS = np.array([4, 7, 2, 6], np.uint8)
ANSWERS = {"a": [9, 1, 2, 0], "b": [9, 7, 5, 1]}  # of two runs: all against the first and the last label
SURE = {"a": [0.9, 0.9, 0.9, 0.6], "b": [0.7, 0.9, 0.9, 0.55]}


class Saying:
    """A model that gives the answers of a run."""

    def __init__(self, run: Run) -> None:
        self.name = run.name

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """As sure as the run is, and for the rest of the label, where that is no answer."""
        shares = np.zeros((len(images), 10), np.float32)
        shares[np.arange(len(images)), LABELS] = 1
        for row, answer, sure in zip(shares, ANSWERS[self.name], SURE[self.name], strict=True):
            row *= 1 - sure
            row[answer] = sure
        return shares


@pytest.fixture(autouse=True)
def _two_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.zeros((4, 28, 28), np.uint8)
    monkeypatch.setattr(disagreements, "predictor", lambda run, _: Saying(run))
    monkeypatch.setattr(disagreements, "images_of", lambda run: Part(images + (run.name == "c"), LABELS))
    for name in ("a", "b", "c"):
        pretend(name)


def test_an_image_is_listed_where_every_run_disagrees_and_drawn(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    result = mnist("evaluate", "a", "b", "--disagreements", sheet, "--json")
    assert result.exit_code == 0, result.output
    first, second = json.loads(result.stdout)["images"]
    assert (first["image"], first["label"], first["answer"], first["answers"]) == (0, "4", "9", ["9", "9"])
    assert first["confidence"] == pytest.approx(0.8)
    assert (second["image"], second["label"], second["answer"], second["answers"]) == (3, "6", "0", ["0", "1"])
    assert sheet.is_file()


def test_the_same_stands_in_a_table(tmp_path: Path) -> None:
    lines = mnist("evaluate", "a", "b", "--disagreements", tmp_path / "sheet.png").stdout.splitlines()
    assert lines[0] == "2 of 4 test images on which all of 2 runs disagree with the label"
    assert lines[3].split() == ["0", "4", "9", "80.00%", "9", "9"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["a", "--disagreements", "sheet.png"], "two runs or more"),
        (["a", "a", "--disagreements", "sheet.png"], "two runs or more"),
        (["a", "b"], "one run at a time; several go with --disagreements"),
        (["a", "c", "--disagreements", "sheet.png"], "has other test images than"),
        (["a", "none", "--disagreements", "sheet.png"], "no run here"),
        (["a", "b", "--disagreements", "sheet.png", "--corruptions"], "several runs on the test images as they are"),
        (["a", "--runtime", "litert"], "--runtime runs a model file"),
        (["a", "b", "--disagreements", "sheet.png", "--runtime", "litert"], "--runtime runs a model file"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_a_line(words: list[str], says: str) -> None:
    result = mnist("evaluate", *words)
    assert result.exit_code == 2
    assert says in result.stderr
    assert not Path("sheet.png").exists()
