"""What ensembles of k of n runs are worth: drawn the same way each time, and measured from the runs' own answers."""

import json

import numpy as np
import pytest

from mnist_pipeline.data import Part
from mnist_pipeline.errors import MnistError
from mnist_pipeline.reproduction import draws
from mnist_pipeline.runs.opening import open_run
from mnist_pipeline.runs.run import Run
from tests.commands import mnist
from tests.samples import TRAINED, pretend

LABELS = np.array([0, 1, 2, 3], np.uint8)
# Each run takes one image for a 9, by little; together they are right.
WRONG = {"a": 0, "b": 1, "c": 2}


@pytest.fixture(autouse=True)
def _answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three runs that look trained, and what they answer for four images."""
    for name in WRONG:
        run = pretend(name)
        run.add_metrics("train", TRAINED | {"weights_sha256": name * 64})

    def answering(run: Run) -> draws._Answering:
        rows = np.eye(10)[LABELS] * 0.8 + 0.02
        rows[WRONG[run.name]] = np.eye(10)[9] * 0.1 + np.eye(10)[LABELS[WRONG[run.name]]] * 0.08 + 0.082
        return lambda part: rows

    part = Part(np.zeros((4, 28, 28), np.uint8), LABELS)
    monkeypatch.setattr(draws, "_answering", answering)
    monkeypatch.setattr(draws, "load_part", lambda *_, **__: part)
    monkeypatch.setattr(draws, "validation_indices", lambda *_: np.arange(4))


def test_a_mean_can_be_right_where_each_run_is_wrong_once() -> None:
    found = draws.draw([open_run(name) for name in WRONG], 2, 3, lambda _: None)
    assert found.drawn == draws.subsets(3, 2, 3)
    assert found.accuracies["test"] == ([0.75] * 3, [1.0] * 3)
    assert found.accuracies["validation"] == found.accuracies["test"]


def test_the_command_says_what_n_is() -> None:
    result = mnist("ensemble", *WRONG, "--draws", "3", "--of", "2")
    assert result.exit_code == 0
    assert "test accuracy, one run" in result.stdout
    assert "100.00 ± 0.00 %" in result.stdout
    assert "n: runs, or draws of 2 among them" in result.stdout
    tree = json.loads(mnist("ensemble", *WRONG, "--draws", "3", "--of", "2", "--json").stdout)
    assert (tree["test"]["single"]["mean"], tree["test"]["ensemble"]["n"]) == (0.75, 3)


def test_draws_are_all_different_and_the_same_every_time() -> None:
    found = draws.subsets(15, 5, 100)
    assert len(set(found)) == 100
    assert all(len(set(members)) == 5 and max(members) < 15 for members in found)
    assert found == draws.subsets(15, 5, 100)


@pytest.mark.parametrize(
    ("of", "count", "refusal"),
    [(3, 2, "--of 3: draw at least 2 members, and fewer than the 3 runs"), (2, 4, "--draws 4: 2 of 3 runs can be")],
)
def test_draws_that_there_are_not_are_refused(of: int, count: int, refusal: str) -> None:
    with pytest.raises(MnistError, match=refusal):
        draws.subsets(3, of, count)


def test_one_option_needs_the_other() -> None:
    assert "--draws and --of go together" in mnist("ensemble", "a", "b", "--draws", "5").stderr
