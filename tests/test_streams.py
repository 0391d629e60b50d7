"""Whatever the streams lead to and the caller's environment says: a clear line, or the right answer."""

import csv
import io
import json
import os
import pty
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import pytest
import typer
from typer.testing import CliRunner

from mnist_pipeline import pipeline
from mnist_pipeline.cli import app
from mnist_pipeline.cli.streams import make_safe, printable
from mnist_pipeline.config import load_config
from mnist_pipeline.data import load_part
from mnist_pipeline.evaluation import plots
from mnist_pipeline.prediction.finding import find
from mnist_pipeline.process import quiet_stderr
from mnist_pipeline.reproduction.repeat import Repetition
from mnist_pipeline.runs.run import Run, open_run
from mnist_pipeline.training.xla_flags import set_flags

LONG = "x" * 5000
NASTY = "a\x1b[31m\nb\u202e.png"


@pytest.fixture
def seven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A picture of a seven in the current folder."""
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("seven.png", load_part("mnist", "test").images[0])
    return Path("seven.png")


def shell(words: str, stdin: int = subprocess.DEVNULL, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """What `mnist` gives in a shell, with the redirections among the words."""
    return subprocess.run(
        f"exec '{sys.executable}' -m mnist_pipeline {words}", shell=True, stdin=stdin, capture_output=True, check=False,
        env=os.environ | environment,
    )  # fmt: skip


def on_terminal(*words: str, **environment: str) -> bytes:
    """What a user sees whose stdout is a terminal, and stderr is not."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "mnist_pipeline", *words]
    with subprocess.Popen(command, stdout=theirs, stderr=subprocess.DEVNULL, env=os.environ | environment):
        os.close(theirs)
        seen = b""
        try:
            while piece := os.read(ours, 65536):
                seen += piece
        except OSError:  # how Linux says that the other side has hung up
            pass
    os.close(ours)
    return seen


# Streams that are closed or full


@pytest.mark.parametrize("closed", ["2>&-", "2>/dev/full", "<&-"])
def test_an_answer_needs_stdout_alone(seven: Path, closed: str) -> None:
    answer = shell(f"predict {seven} {closed}")
    assert b"this is a 7" in answer.stdout
    assert answer.returncode == 0


@pytest.mark.parametrize(
    "words", ["predict none.png 2>/dev/full", "predict none.png 2>&-", "predict seven.png >&- 2>&- <&-"]
)
def test_the_exit_code_is_right_where_no_word_can_be_said(seven: Path, words: str) -> None:
    assert shell(words).returncode == 2


@pytest.mark.parametrize("form", ["", "--json", "--csv", "--all"])
@pytest.mark.parametrize("gone", [">&-", ">/dev/full"])
def test_an_answer_that_cannot_be_written_is_one_line(seven: Path, form: str, gone: str) -> None:
    answer = shell(f"predict {seven} {form} {gone}")
    assert answer.returncode == 2
    assert answer.stderr.decode().splitlines()[-1].startswith("Error: the answer cannot be written to stdout (")
    assert b"Traceback" not in answer.stderr


def test_a_picture_is_asked_for_where_stdin_is_closed() -> None:
    assert shell("predict <&-").stderr == b"Error: which picture? Give its path: mnist predict digit.png\n"


def test_a_reader_who_goes_away_ends_it_quietly() -> None:
    reads, writes = os.pipe()
    os.close(reads)
    command = [sys.executable, "-m", "mnist_pipeline", "config", "list"]
    answer = subprocess.run(command, stdout=writes, stderr=subprocess.PIPE, check=False)
    os.close(writes)
    assert (answer.stderr, answer.returncode) == (b"", 1)


def test_a_pipe_that_does_not_wait_gets_the_whole_answer() -> None:
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    os.write(writes, b"x" * 65536)
    command = [sys.executable, "-m", "mnist_pipeline", "--version"]
    with (
        subprocess.Popen(command, stdout=writes, stderr=subprocess.DEVNULL) as process,
        os.fdopen(reads, "rb") as answers,
    ):
        os.close(writes)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
        assert b"mnist-pipeline " in answers.read()
    assert process.returncode == 0


VERBS = [
    "--help", "--version", "train -c smoke", "run -c smoke", "evaluate smoke", "report smoke", "export smoke",
    "bench smoke", "predict seven.png", "reproduce ARTIFACTS/smoke", "data info", "data verify", "data plot",
    "config list", "config show dense", "config schema", "config diff dense cnn", "runs", "runs diff smoke smoke",
    "predict --help",
]  # fmt: skip


@pytest.fixture
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    """Verbs that take seconds give their answers at once."""
    exported: dict[str, Any] = {"run": "smoke", "forms": {"onnx": {"files": [{"file": "model.onnx"}]}}}
    benched: dict[str, Any] = {"name": "smoke", "rows": [], "left_out": []}
    monkeypatch.setattr(pipeline, "evaluate", lambda _: pipeline.numbers(open_run("smoke"), "evaluate"))
    monkeypatch.setattr(pipeline, "export", lambda *_, **__: exported)
    monkeypatch.setattr(pipeline, "bench", lambda *_, **__: benched)
    monkeypatch.setattr("mnist_pipeline.reproduction.repeat.repeat_run", lambda *_: Repetition("same bits", {}, {}))
    monkeypatch.setattr(plots, "digits", lambda *_: None)
    monkeypatch.setattr(plots, "distribution", lambda *_: None)


@contextmanager
def full_stdout(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Streams as they are at the entry, and a disk under stdout that is full."""
    with monkeypatch.context() as streams, Path("/dev/full").open("wb") as full:
        for name in ("stdin", "stdout", "stderr"):
            streams.setattr(sys, name, getattr(sys, name))
        kept = os.dup(1)
        os.dup2(full.fileno(), 1)
        make_safe()
        try:
            yield
        finally:
            os.dup2(kept, 1)
            os.close(kept)


@pytest.mark.parametrize("words", VERBS)
@pytest.mark.usefixtures("light", "seven")
def test_every_verb_says_that_stdout_is_full(
    smoke_run: Run, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], words: str
) -> None:
    with full_stdout(monkeypatch), pytest.raises(SystemExit) as ended:
        app(words.replace("ARTIFACTS", str(smoke_run.path.parent)).split())
    assert ended.value.code == 2
    last = capfd.readouterr().err.splitlines()[-1]
    assert last == "Error: the answer cannot be written to stdout (No space left on device)"


def test_the_list_of_verbs_is_complete() -> None:
    tried = {words.split()[0] for words in VERBS}
    assert set(getattr(typer.main.get_command(app), "commands")) <= tried  # noqa: B009 - its type is Typer's own


# Names and encodings


@pytest.mark.parametrize("form", ["", "--csv"])
def test_a_name_that_the_encoding_cannot_say_is_written_in_ascii(seven: Path, form: str) -> None:
    seven.rename("é×.png")
    answer = shell(f"predict é×.png {form}", PYTHONIOENCODING="ascii")
    assert b"\\xe9\\xd7.png" in answer.stdout
    assert answer.returncode == 0


def test_json_keeps_the_name_whatever_the_encoding(seven: Path) -> None:
    seven.rename("é×.png")
    answer = shell("predict é×.png --json", PYTHONIOENCODING="ascii")
    assert json.loads(answer.stdout)["image"] == "é×.png"


def test_signs_of_ours_are_said_in_ascii_where_nothing_else_can_be() -> None:
    answer = shell("config diff dense cnn", PYTHONIOENCODING="ascii")
    assert answer.stdout.isascii()
    assert answer.returncode == 1


def test_bytes_that_are_no_text_stay_in_a_table_and_are_shown_in_a_sentence(seven: Path) -> None:
    Path("\udcff.png").write_bytes(seven.read_bytes())
    assert b"\n\xff.png,7," in shell("predict *.png --csv").stdout
    assert b"\n\\xff.png: this is a 7" in shell("predict *.png").stdout


def test_printable_text_holds_nothing_that_a_terminal_obeys() -> None:
    every = "".join(map(chr, (*range(0x20), *range(0x7F, 0xA0), *range(0x2028, 0x202F), *range(0xDC80, 0xDD00))))
    assert printable(every).isprintable()
    assert printable(NASTY) == r"a\x1b[31m\nb\u202e.png"
    assert printable("one\n\ttwo: é×\x1b", lines=True) == "one\n\ttwo: é×\\x1b"


def test_a_name_cannot_speak_to_the_terminal_in_answers_and_complaints(seven: Path) -> None:
    seven.rename(NASTY)
    answer = CliRunner().invoke(app, ["predict", ".", f"{NASTY}.none", "--run", "shipped"])
    assert answer.stdout.startswith(r"./a\x1b[31m\nb\u202e.png: this is a 7")
    assert "\x1b" not in answer.output
    assert len(answer.stdout.splitlines()) == 1


def test_a_refusal_cannot_speak_to_the_terminal() -> None:
    answer = CliRunner().invoke(app, ["evaluate", "a\x1b[31m"])
    assert r"Error: a\x1b[31m: no run here" in answer.stderr


def test_a_table_keeps_the_name_for_a_program_and_shows_it_on_a_terminal(seven: Path) -> None:
    seven.rename(NASTY)
    rows = list(csv.reader(io.StringIO(shell("predict . --csv").stdout.decode(), newline="")))
    assert rows[1][0] == f"./{NASTY}"
    seen = on_terminal("predict", ".", "--csv")
    assert rb"a\x1b[31m\nb\u202e.png,7" in seen
    assert b"\x1b" not in seen


def test_a_path_that_is_typed_is_read_whatever_the_encoding(seven: Path) -> None:
    seven.rename("é.png")
    ours, theirs = pty.openpty()
    os.write(ours, "é.png\n".encode())
    answer = shell("predict", stdin=theirs, PYTHONIOENCODING="ascii")
    os.close(ours)
    os.close(theirs)
    assert b"this is a 7" in answer.stdout


def test_json_escapes_what_a_terminal_would_obey() -> None:
    answer = CliRunner().invoke(app, ["predict", "--json", "\x9b31m\u202e×.png"])
    assert r"\u009b31m\u202e\u00d7.png" in answer.stdout
    assert json.loads(answer.stdout)["image"] == "\x9b31m\u202e×.png"


def test_no_cell_of_a_table_is_a_formula(seven: Path) -> None:
    names = ["=1+1.png", "+x", "-x", "@x", "\tx", "-5", "+1.5e3", "x=1"]
    answer = CliRunner().invoke(app, ["predict", "--csv", "--", *names])
    rows = list(csv.DictReader(io.StringIO(answer.stdout, newline="")))
    assert [row["image"] for row in rows] == ["./=1+1.png", "./+x", "./-x", "./@x", "./\tx", "-5", "+1.5e3", "x=1"]
    assert rows[0]["error"] == "./=1+1.png: no such file"


@pytest.mark.parametrize(
    "words",
    [
        "predict", "predict --all", "predict seven.png --run", "predict --model", "evaluate", "report", "export",
        "bench", "train --config", "run --config", "train -c smoke --name", "train -c smoke --set", "data info",
        "data verify", "data plot --out", "data plot --config", "config show", "config diff dense", "runs diff smoke",
        "reproduce", "",
    ],
)  # fmt: skip
def test_a_word_of_5000_characters_is_refused_in_a_line_that_can_be_read(
    smoke_run: Run, seven: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    answer = CliRunner().invoke(app, [*words.split(), LONG])
    assert answer.exit_code == 2
    assert not answer.stdout
    assert len(max(answer.stderr.splitlines(), key=len)) < 600


def test_a_word_that_is_too_long_does_not_end_the_others(seven: Path) -> None:
    assert [found.path for found in find([LONG, "seven.png"]) if found] == [LONG, "seven.png"]


# The caller's environment


def test_libraries_are_quiet_without_a_temporary_folder(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as without:
        without.setattr(tempfile, "tempdir", "/nowhere")
        with quiet_stderr():
            os.write(2, b"noise")
    assert capfd.readouterr().err == ""


def test_what_the_operating_system_refuses_is_one_line(smoke_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as without:
        without.setattr(tempfile, "tempdir", "/nowhere")
        answer = CliRunner().invoke(app, ["reproduce", str(smoke_run.path)])
    assert answer.exit_code == 2
    assert answer.stderr.startswith("Error: /nowhere/mnist-")
    assert answer.stderr.endswith(": No such file or directory\n")


def test_a_training_without_a_temporary_folder_is_refused_before_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as without:
        without.setattr(tempfile, "tempdir", None)
        without.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/nowhere"])
        answer = CliRunner().invoke(app, ["train", "-c", "smoke"])
    assert answer.stderr == "Error: No usable temporary directory found in ['/nowhere']\n"
    assert answer.exit_code == 2


def test_pictures_are_drawn_whatever_the_caller_plots_with(tmp_path: Path) -> None:
    answer = shell(f"data plot --out '{tmp_path}'", MPLBACKEND="nonsense", HOME="/dev/null")
    assert cv2.imread(str(tmp_path / "digits.png")) is not None
    assert answer.returncode == 0


@pytest.mark.slow
def test_the_weights_are_the_same_whatever_the_environment_says(smoke_run: Run, tmp_path: Path) -> None:
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "keras.json").write_text('{"floatx": "float16", "epsilon": 0.001}')
    environment: dict[str, Any] = {
        "XLA_FLAGS": "--nonsense --xla_cpu_max_isa=SSE4_2", "TF_XLA_FLAGS": "--nonsense", "PYTHONWARNINGS": "error",
        "HOME": str(tmp_path), "PYTHONIOENCODING": "ascii", "MNIST_ARTIFACTS": str(tmp_path),
    }  # fmt: skip
    answer = shell("run -c smoke", **environment)
    assert answer.returncode == 0, answer.stderr
    assert Run(tmp_path / "smoke").figures("train")["weights_sha256"] == smoke_run.figures("train")["weights_sha256"]


def test_warnings_of_libraries_do_not_end_a_training() -> None:
    code = "from mnist_pipeline import __main__ as entry; entry.app = lambda **_: warnings.warn('moved'); entry.main()"
    answer = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"import warnings; {code}"], capture_output=True, check=False
    )
    assert (answer.returncode, answer.stderr) == (0, b"")


@pytest.mark.parametrize("numerics", ["fast", "portable"])
def test_flags_of_others_change_no_bit(monkeypatch: pytest.MonkeyPatch, numerics: Any) -> None:
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.setenv("XLA_FLAGS", "")
    set_flags(numerics)
    ours = os.environ["XLA_FLAGS"]
    os.environ["XLA_FLAGS"] = "--xla_dump_to=seen --nonsense --xla_cpu_max_isa=SSE4_2 --xla_cpu_enable_fast_math=true"
    set_flags(numerics)
    assert os.environ["XLA_FLAGS"] == f"--xla_dump_to=seen {ours}"


def test_a_fleet_trains_a_config_that_is_not_ascii(smoke_run: Run) -> None:
    config = load_config("smoke", {"description": "größer ×"})
    answer = subprocess.run(
        [sys.executable, "-m", "mnist_pipeline.fleet.worker"], input=config.model_dump_json().encode(),
        env=os.environ | {"PYTHONIOENCODING": "ascii"}, capture_output=True, check=False,
    )  # fmt: skip
    assert (answer.returncode, answer.stderr) == (0, b"")
