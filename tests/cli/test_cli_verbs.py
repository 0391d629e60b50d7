"""The verbs but predict as a user meets them: what is on stdout, what on stderr, and the exit code."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.runs.run import Run
from tests.commands import mnist


def test_evaluate_with_nothing_trained_says_how_to_begin() -> None:
    result = mnist("evaluate")
    assert result.exit_code == 2
    assert "mnist train --config dense.yaml" in result.stderr


def test_train_json_prints_one_object(smoke_run: Run) -> None:
    result = mnist("train", "--config", "smoke.yaml", "--json")
    assert json.loads(result.stdout)["name"] == "smoke"
    assert "already" in result.stderr


def test_train_refuses_another_config_under_the_same_name(smoke_run: Run) -> None:
    result = mnist("train", "--config", "smoke", "--set", "training.epochs=2")
    assert result.exit_code == 2
    assert "training.epochs: 1 → 2" in result.stderr


def test_evaluate_prints_a_table_of_all_digits(smoke_run: Run) -> None:
    result = mnist("evaluate", "smoke")
    assert result.exit_code == 0
    assert "test accuracy" in result.stdout
    confusion = np.array(smoke_run.figures("evaluate")["confusion"])
    assert (confusion.shape, confusion.sum()) == ((10, 10), 10_000)
    assert [line.split()[0] for line in result.stdout.splitlines()[3:13]] == [str(digit) for digit in range(10)]


def test_evaluate_of_an_unknown_run_lists_those_there_are(smoke_run: Run) -> None:
    result = mnist("evaluate", "dense")
    assert result.exit_code == 2
    assert "smoke" in result.stderr


def test_runs_lists_every_run_with_its_numbers(smoke_run: Run) -> None:
    assert "evaluated" in mnist("runs").stdout
    (only,) = json.loads(mnist("runs", "--json").stdout)["runs"]
    assert only["name"] == "smoke"
    assert only["test_accuracy"] > 0.9


def test_runs_with_nothing_trained() -> None:
    result = mnist("runs")
    assert result.exit_code == 0
    assert "nothing is trained yet" in result.stderr


def test_data_info_counts_the_classes() -> None:
    facts = json.loads(mnist("data", "info", "--json").stdout)
    assert facts["train"]["counts"] == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert "33.3184" in mnist("data", "info").stdout


def test_data_verify_is_silent_about_nothing(tmp_path: Path) -> None:
    assert "complete and correct" in mnist("data", "verify").stdout
    result = mnist("data", "verify", str(tmp_path))
    assert result.exit_code == 2
    assert result.stderr.startswith("Error:")


def test_data_plot_shows_the_digits_and_what_a_config_makes_of_them(few: Path, tmp_path: Path) -> None:
    result = mnist("data", "plot", few, "--config", "photo", "--out", tmp_path / "look")
    *pictures, page = result.stdout.splitlines()
    assert {"digits", "distribution", "drawn", "augmented"} <= {Path(path).stem for path in pictures}
    assert Path(page).read_text(encoding="utf-8").startswith("<!doctype html>")
    for path in pictures:
        assert cv2.imread(path) is not None


def test_config_show_of_a_changed_config_is_complete_and_trains(tmp_path: Path) -> None:
    text = mnist("config", "show", "smoke", "--set", "training.epochs=3").stdout
    (tmp_path / "mine.yaml").write_text(text)
    differences = mnist("config", "diff", "smoke", str(tmp_path / "mine.yaml")).stdout
    assert differences == 'name: "smoke" → "my-smoke"\ntraining.epochs: 1 → 3\n'


@pytest.mark.parametrize("words", [["dense"], ["dense", "--set", "training.epochs=15"]], ids=["text", "values"])
def test_config_show_gives_a_copy_with_a_name_of_its_own_and_no_band(words: list[str], tmp_path: Path) -> None:
    text = mnist("config", "show", *words).stdout
    (tmp_path / "mine.yaml").write_text(text)
    ours, theirs = load_config(tmp_path / "mine.yaml"), load_config("dense")
    assert (ours.name, ours.expected) == ("my-dense", None)
    assert (ours.recipe(), ours.description) == (theirs.recipe(), theirs.description)


def test_config_show_begins_with_the_schema_for_editors_and_leaves_a_config_of_the_user_alone(tmp_path: Path) -> None:
    text = mnist("config", "show", "tiny").stdout
    assert text.startswith("# yaml-language-server: $schema=mnist-config.schema.json\n#")
    assert "\nname: my-tiny # begun as a copy of tiny\n" in text
    (tmp_path / "mine.yaml").write_text(text)
    assert mnist("config", "show", str(tmp_path / "mine.yaml")).stdout == text


def test_config_list_has_every_recipe_with_a_description() -> None:
    lines = mnist("config", "list").stdout.splitlines()
    assert {line.split()[0] for line in lines[1:]} >= {"cnn", "dense", "dense-10", "smoke", "tiny"}
    assert all(len(line.split()) > 3 for line in lines[1:])


def test_config_schema_is_a_json_schema_with_descriptions() -> None:
    schema = json.loads(mnist("config", "schema").stdout)
    assert schema["$defs"]["DataSettings"]["properties"]["validation"]["description"]


def test_all_mistakes_of_a_config_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("name: x\nmodel: {family: dense, hiden: [1]}\ntraining: {epochs: 0, seed: yes}\n")
    result = mnist("train", "--config", str(path))
    assert result.exit_code == 2
    assert "3 complaints" in result.stderr
    assert "did you mean hidden?" in result.stderr


def test_version() -> None:
    assert mnist("--version").stdout.strip().startswith("mnist-kit ")
