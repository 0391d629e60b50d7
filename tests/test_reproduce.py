"""mnist reproduce on runs that only look trained: verdicts, bands, what is written; and the quick gate on real ones."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import pytest
from typer.testing import CliRunner, Result

from conftest import EVALUATED, TRAINED
from mnist_pipeline.cli import app
from mnist_pipeline.config import Config, load_config, shipped_configs
from mnist_pipeline.errors import ConfigError
from mnist_pipeline.fleet import Outcome
from mnist_pipeline.reproduction import repeat, verdicts
from mnist_pipeline.reproduction import reported as reported_module
from mnist_pipeline.reproduction.reported import ReportedNumber, load_reported
from mnist_pipeline.reproduction.seeds import all_recipes, plan_seeds
from mnist_pipeline.reproduction.verdicts import check_band, with_expected
from mnist_pipeline.runs.run import Run, artifacts, begin

ACCURACIES = (0.970, 0.971, 0.969)
ENVIRONMENT = {
    "versions": {"tensorflow": "2.21.0", "keras": "3.15.1"}, "python": "3.11.7", "processor": {"model": "A"},
    "threads": 1,
}  # fmt: skip
BAND = {"n": 20, "test_accuracy": {"mean": 0.97, "sd": 0.001}, "test_loss": {"mean": 0.13, "sd": 0.01}}


def mnist(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def pretend(config: Config, accuracy: float, weights: str = "a" * 64, loss: float = 0.13, **facts: Any) -> Run:
    """A run folder that looks trained and evaluated."""
    run = begin(config, ENVIRONMENT | facts)
    digests = {"weights_sha256": weights, "data_sha256": "d"}
    run.add_metrics("train", TRAINED | {"seed": config.training.seed} | digests)
    per_class = [row | {"accuracy": accuracy} for row in EVALUATED["per_class"]]
    figures = {"test_accuracy": accuracy, "test_loss": loss, "per_class": per_class}
    run.add_metrics("evaluate", EVALUATED | figures | digests)
    return run


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A config of its own folder, with comments and without a band, that reports nothing."""
    monkeypatch.setattr(verdicts, "reported_for", lambda _: ())
    text = shipped_configs()["smoke"].read_text().replace("name: smoke", "name: mine")
    path = tmp_path / "mine.yaml"
    path.write_text(text[: text.index("expected:")] + "expected: null\n")
    return path


@pytest.fixture
def banded(recipe: Path) -> Path:
    recipe.write_text(with_expected(recipe, BAND))
    return recipe


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Has somebody report a number of the recipe."""

    def reports(value: float, **settings: Any) -> None:
        given: dict[str, Any] = {"source": "R1", "recipe": "mine", "metric": "test_accuracy", "claim": True} | settings
        monkeypatch.setattr(verdicts, "reported_for", lambda _: (ReportedNumber(value=value, **given),))

    return reports


def pretend_seeds(path: Path, accuracies: Sequence[float] = ACCURACIES, **figures: Any) -> None:
    for seed, accuracy in enumerate(accuracies):
        pretend(load_config(path, seed=seed), accuracy, **figures)


# What is reported


def test_reported_numbers_belong_to_recipes_that_exist() -> None:
    reports = load_reported()
    assert {each.source for each in reports} == {"R1", "R2", "R3", "R4", "R5", "anchor"}
    assert {each.recipe for each in reports} - {None} <= set(shipped_configs())


def test_the_file_of_reports_is_no_recipe() -> None:
    assert "reported" not in shipped_configs()
    assert "reported" not in mnist("config", "list").stdout


def test_what_is_not_plausible_cannot_be_claimed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reported_module, "configs_folder", lambda: tmp_path)
    line = "source: R1, recipe: dense, metric: test_loss, value: 0.1, claim: true"
    (tmp_path / "reported.yaml").write_text(f"reports:\n  - {{{line}, implausible: too good}}\n")
    with pytest.raises(ConfigError, match=r"reports\.0: .* cannot be claimed"):
        load_reported()


def test_all_recipes_are_those_with_something_to_be_held_against() -> None:
    assert set(all_recipes()) >= {"cnn", "dense", "dense-10", "tiny"}


# Verdicts


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


# Bands


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
    def broken(configs: Sequence[Config], **_: Any) -> list[Outcome]:
        if stop:
            raise stop
        return [Outcome(Run(artifacts() / config.name), "it broke") for config in configs]

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


# What is asked for, and what comes out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["reproduce"], "which recipes?"),
        (["reproduce", "dense", "--all"], "not both"),
        (["reproduce", "dnese"], "no such config"),
        (["reproduce", "dense", "--update", "--check"], "choose one"),
        (["reproduce", "."], "holds no run"),
    ],
)
def test_wrong_use_is_one_clear_line(
    words: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = mnist(*words)
    assert result.exit_code == 2
    assert says in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_run_of_another_recipe_under_the_name_is_refused(recipe: Path) -> None:
    pretend(load_config(recipe, {"training.epochs": 7}, seed=0), 0.97)
    result = mnist("reproduce", str(recipe), "--seeds", "2")
    assert result.exit_code == 2
    assert "training.epochs: 7 → 1" in result.stderr


def test_the_table_goes_to_a_markdown_file_and_the_seeds_to_a_picture(
    recipe: Path, report: Callable[..., None], tmp_path: Path
) -> None:
    report(0.97, note="a remark")
    pretend_seeds(recipe)
    page, picture = tmp_path / "page.md", tmp_path / "all.png"
    mnist("reproduce", str(recipe), "--seeds", "3", "--markdown", str(page), "--plot", str(picture))
    text = page.read_text()
    assert "| mine | R1 | test accuracy | 97.00 % | 97.00 ± 0.10 % (3) | 96.50 to 97.50 % | reproduced |" in text
    assert "| mine | – | test loss | – | 0.1300 ± 0.0000 (3) |" in text
    assert "measured on 2026-01-02, A, Python 3.11.7, tensorflow 2.21.0, keras 3.15.1" in text
    assert "(a remark)" in text
    assert cv2.imread(str(picture)) is not None
    assert cv2.imread(str(artifacts() / "reproduce" / "mine.png")) is not None


# Repeating a run


@pytest.fixture
def repeated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Has the repetition come out so."""

    def comes_out(accuracy: float, weights: str, **facts: Any) -> None:
        def train_all(configs: Sequence[Config], *, folder: Path, **_: Any) -> list[Outcome]:
            with monkeypatch.context() as patch:
                patch.setenv("MNIST_ARTIFACTS", str(folder))
                return [Outcome(pretend(config, accuracy, weights, **facts)) for config in configs]

        monkeypatch.setattr(repeat, "train_all", train_all)

    return comes_out


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
    run = pretend(load_config(recipe, {"training.epochs": 9}), 0.97)
    repeated(0.97, "b" * 64)
    result = mnist("reproduce", str(run.path))
    assert result.exit_code == 1
    assert "has a band to compare by" in result.stdout


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


# mnist runs diff


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


# On real runs


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    """R1 and R4, two seeds each, in processes of their own."""
    folder = tmp_path_factory.mktemp("gate")
    words = ["reproduce", "dense", "tiny", "--seeds", "2", "--check"]
    return CliRunner().invoke(app, words, env={"MNIST_ARTIFACTS": str(folder)}), folder


def test_quick_gate_r1_and_r4_are_in_their_bands(gate: tuple[Result, Path]) -> None:
    """A change that moves the numbers, either way or to the implausible, ends here."""
    result, _ = gate
    assert result.exit_code == 0, result.output


def test_a_run_of_the_gate_repeats_to_the_same_bits(gate: tuple[Result, Path]) -> None:
    run = gate[1] / "tiny-seed0"
    result = mnist("reproduce", str(run))
    assert (result.exit_code, result.stdout) == (0, f"{run}: same bits\n"), result.output
