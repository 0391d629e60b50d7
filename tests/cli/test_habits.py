"""What a command line is expected to do: a config as a plain word, slips answered with what was meant, short help."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer import completion
from typer.main import get_command

from mnist_pipeline import pipeline
from mnist_pipeline.cli import app
from mnist_pipeline.runs.results import Evaluated
from mnist_pipeline.runs.run import Run
from tests.commands import mnist, shell


def test_a_config_is_named_with_or_without_its_option(smoke_run: Run) -> None:
    assert mnist("train", "smoke").stdout == mnist("train", "--config", "smoke").stdout
    assert mnist("train", "smoke").exit_code == 0


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("train", "which config? Name one: mnist train dense"),
        ("train dense --config dense", "one config, not two"),
        ("train dnse", "Did you mean dense?"),
        ("train dense --epochs 3", "did you mean --set training.epochs=3?"),
        ("run dense --learning-rate=0.1", "did you mean --set training.optimizer.learning_rate=0.1?"),
        ("train dense --hidden", "did you mean --set model.hidden=VALUE?"),
        ("train dense --seed abc", "'--seed': must be a whole number, not abc"),
        ("reproduce dense --seeds 0", "'--seeds': must be greater than or equal to 1, not 0"),
        ("predict x.png --invert maybe", "'--invert': 'maybe' is not one of 'auto', 'yes', 'no'"),
        ("config show", "Missing argument 'config'"),
        ("evaluate smokes", "Did you mean smoke? Runs in "),
    ],
)
def test_a_slip_is_answered_in_a_line_with_what_was_meant(smoke_run: Run, words: str, answer: str) -> None:
    result = mnist(*words.split())
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert answer in result.stderr.splitlines()[0]


@pytest.mark.parametrize("words", ["", "train", "predict", "data", "runs diff"])
def test_the_help_gives_flags_no_type(words: str) -> None:
    assert "<bool>" not in mnist(*words.split(), "--help").stdout


def test_the_list_of_commands_gives_whole_sentences() -> None:
    listed = " ".join(mnist("--help").stdout.split())
    assert "After an interruption the same command goes on. run Train a config" in listed
    assert "..." not in listed.replace("[ARGS]...", "")


@pytest.mark.parametrize(
    "words",
    [
        "run smoke", "report smoke", "config list", "config show dense", "config diff dense tiny", "data verify",
        "runs", "evaluate --model MODEL",
    ],
)  # fmt: skip
def test_every_answer_can_be_had_as_one_object(smoke_run: Run, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "evaluate", lambda where: Evaluated.of(smoke_run))  # takes a second
    result = mnist(*words.replace("MODEL", str(smoke_run.onnx_file)).split(), "--json")
    assert isinstance(json.loads(result.stdout), dict)
    assert len(result.stdout.splitlines()) == 1


@pytest.mark.parametrize("words", ["-q train smoke", "train smoke --quiet", "runs -q", "predict seven.png --quiet"])
def test_quiet_leaves_results_alone(smoke_run: Run, seven: Path, words: str) -> None:
    result = mnist(*words.split())
    assert result.exit_code == 0
    assert result.stdout
    assert result.stderr == ""
    assert mnist("train", "smoke").stderr, "only the command that it is said to is quiet"


def test_quiet_keeps_errors() -> None:
    assert mnist("predict", "none.png", "--quiet").stderr.startswith("Error: none.png")


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A picture of nothing."""
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("blank.png", np.full((40, 40), 255, np.uint8))
    return Path("blank.png")


@pytest.mark.parametrize("form", [[], ["--json"], ["--csv"], ["--all"]], ids=["sentence", "json", "csv", "page"])
def test_a_refusal_is_an_answer_unless_it_must_not_be(refused: Path, form: list[str]) -> None:
    assert mnist("predict", refused, *form).exit_code == 0
    assert mnist("predict", refused, *form, "--strict").exit_code == 1
    assert mnist("predict", refused, "none.png", *form, "--strict").exit_code == 2


@pytest.mark.parametrize("form", [[], ["--json"], ["--csv"]], ids=["sentence", "json", "csv"])
def test_what_the_run_trained_last_cannot_do_is_said_in_every_form(
    smoke_run: Run, seven: Path, form: list[str]
) -> None:
    said = mnist("predict", seven, *form).stderr
    assert "trained last; this run was not trained to refuse; for photos: --run shipped" in said
    assert "trained last" not in mnist("predict", seven, *form, "--run", "smoke").stderr


def test_a_table_names_the_model(smoke_run: Run, seven: Path) -> None:
    (row,) = csv.DictReader(mnist("predict", seven, "--csv").stdout.splitlines())
    assert row["model"] == str(smoke_run.path)


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("mnist train sm", "smoke"),
        ("mnist run --config tiny-", "tiny-portable"),
        ("mnist evaluate sm", "smoke"),
        ("mnist predict x.png --run sh", "shipped"),
        ("mnist train smoke --qu", "--quiet"),
    ],
)
def test_a_shell_completes_recipes_runs_and_options(
    smoke_run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str, offered: str
) -> None:
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split()) - 1))
    completion.get_completion_inspect_parameters()  # which makes the shells known
    completion.shell_complete(get_command(app), {}, "mnist", "_MNIST_COMPLETE", "complete_bash")
    assert capsys.readouterr().out.split() == [offered]


def test_the_shell_s_question_is_answered_by_the_command_itself() -> None:
    asked = shell("", COMP_WORDS="mnist rep", COMP_CWORD="1", _MNIST_COMPLETE="complete_bash")
    assert asked.stdout.split() == [b"report", b"reproduce"]
    assert "--install-completion" in mnist("--help").stdout
