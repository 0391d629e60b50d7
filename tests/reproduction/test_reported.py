"""Numbers that are reported, and the verdicts on them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from mnist_pipeline.config.recipes import shipped_configs
from mnist_pipeline.reproduction import reported as reported_module
from mnist_pipeline.reproduction.reported import load_reported
from mnist_pipeline.reproduction.seeds import all_recipes
from tests.commands import mnist
from tests.reproduction.pretended import pretend_seeds


def test_reported_numbers_belong_to_recipes_that_exist() -> None:
    reports = load_reported()
    assert {each.source for each in reports if not each.chosen} == {"R1", "R2", "R3", "R4", "R5"}
    assert {each.recipe for each in reports} - {None} <= set(shipped_configs())


def test_the_file_of_reports_is_no_recipe() -> None:
    assert "reported" not in shipped_configs()
    assert "reported" not in mnist("config", "list").stdout


def test_what_is_not_plausible_cannot_be_claimed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reported_module, "configs_folder", lambda: tmp_path)
    line = "source: R1, recipe: dense, metric: test_loss, value: 0.1, claim: true"
    (tmp_path / "reported.yaml").write_text(f"reports:\n  - {{{line}, implausible: too good}}\n")
    with pytest.raises(ValidationError, match="cannot be claimed"):
        load_reported()


def test_all_recipes_are_those_with_something_to_be_held_against() -> None:
    assert set(all_recipes()) >= {"cnn", "dense", "dense-10", "tiny"}


@pytest.mark.parametrize(
    ("value", "settings", "verdict", "code"),
    [
        (0.9735, {}, "reproduced", 0),
        (0.95, {}, "exceeded", 0),
        (0.99, {}, "not reproduced", 1),
        (0.99, {"claim": False}, "not reproduced", 0),
        (0.99, {"claim": False, "implausible": "says two things"}, "not plausible", 0),
        (0.97, {"claim": False, "implausible": "says two things"}, "reproduced", 0),
        (0.96, {"kind": "over"}, "reproduced", 0),
        (0.9705, {"kind": "over"}, "not reproduced", 1),
        (0.13, {"metric": "test_loss"}, "reproduced", 0),
        (0.10, {"metric": "test_loss"}, "not reproduced", 1),
        (0.20, {"metric": "test_loss"}, "exceeded", 0),
    ],
)
def test_the_verdict_on_a_reported_number(
    value: float, settings: dict[str, Any], verdict: str, code: int, recipe: Path, report: Callable[..., None]
) -> None:
    report(value, **settings)
    pretend_seeds(recipe)
    result = mnist("reproduce", str(recipe), "--seeds", "3", "--json")
    (judged,) = json.loads(result.stdout)["recipes"][0]["reported"]
    assert judged["verdict"] == verdict
    assert judged["why"]
    assert result.exit_code == code


def test_one_run_makes_no_interval_and_no_verdict(recipe: Path, report: Callable[..., None]) -> None:
    report(0.97)
    pretend_seeds(recipe)
    result = mnist("reproduce", str(recipe), "--seeds", "1")
    assert "one run: no interval; two runs or more make an interval" in " ".join(result.stdout.split("  "))
    assert result.exit_code == 0


def test_more_right_than_the_labels_are_is_not_plausible(recipe: Path) -> None:
    pretend_seeds(recipe, (0.99, 1.0))
    result = mnist("reproduce", str(recipe), "--seeds", "2")
    assert result.exit_code == 1
    assert "mine-seed1: 100.00% right on the test images is not plausible" in result.stderr
