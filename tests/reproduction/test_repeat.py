"""mnist reproduce on one run, and mnist runs diff on two."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.runs.opening import begin
from tests.commands import mnist
from tests.reproduction.pretended import ENVIRONMENT, pretend


def test_the_same_weights_are_the_same_bits(banded: Path, repeated: Callable[..., None]) -> None:
    run = pretend(load_config(banded), 0.97)
    repeated(0.97, "a" * 64)
    result = mnist("reproduce", str(run.path))
    assert (result.exit_code, result.stdout) == (0, f"{run.path}: same bits\n")
    assert mnist("reproduce", str(run.config_file)).stdout == result.stdout
    assert mnist("reproduce", run.name).stdout == result.stdout


def test_other_weights_within_the_band_say_what_differs(banded: Path, repeated: Callable[..., None]) -> None:
    run = pretend(load_config(banded), 0.97)
    repeated(0.971, "b" * 64, processor={"model": "B"}, threads=2)
    result = mnist("reproduce", str(run.path))
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{run.path}: same within the band\n")
    assert 'environment: processor.model: "A" → "B"' in result.stdout
    assert "environment: threads: 1 → 2" in result.stdout


@pytest.mark.parametrize(("accuracy", "other"), [(0.95, 0.97), (0.97, 0.95)])
def test_either_run_outside_the_band_is_different(
    accuracy: float, other: float, banded: Path, repeated: Callable[..., None]
) -> None:
    run = pretend(load_config(banded), accuracy)
    repeated(other, "b" * 64)
    result = mnist("reproduce", str(run.path), "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["likeness"] == "different"


def test_other_bits_without_a_band_are_different_and_it_says_why(recipe: Path, repeated: Callable[..., None]) -> None:
    run = pretend(load_config(recipe), 0.97)
    repeated(0.97, "b" * 64)
    result = mnist("reproduce", str(run.path))
    assert result.exit_code == 1
    assert "has no band to compare by" in result.stdout


def test_a_run_takes_no_options_of_recipes(recipe: Path) -> None:
    run = pretend(load_config(recipe), 0.97)
    result = mnist("reproduce", str(run.path), "--seeds", "3")
    assert result.exit_code == 2
    assert "only --json goes with it" in result.stderr


def test_a_run_of_an_older_schema_is_one_clear_line(recipe: Path) -> None:
    run = pretend(load_config(recipe), 0.97)
    run.metrics_file.write_text('{"accuracy": 0.97}')
    for words in (["reproduce", str(run.path)], ["runs", "diff", str(run.path), str(run.path)]):
        result = mnist(*words)
        assert result.exit_code == 2
        assert "has no `train` numbers as this version" in result.stderr
    run.config_file.write_text(run.config_file.read_text().replace("hidden:", "layers:"))
    assert "does not fit this version" in mnist("reproduce", str(run.path)).stderr


def test_an_unfinished_run_is_not_repeated(recipe: Path) -> None:
    run = begin(load_config(recipe), ENVIRONMENT)
    result = mnist("reproduce", str(run.path))
    assert result.exit_code == 2
    assert "its training is not finished" in result.stderr


def test_two_runs_are_compared_under_five_heads(recipe: Path) -> None:
    ours = pretend(load_config(recipe, seed=0), 0.97)
    theirs = pretend(load_config(recipe, seed=1), 0.96, "b" * 64, threads=2)
    result = mnist("runs", "diff", ours.name, theirs.name)
    assert result.exit_code == 1
    assert [line.split(" → ")[0] for line in result.stdout.splitlines()] == [
        "config: training.seed: 0",
        "environment: threads: 1",
        "numbers: test_accuracy: 0.97",
        f'weights: weights_sha256: "{"a" * 64}"',
    ]
    found = json.loads(mnist("runs", "diff", ours.name, theirs.name, "--json").stdout)
    assert list(found) == ["config", "environment", "data", "numbers", "weights"]


def test_a_run_differs_not_from_itself(recipe: Path) -> None:
    run = pretend(load_config(recipe), 0.97)
    assert mnist("runs", "diff", run.name, run.name).stdout == "no difference\n"
