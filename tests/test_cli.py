"""The command line as a user meets it: what is on stdout, what on stderr, and the exit code."""

import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from mnist_pipeline.cli import app
from mnist_pipeline.data import load_part
from mnist_pipeline.runs.run import Run


def mnist(*words: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, list(words), input=stdin)


@pytest.fixture
def seven(tmp_path: Path) -> str:
    path = tmp_path / "seven.png"
    cv2.imwrite(str(path), load_part("mnist", "test").images[0])
    return str(path)


def test_predict_answers_in_a_sentence(smoke_run: Run, seven: str) -> None:
    result = mnist("predict", seven)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{seven}: this is a 7 (")
    assert "trained last" in result.stderr


def test_predict_json_is_one_line_a_file_and_nothing_else(smoke_run: Run, seven: str) -> None:
    result = mnist("predict", "--json", seven, "none.png", seven)
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["digit"] for line in lines] == [7, None, 7]
    assert "no such file" in lines[1]["error"]
    assert result.exit_code == 2


def test_predict_answers_the_other_files_when_one_is_bad(smoke_run: Run, seven: str, tmp_path: Path) -> None:
    text = tmp_path / "text.png"
    text.write_text("not a picture")
    result = mnist("predict", str(text), seven)
    assert result.exit_code == 2
    assert "this is a 7" in result.stdout
    assert result.stderr.count("Error:") == 1
    assert str(text) in result.stderr


def test_predict_without_a_path_says_what_is_missing(smoke_run: Run) -> None:
    result = mnist("predict")
    assert result.exit_code == 2
    assert "mnist predict digit.png" in result.stderr


def on_terminal(words: list[str], typed: str = "") -> str:
    """What a user sees who calls mnist on a terminal and types."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "mnist_pipeline", *words], stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    os.write(ours, typed.encode())
    seen = b""
    try:
        while piece := os.read(ours, 65536):
            seen += piece
    except OSError:  # how Linux says that the other side has hung up
        pass
    process.wait()
    os.close(ours)
    return seen.decode()


def test_predict_asks_for_the_path_on_a_terminal(smoke_run: Run, seven: str) -> None:
    seen = on_terminal(["predict"], f"{seven}\n")
    assert "Path of the picture:" in seen
    assert f"{seven}: this is a 7" in seen


def test_training_on_a_terminal_shows_a_bar_and_a_line_an_epoch(tmp_path: Path) -> None:
    seen = on_terminal(["train", "--config", "smoke"])
    assert "epoch 1/1  loss" in seen
    assert "━" in seen
    assert "Traceback" not in seen


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[" in on_terminal(["evaluate", "nothing"])
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in on_terminal(["evaluate", "nothing"])


def test_predict_inverts_when_told_and_not_otherwise(smoke_run: Run, seven: str) -> None:
    inverted = [
        json.loads(mnist("predict", "--json", "--invert", how, seven).stdout)["inverted"]
        for how in ("auto", "yes", "no")
    ]
    assert inverted == [False, True, False]


@pytest.mark.parametrize("stem", ["no-text-\udcff", "n" * 250], ids=["bytes", "long"])
def test_predict_show_of_a_file_of_any_name(
    stem: str, seven: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(seven).rename(f"{stem}.png")
    assert mnist("predict", "--show", f"{stem}.png").exit_code == 0
    assert len(list(tmp_path.glob("*-seen.png"))) == 1


def test_predict_show_writes_a_picture_and_never_over_another(
    smoke_run: Run, seven: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("seven-seen.png", "seven-seen-2.png"):
        assert name in mnist("predict", "--show", seven).stderr
        assert cv2.imread(name) is not None


def test_predict_with_nothing_trained_uses_the_model_that_comes_with_the_package(seven: str) -> None:
    result = mnist("predict", seven)
    assert result.exit_code == 0
    assert "this is a 7" in result.stdout
    assert "comes with the package" in result.stderr
    assert "trained last" not in result.stderr


def test_predict_takes_the_shipped_model_when_asked_whatever_is_trained(smoke_run: Run, seven: str) -> None:
    assert "trained last" in mnist("predict", seven).stderr
    assert "comes with the package" in mnist("predict", "--run", "shipped", seven).stderr


def test_evaluate_with_nothing_trained_says_how_to_begin() -> None:
    result = mnist("evaluate")
    assert result.exit_code == 2
    assert "mnist train --config dense.yaml" in result.stderr


def test_predict_says_that_there_is_no_digit_and_why(tmp_path: Path) -> None:
    blank, cross = tmp_path / "blank.png", tmp_path / "cross.png"
    cv2.imwrite(str(blank), np.full((80, 80), 250, np.uint8))
    picture = np.full((200, 200), 250, np.uint8)
    for start, end in (
        ((50, 50), (150, 150)),
        ((150, 50), (50, 150)),
        ((100, 40), (100, 160)),
        ((40, 100), (160, 100)),
    ):
        cv2.line(picture, start, end, 20, 9)
    cv2.imwrite(str(cross), picture)
    result = mnist("predict", "--json", str(blank), str(cross))
    assert result.exit_code == 0
    first, second = (json.loads(line) for line in result.stdout.splitlines())
    assert (first["digit"], first["guess"], first["reason"]) == (None, None, "nothing is drawn")
    assert second["digit"] is None
    assert second["guess"] is not None
    assert "none of them" in second["reason"]


def test_predict_plain_is_the_recipes_own_way(tmp_path: Path) -> None:
    corner = np.zeros((56, 56), np.uint8)
    corner[2:30, 2:30] = load_part("mnist", "train").images[2]
    cv2.imwrite(str(tmp_path / "corner.png"), corner)
    ways = [
        json.loads(mnist("predict", "--json", "--preprocess", way, str(tmp_path / "corner.png")).stdout)
        for way in ("mnist", "plain")
    ]
    assert ways[0]["digit"] == 4
    assert ways[0]["probabilities"] != ways[1]["probabilities"]


def test_predict_with_a_damaged_model_is_one_line(smoke_run: Run, seven: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(smoke_run.path, copy)
    (copy / "model.onnx").write_bytes(b"\x08\x07rubbish")
    result = mnist("predict", "--run", str(copy), seven)
    assert result.exit_code == 2
    assert "is damaged" in result.stderr


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
    assert [line.split()[0] for line in result.stdout.splitlines()[3:13]] == [str(digit) for digit in range(10)]


def test_evaluate_json_holds_the_confusion_matrix(smoke_run: Run) -> None:
    numbers = json.loads(mnist("evaluate", "--json").stdout)
    assert np.array(numbers["confusion"]).shape == (10, 10)
    assert np.array(numbers["confusion"]).sum() == numbers["n"] == 10_000


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


def test_data_plot_shows_the_digits_and_what_a_config_makes_of_them(tmp_path: Path) -> None:
    result = mnist("data", "plot", "--config", "photo", "--out", str(tmp_path))
    assert [Path(path).stem for path in result.stdout.splitlines()] == ["digits", "distribution", "drawn", "augmented"]
    for path in result.stdout.splitlines():
        assert cv2.imread(path) is not None


def test_config_show_of_a_changed_config_is_complete_and_trains(tmp_path: Path) -> None:
    text = mnist("config", "show", "tiny", "--set", "training.epochs=3").stdout
    (tmp_path / "mine.yaml").write_text(text)
    assert mnist("config", "diff", "tiny", str(tmp_path / "mine.yaml")).stdout == "training.epochs: 10 → 3\n"


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
    assert mnist("--version").stdout.strip().startswith("mnist-pipeline ")
