"""Words and names of every kind and length, in any encoding."""

import csv
import io
import json
import os
from pathlib import Path

import pytest

from mnist_pipeline.prediction.finding import find
from mnist_pipeline.runs.run import Run
from tests.commands import mnist, shell

LONG = "x" * 5000


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


def test_a_path_that_is_typed_is_read_whatever_the_encoding(seven: Path) -> None:
    pty = pytest.importorskip("pty", reason="needs a pseudo-terminal, which Windows has not")
    seven.rename("é.png")
    ours, theirs = pty.openpty()
    os.write(ours, "é.png\n".encode())
    answer = shell("predict", stdin=theirs, PYTHONIOENCODING="ascii")
    os.close(ours)
    os.close(theirs)
    assert b"this is a 7" in answer.stdout


def test_no_cell_of_a_table_is_a_formula(seven: Path) -> None:
    names = ["=1+1.png", "+x", "-x", "@x", "\tx", "-5", "+1.5e3", "x=1"]
    answer = mnist("predict", "--csv", "--", *names)
    rows = list(csv.DictReader(io.StringIO(answer.stdout, newline="")))
    assert [row["image"] for row in rows] == ["./=1+1.png", "./+x", "./-x", "./@x", "./\tx", "-5", "+1.5e3", "x=1"]
    assert rows[0]["error"] == "./=1+1.png: no such file"


@pytest.mark.parametrize(
    "words",
    [
        "predict", "predict --all", "predict seven.png --run", "predict --model", "evaluate", "report", "export",
        "bench", "train --config", "run --config", "train -c smoke --name", "train -c smoke --set", "data info",
        "data verify", "data fetch", "data import", "data plot --out", "data plot --config", "config show",
        "config diff dense", "runs diff smoke",
        "reproduce", "",
    ],
)  # fmt: skip
def test_a_word_of_5000_characters_is_refused_in_a_line_that_can_be_read(
    smoke_run: Run, seven: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    answer = mnist(*words.split(), LONG)
    assert answer.exit_code == 2
    assert not answer.stdout
    assert len(max(answer.stderr.splitlines(), key=len)) < 600


def test_a_word_that_is_too_long_does_not_end_the_others(seven: Path) -> None:
    assert [found.path for found in find([LONG, "seven.png"]) if found] == [LONG, "seven.png"]
