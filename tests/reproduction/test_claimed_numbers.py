"""mnist reproduce --claim: what somebody claims of a recipe, the verdict and the badge; and the action for others."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from mnist_pipeline.errors import ConfigError
from mnist_pipeline.reproduction import tables
from mnist_pipeline.reproduction.reported import parse_claim
from tests.commands import mnist
from tests.reproduction.pretended import pretend_seeds
from tests.systems import linux

ROOT = Path(__file__).parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the picture of each recipe, which takes half a second and is tested elsewhere."""
    monkeypatch.setattr(tables, "draw", lambda *_: None)


@pytest.mark.parametrize(
    ("text", "metric", "value"),
    [
        ("accuracy=99.2", "test_accuracy", 0.992), ("accuracy: 99.2 %", "test_accuracy", 0.992),
        ("test_accuracy=0.992", "test_accuracy", 0.992), ("accuracy=0.5%", "test_accuracy", 0.005),
        ("worst_class = 98", "worst_class", 0.98), ("loss=0.03", "test_loss", 0.03), ("loss=2.3", "test_loss", 2.3),
        ("train_seconds=300", "train_seconds", 300),
    ],
)  # fmt: skip
def test_a_claim_is_a_figure_and_a_number_in_the_forms_that_people_write(text: str, metric: str, value: float) -> None:
    claim = parse_claim(text, "about", "mine")
    assert claim.metric == metric
    assert claim.value == pytest.approx(value)
    assert claim.kind == "about"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("acuracy=99", "Did you mean accuracy?"), ("99.2", "write it as figure=number"), ("", "write it as"),
        ("accuracy=0", "no number that can be reached"), ("accuracy=1.2.3", "no number"), ("accuracy=101", "100 %"),
    ],
)  # fmt: skip
def test_what_is_no_claim_is_one_line(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as refused:
        parse_claim(text, "exact", "mine")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("claim", "kind", "code", "message", "colour"),
    [
        ("accuracy=97.2", "about", 0, "reproduced (3 seeds)", "brightgreen"),
        ("accuracy=95", "exact", 0, "exceeded (3 seeds)", "brightgreen"),
        ("accuracy=99.2", "exact", 1, "not reproduced (3 seeds)", "red"),
        ("accuracy=96", "over", 0, "reproduced (3 seeds)", "brightgreen"),
    ],
)
def test_a_claim_has_a_verdict_a_row_an_exit_code_and_a_badge(
    recipe: Path, tmp_path: Path, claim: str, kind: str, code: int, message: str, colour: str
) -> None:
    pretend_seeds(recipe)
    badge = tmp_path / "badge.json"
    words = ("--seeds", "3", "--claim", claim, "--kind", kind, "--badge", badge)
    result = mnist("reproduce", recipe, *words)
    assert result.exit_code == code, result.output
    (row,) = [line for line in result.stdout.splitlines() if line.startswith("mine") and "claim" in line.split()[:2]]
    assert row.endswith(message.partition(" (")[0])
    shown = json.loads(badge.read_text())
    assert (shown["schemaVersion"], shown["message"], shown["color"]) == (1, message, colour)
    assert shown["label"].startswith("test accuracy ")


def test_a_claim_takes_the_place_of_what_is_reported(recipe: Path, report: Any) -> None:
    report(0.999)
    pretend_seeds(recipe)
    assert mnist("reproduce", recipe, "--seeds", "3").exit_code == 1
    assert mnist("reproduce", recipe, "--seeds", "3", "--claim", "accuracy=97").exit_code == 0


def test_a_training_that_fails_leaves_no_old_badge(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "mnist_pipeline.reproduction.seeds.train_all",
        lambda configs, **_: {config.name: "it broke" for config in configs},
    )
    badge = tmp_path / "badge.json"
    badge.write_text("green")
    assert mnist("reproduce", recipe, "--seeds", "2", "--claim", "accuracy=97", "--badge", badge).exit_code == 1
    assert json.loads(badge.read_text())["message"] == "no result"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["tiny", "dense", "--claim", "accuracy=97"], "about one recipe"),
        (["tiny", "--badge", "badge.json"], "about one recipe"),
        (["tiny", "--seeds", "1", "--claim", "accuracy=97"], "two seeds or more"),
        (["tiny", "--claim", "beauty=97"], "write it as figure=number"),
    ],
)
def test_wrong_use_is_told_before_anything_is_trained(words: list[str], says: str) -> None:
    result = mnist("reproduce", *words)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert says in result.stderr


# The action for other repositories


def test_the_action_takes_what_the_command_takes() -> None:
    assert set(ACTION["inputs"]) == {"recipe", "claim", "kind", "seeds", "badge", "table"}
    assert ACTION["inputs"]["recipe"]["required"] is True
    for step in ACTION["runs"]["steps"]:
        assert "${{ inputs" not in step.get("run", ""), "what others type is no part of a program"


@linux
def test_the_action_s_command_gives_verdict_table_and_badge_as_it_stands(recipe: Path, tmp_path: Path) -> None:
    """The words of action.yml itself, run by a shell as a runner would."""
    pretend_seeds(recipe)
    step = next(step for step in ACTION["runs"]["steps"] if step.get("id") == "reproduce")
    given = {"recipe": str(recipe), "claim": "accuracy: 97.2\nloss: 0.13", "kind": "about", "seeds": "3"}
    defaults = {name: str(each.get("default", "")) for name, each in ACTION["inputs"].items()}
    named = {variable: text.strip("${ }").removeprefix("inputs.") for variable, text in step["env"].items()}
    summary, output = tmp_path / "summary.md", tmp_path / "output"
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]], cwd=tmp_path, check=False,
        env=os.environ
        | {variable: (defaults | given)[name] for variable, name in named.items()}
        | {"GITHUB_STEP_SUMMARY": str(summary), "GITHUB_OUTPUT": str(output)}
        | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    )  # fmt: skip
    assert done.returncode == 0
    assert json.loads((tmp_path / defaults["badge"]).read_text())["message"] == "reproduced (3 seeds)"
    assert "| mine | claim | test accuracy | about 97.2 % |" in summary.read_text()
    assert "--seeds 3 --claim 'accuracy: 97.2' --claim 'loss: 0.13' --kind about`" in summary.read_text()
    assert output.read_text() == "verdict=reproduced (3 seeds)\n"
