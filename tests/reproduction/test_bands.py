"""Bands: new runs checked against them, and what --update writes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.config.schema import Config
from mnist_pipeline.reproduction.seeds import plan_seeds
from mnist_pipeline.reproduction.verdicts import check_band, with_expected
from mnist_pipeline.runs.run import artifacts
from tests.commands import mnist
from tests.reproduction.pretended import BAND, pretend, pretend_seeds


@pytest.mark.parametrize(
    ("accuracies", "says", "code"),
    [
        ((0.969, 0.971), "is in its band", 0),
        ((0.966, 0.967), "is worse than its band", 1),
        ((0.973, 0.974), "is better than its band", 1),
        ((0.971,), "is in its band", 0),
        ((0.95,), "is worse than its band", 1),
    ],
)
def test_new_runs_are_held_against_the_band(accuracies: tuple[float, ...], says: str, code: int, banded: Path) -> None:
    pretend_seeds(banded, accuracies)
    result = mnist("reproduce", str(banded), "--seeds", str(len(accuracies)), "--check")
    assert f"mine: test accuracy {100 * sum(accuracies) / len(accuracies):.2f} % (n = {len(accuracies)}) {says}" in (
        result.stdout
    )
    assert result.exit_code == code
    assert (says in result.stderr) == (code == 1)


def test_more_runs_narrow_the_band_of_their_mean(banded: Path) -> None:
    config = load_config(banded)
    (one, *_), (many, *_) = (
        check_band(config, {"test_accuracy": [0.97] * n, "test_loss": [0.13] * n}) for n in (1, 20)
    )
    assert one.interval.high - one.interval.low > 3 * (many.interval.high - many.interval.low)


def test_by_default_there_are_as_many_seeds_as_the_band_has(banded: Path, recipe: Path) -> None:
    assert len(plan_seeds(str(banded)).runs) == 20


def test_check_without_a_band_is_refused_before_anything_is_trained(recipe: Path) -> None:
    result = mnist("reproduce", str(recipe), "--check")
    assert result.exit_code == 2
    assert f"has no band to check. Measure it: mnist reproduce {recipe} --update" in result.stderr
    assert not artifacts().exists()


def test_an_update_writes_what_was_measured_and_keeps_every_other_line(recipe: Path) -> None:
    before = recipe.read_text()
    pretend_seeds(recipe)
    assert mnist("reproduce", str(recipe), "--seeds", "3", "--update").exit_code == 0
    assert recipe.read_text() == before.replace(
        "expected: null\n",
        "expected:\n  n: 3\n  test_accuracy:\n    mean: 0.97\n    sd: 0.001\n"
        "  test_loss:\n    mean: 0.13\n    sd: 0.0\n  weights_sha256: null\n",
    )


def test_an_update_keeps_the_digest_and_replaces_the_band(banded: Path) -> None:
    banded.write_text(with_expected(banded, BAND | {"weights_sha256": "b" * 64}))
    pretend_seeds(banded)
    mnist("reproduce", str(banded), "--seeds", "3", "--update")
    expected = load_config(banded).expected
    assert expected is not None
    assert (expected.n, expected.weights_sha256) == (3, "b" * 64)


def test_an_update_of_a_portable_recipe_writes_its_own_seeds_digest(recipe: Path) -> None:
    recipe.write_text(recipe.read_text().replace("numerics: fast", "numerics: portable"))
    pretend_seeds(recipe, weights="c" * 64)
    mnist("reproduce", str(recipe), "--seeds", "3", "--update")
    expected = load_config(recipe).expected
    assert expected is not None
    assert expected.weights_sha256 == "c" * 64


def test_an_update_from_one_run_is_refused(banded: Path) -> None:
    before = banded.read_text()
    result = mnist("reproduce", str(banded), "--seeds", "1", "--update")
    assert result.exit_code == 2
    assert "two seeds or more" in result.stderr
    assert banded.read_text() == before


@pytest.mark.parametrize("stop", [KeyboardInterrupt, None])
def test_an_interrupted_or_failed_update_leaves_the_old_band(
    stop: type[BaseException] | None, banded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(configs: Sequence[Config], **_: Any) -> dict[str, str]:
        if stop:
            raise stop
        return {config.name: "it broke" for config in configs}

    monkeypatch.setattr("mnist_pipeline.reproduction.seeds.train_all", broken)
    before = banded.read_text()
    pretend_seeds(banded)
    result = mnist("reproduce", str(banded), "--seeds", "4", "--update")
    assert result.exit_code == (130 if stop else 1)
    assert ("Go on with the same command" if stop else "mine-seed3 failed: it broke") in result.stderr
    assert banded.read_text() == before


def test_a_block_in_the_middle_is_replaced_too(recipe: Path) -> None:
    text = recipe.read_text().replace("expected: null\n", "")
    recipe.write_text("expected: # measured\n  n: 2\n\n" + text)
    recipe.write_text(with_expected(recipe, BAND))
    assert load_config(recipe).expected == load_config(recipe, {"expected": BAND}).expected
    assert recipe.read_text().endswith(text)


def test_other_bits_than_promised_are_a_fault(banded: Path) -> None:
    seed = load_config(banded).training.seed
    banded.write_text(with_expected(banded, BAND | {"weights_sha256": "b" * 64}))
    pretend(load_config(banded, seed=seed), 0.97)
    result = mnist("reproduce", str(banded), "--seeds", "1")
    assert seed == 0
    assert result.exit_code == 1
    assert (
        "mine: its own seed gives weights aaaaaaaaaaaaaaaa, and the config promises bbbbbbbbbbbbbbbb" in result.stderr
    )
