"""The field's claims: how each was chosen, what stands beside it here, and the picture of all."""

from pathlib import Path
from typing import Any

import pytest

from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.reproduction import tables
from mnist_pipeline.reproduction.reported import ReportedNumber, load_reported
from tests.commands import mnist
from tests.reproduction.pretended import pretend_seeds

BAND = load_config("dense").expected


def field(value: float, **settings: Any) -> ReportedNumber:
    given: dict[str, Any] = {
        "source": "Somebody", "link": "https://example.org", "recipe": None, "metric": "test_accuracy",
        "claim": False, "chosen": "on the test set", "note": "a network",
    }  # fmt: skip
    return ReportedNumber(value=value, **given | settings)


def test_every_claim_of_the_field_says_where_it_stands_and_how_it_was_chosen() -> None:
    claims = [each for each in load_reported() if each.chosen]
    assert len(claims) > 8
    assert all(each.link.startswith("https://") and each.note and not each.claim for each in claims)
    assert {each.chosen for each in claims} == {"honest", "on the test set", "not said"}


@pytest.mark.parametrize(("value", "verdict"), [(0.9987, "not reproduced"), (0.97, "reproduced"), (0.95, "exceeded")])
def test_beside_a_recipe_a_claim_gets_the_verdict_of_its_band(
    value: float, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "load_reported", lambda: (field(value, recipe="dense"), field(value)))
    beside, alone = tables.field_rows()
    assert BAND is not None
    assert BAND.test_accuracy is not None
    assert beside[4:] == [
        "dense",
        f"{100 * BAND.test_accuracy.mean:.2f} ± {100 * BAND.test_accuracy.sd:.2f} % (20)",
        verdict,
    ]
    assert alone[4:] == ["–", "–", "–"]


def test_a_mean_is_given_with_its_spread_and_a_size_with_its_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    told = field(0.99641, sd=0.00047, n=1500, parameters=327242, seconds=960)
    monkeypatch.setattr(tables, "load_reported", lambda: (told,))
    ((source, reported, chosen, what, *_),) = tables.field_rows()
    assert source == "[Somebody](https://example.org)"
    assert (reported, chosen) == ("99.641 ± 0.047 % (1,500)", "on the test set")
    assert what == "a network; 327,242 parameters; 960 s a training"


def test_the_picture_of_accuracy_and_costs_is_drawn_from_finished_runs(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(tables, "draw", lambda *_: None)
    monkeypatch.setattr(tables, "frontier", lambda claims, path: drawn.extend(claims))
    pretend_seeds(recipe)
    picture = tmp_path / "frontier.png"
    assert mnist("reproduce", recipe, "--seeds", "3", "--frontier", picture).exit_code == 0
    ours, *others = drawn
    assert (ours.name, ours.accuracy, ours.seconds, ours.parameters) == ("mine", pytest.approx(0.97), 2.5, 42310)
    assert {each.chosen for each in others} >= {"honest", "on the test set"}
    assert all(each.seconds or each.parameters for each in others)
