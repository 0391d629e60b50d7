"""Whatever the streams lead to: a clear line, or the right answer."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer

from mnist_pipeline import pipeline
from mnist_pipeline.cli import app
from mnist_pipeline.cli.streams import make_safe
from mnist_pipeline.reproduction.repeat import Repetition
from mnist_pipeline.reproduction.verifying import Verification
from mnist_pipeline.runs.opening import open_run
from mnist_pipeline.runs.results import Benched, Evaluated, Exported
from mnist_pipeline.runs.run import Run
from tests.commands import shell
from tests.systems import linux, posix


@pytest.mark.parametrize("closed", ["2>&-", "2>/dev/full", "<&-"])
def test_an_answer_needs_stdout_alone(seven: Path, closed: str) -> None:
    answer = shell(f"predict {seven} {closed}")
    assert b"this is a 7" in answer.stdout
    assert answer.returncode == 0


@pytest.mark.parametrize("words", ["predict none.png 2>/dev/full", "predict seven.png >&- 2>&- <&-"])
def test_the_exit_code_is_right_where_no_word_can_be_said(seven: Path, words: str) -> None:
    assert shell(words).returncode == 2


@pytest.mark.parametrize("rest", [">&-", "--csv >&-", "--json >/dev/full", "--all >/dev/full"])
def test_an_answer_that_cannot_be_written_is_one_line(seven: Path, rest: str) -> None:
    answer = shell(f"predict {seven} {rest}")
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


@posix
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
            process.wait(0.5)
        assert b"mnist-kit " in answers.read()
    assert process.returncode == 0


VERBS = [
    "--help", "--version", "train -c smoke", "run -c smoke", "evaluate smoke", "report smoke", "export smoke",
    "bench smoke", "predict seven.png", "reproduce ARTIFACTS/smoke", "data info", "data verify", "data plot",
    "data fetch fashion", "config list", "config show dense", "config schema", "config diff dense cnn", "runs",
    "runs diff smoke smoke",
    "attest smoke", "verify smoke", "predict --help", "serve --help", "sweep --help", "tune --help",
    "adapt --help", "ensemble --help",
]  # fmt: skip


@pytest.fixture
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    """Verbs that take seconds give their answers at once."""
    exported = Exported(run=Path("smoke"), card={"forms": {"onnx": {"files": [{"file": "model.onnx"}]}}})
    benched = Benched(run=Path("smoke"), name="smoke", rows=[], left_out=[])
    monkeypatch.setattr(pipeline, "evaluate", lambda _: Evaluated.of(open_run("smoke")))
    monkeypatch.setattr(pipeline, "export", lambda *_, **__: exported)
    monkeypatch.setattr(pipeline, "bench", lambda *_, **__: benched)
    monkeypatch.setattr("mnist_pipeline.reproduction.repeat.repeat_run", lambda *_: Repetition("same bits", {}, {}))
    verified = Verification("same bits", [], {}, {})
    monkeypatch.setattr("mnist_pipeline.reproduction.verifying.verify", lambda *_: verified)
    looked: tuple[Path, list[Path], SimpleNamespace] = Path("data.html"), [], SimpleNamespace(tree=dict)
    monkeypatch.setattr("mnist_pipeline.evaluation.data_page.write_data_page", lambda *_: looked)
    monkeypatch.setattr("mnist_pipeline.data.fetching.fetch", lambda *_: Path("fashion"))


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


@linux
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
