"""mnist predict as a user meets it: the answer on stdout, the rest on stderr, and the exit code."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from mnist_pipeline.data import load_part
from mnist_pipeline.runs.run import Run
from tests.commands import mnist


def test_predict_answers_in_a_sentence(smoke_run: Run, seven: Path) -> None:
    result = mnist("predict", seven)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{seven}: this is a 7 (")
    assert "trained last" in result.stderr


def test_predict_json_is_one_line_a_file_and_nothing_else(smoke_run: Run, seven: Path) -> None:
    result = mnist("predict", "--json", seven, "none.png", seven)
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["digit"] for line in lines] == [7, None, 7]
    assert "no such file" in lines[1]["error"]
    assert result.exit_code == 2


def test_predict_answers_the_other_files_when_one_is_bad(smoke_run: Run, seven: Path, tmp_path: Path) -> None:
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


def test_predict_inverts_when_told_and_not_otherwise(smoke_run: Run, seven: Path) -> None:
    inverted = [
        json.loads(mnist("predict", "--json", "--invert", how, seven).stdout)["inverted"]
        for how in ("auto", "yes", "no")
    ]
    assert inverted == [False, True, False]


@pytest.mark.parametrize("stem", ["no-text-\udcff", "n" * 250], ids=["bytes", "long"])
def test_predict_show_of_a_file_of_any_name(
    stem: str, seven: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(seven).rename(f"{stem}.png")
    assert mnist("predict", "--show", f"{stem}.png").exit_code == 0
    assert len(list(tmp_path.glob("*-seen.png"))) == 1


def test_predict_show_writes_a_picture_and_never_over_another(
    smoke_run: Run, seven: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("seven-seen.png", "seven-seen-2.png"):
        assert name in mnist("predict", "--show", seven).stderr
        assert cv2.imread(name) is not None


def test_predict_explains_in_json_and_in_a_panel(seven: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = json.loads(mnist("predict", "--explain", "--show", "--json", "--run", "shipped", seven).stdout)
    assert np.array(told["explanation"]).shape == (28, 28)
    drawn = np.asarray(cv2.imread(f"{seven.stem}-seen.png"))
    orange = (drawn[..., 2] > 180) & (drawn[..., 0] < 60)
    assert orange.sum() > 100
    assert not list(tmp_path.glob("*-seen-2.png"))
    assert "--explain goes with --show" in mnist("predict", "--explain", seven).stderr


def test_predict_with_nothing_trained_uses_the_model_that_comes_with_the_package(seven: Path) -> None:
    result = mnist("predict", seven)
    assert result.exit_code == 0
    assert "this is a 7" in result.stdout
    assert "comes with the package" in result.stderr
    assert "trained last" not in result.stderr


def test_predict_takes_the_shipped_model_when_asked_whatever_is_trained(smoke_run: Run, seven: Path) -> None:
    assert "trained last" in mnist("predict", seven).stderr
    assert "comes with the package" in mnist("predict", "--run", "shipped", seven).stderr


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


def test_predict_with_a_damaged_model_is_one_line(smoke_run: Run, seven: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(smoke_run.path, copy)
    (copy / "model.onnx").write_bytes(b"\x08\x07rubbish")
    result = mnist("predict", "--run", str(copy), seven)
    assert result.exit_code == 2
    assert "is damaged" in result.stderr


@pytest.mark.parametrize(("words", "said"), [("predict SEVEN", "this is a 7"), ("--help", "Usage: mnist")])
def test_predict_and_help_load_nothing_that_draws(seven: Path, words: str, said: str) -> None:
    arguments = [str(seven) if word == "SEVEN" else word for word in words.split()]
    call = f"from mnist_pipeline.cli import app\ntry: app({arguments}, prog_name='mnist')\nexcept SystemExit: pass"
    script = f"{call}\nimport sys; print(*sys.modules)"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert said in answer.stdout
    assert not any(module.partition(".")[0] == "rich" for module in answer.stdout.split())
