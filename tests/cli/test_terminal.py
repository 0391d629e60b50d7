"""The command line on a terminal: what it asks, what it draws, and what no name of a file can make it do."""

import csv
import io
import json
import subprocess
from pathlib import Path

import pytest

from mnist_pipeline.cli.console import printable
from mnist_pipeline.runs.run import Run
from tests.commands import mnist, on_terminal, shell

NASTY = "a\x1b[31m\nb\u202e.png"


def test_predict_asks_for_the_path_on_a_terminal(smoke_run: Run, seven: Path) -> None:
    seen = on_terminal("predict", typed=f"{seven}\n")
    assert "Path of the picture:" in seen
    assert f"{seven}: this is a 7" in seen


@pytest.mark.slow
def test_training_on_a_terminal_shows_a_bar_and_a_line_an_epoch(tmp_path: Path) -> None:
    seen = on_terminal("train", "--config", "smoke")
    assert "epoch 1/1  loss" in seen
    assert "━" in seen
    assert "Traceback" not in seen


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[" in on_terminal("evaluate", "nothing")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in on_terminal("evaluate", "nothing")


def test_printable_text_holds_nothing_that_a_terminal_obeys() -> None:
    every = "".join(map(chr, (*range(0x20), *range(0x7F, 0xA0), *range(0x2028, 0x202F), *range(0xDC80, 0xDD00))))
    assert printable(every).isprintable()
    assert printable(NASTY) == r"a\x1b[31m\nb\u202e.png"
    assert printable("one\n\ttwo: é×\x1b", lines=True) == "one\n\ttwo: é×\\x1b"


def test_a_name_cannot_speak_to_the_terminal_in_answers_and_complaints(seven: Path) -> None:
    seven.rename(NASTY)
    answer = mnist("predict", ".", f"{NASTY}.none", "--run", "shipped")
    assert answer.stdout.startswith(r"./a\x1b[31m\nb\u202e.png: this is a 7")
    assert "\x1b" not in answer.output
    assert len(answer.stdout.splitlines()) == 1


def test_a_refusal_cannot_speak_to_the_terminal() -> None:
    answer = mnist("evaluate", "a\x1b[31m")
    assert r"Error: a\x1b[31m: no run here" in answer.stderr


def test_a_table_keeps_the_name_for_a_program_and_shows_it_on_a_terminal(seven: Path) -> None:
    seven.rename(NASTY)
    rows = list(csv.reader(io.StringIO(shell("predict . --csv").stdout.decode(), newline="")))
    assert rows[1][0] == f"./{NASTY}"
    seen = on_terminal("predict", ".", "--csv", stderr=subprocess.DEVNULL)
    assert r"a\x1b[31m\nb\u202e.png,7" in seen
    assert "\x1b" not in seen


def test_json_escapes_what_a_terminal_would_obey() -> None:
    answer = mnist("predict", "--json", "\x9b31m\u202e×.png")
    assert r"\u009b31m\u202e\u00d7.png" in answer.stdout
    assert json.loads(answer.stdout)["image"] == "\x9b31m\u202e×.png"
