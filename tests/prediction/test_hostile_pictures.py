"""Pictures made to do harm, and programs that fail: one answer each, in bounded memory and time, and the next one."""

import io
import json
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mnist_pipeline.pixels.preprocess import Seen
from mnist_pipeline.prediction import predictor as predictor_module
from mnist_pipeline.prediction.finding import Found
from mnist_pipeline.prediction.many import Crew
from mnist_pipeline.prediction.pages import reading
from mnist_pipeline.prediction.pages.reading import read_page
from mnist_pipeline.prediction.predictor import Predictor

# A bug met by one picture


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    """A picture that is read, after one that the tests make fail."""
    paths = [tmp_path / "unlucky.png", tmp_path / "next.png"]
    for side, path in zip((30, 40), paths, strict=True):
        cv2.imwrite(str(path), np.full((side, side), 255, np.uint8))
    return paths


class Unlucky:
    """Stands for a function that takes a grey picture and fails on the smaller one."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __call__(self, grey: np.ndarray[tuple[int, int], np.dtype[np.uint8]], *_: object) -> object:
        if len(grey) == 30:
            raise self.error
        return Seen(None, False, "nothing is drawn")


@pytest.mark.parametrize("error", [ZeroDivisionError("by\nzero"), MemoryError(), cv2.error("no")])
def test_a_bug_is_the_line_of_its_picture(
    error: Exception, two: list[Path], model: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictor_module, "find_strokes", Unlucky(error))
    unlucky, after = model.predict_many(two)
    assert unlucky.error is not None
    assert unlucky.error.startswith(f"{two[0]}: a bug in this program, please report it")
    assert type(error).__name__ in unlucky.error
    assert "\n" not in unlucky.error
    assert (after.error, after.reason) == (None, "nothing is drawn")


def test_a_bug_is_the_line_of_its_page(two: list[Path], model: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "read_pixels", lambda *_: 1 // 0)
    page = read_page(two[0], model)
    assert page.error is not None
    assert f"{two[0]}: a bug in this program, please report it" in page.error
    assert "ZeroDivisionError" in page.error


def test_a_bug_kills_no_process_of_a_crew(
    two: list[Path], model: Predictor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import os\n"
        "stat = os.stat\n"
        "os.stat = lambda path, **how: {}['x'] if path == 'unlucky.png' else stat(path, **how)\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    with Crew(model, "auto", 1) as crew:
        (batch,) = crew.answers([Found("unlucky.png"), Found(str(two[1]))], 2)
    assert [answer.error is None for answer in batch] == [False, True]
    assert "KeyError: 'x'" in str(batch[0].error)


# What the decoders print


@pytest.fixture
def odd(tmp_path: Path) -> list[Path]:
    """A PNG and a JPEG that are read, but that libpng and libjpeg have something to say about."""
    stream = io.BytesIO()
    Image.new("L", (30, 30), 255).save(stream, "JPEG")
    (tmp_path / "odd.jpg").write_bytes(stream.getvalue()[:-2] + bytes(9) + b"\xff\xd9")
    stream = io.BytesIO()
    Image.new("L", (30, 30), 255).save(stream, "PNG")
    profile = b"iCCPnone\0\0" + zlib.compress(b"short")
    part = struct.pack(">I", len(profile) - 4) + profile + struct.pack(">I", zlib.crc32(profile))
    (tmp_path / "odd.png").write_bytes(stream.getvalue()[:33] + part + stream.getvalue()[33:])
    return [tmp_path / "odd.jpg", tmp_path / "odd.png"]


def python(*words: object, given: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, *map(str, words)], input=given, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("words", [["--json"], ["--json", "--all"]])
def test_only_our_own_lines_reach_stderr(words: list[str], odd: list[Path]) -> None:
    done = python("-m", "mnist_pipeline", "predict", *words, *odd)
    assert (done.returncode, done.stderr) == (0, "")
    assert [json.loads(line)["image"] for line in done.stdout.splitlines()] == [str(path) for path in odd]


def test_only_our_own_lines_reach_stderr_from_a_crew(odd: list[Path], model: Predictor) -> None:
    order = {"model": model.arguments | {"runtime": "opencv"}, "invert": "auto"}
    files = [[str(path), None] for path in odd]
    done = python("-m", "mnist_pipeline.prediction.many", given=f"{json.dumps(order)}\n{json.dumps(files)}\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(json.loads(done.stdout)) == 2


def test_what_python_says_is_heard_while_libraries_are_muted() -> None:
    done = python(
        "-c",
        "import os, subprocess, sys\n"
        "from mnist_pipeline.process import libraries_muted, python_stderr\n"
        "with libraries_muted():\n"
        "    os.write(2, b'a library\\n')\n"
        "    print('we', file=sys.stderr)\n"
        "    subprocess.run(['sh', '-c', 'echo a process >&2'], stderr=python_stderr())\n"
        "os.write(2, b'afterwards\\n')\n",
    )
    assert done.stderr.splitlines() == ["we", "a process", "afterwards"]


# In a program that is not ours


def test_the_settings_of_a_host_program_stay_as_they_are(odd: list[Path]) -> None:
    done = python(
        "-c",
        "import sys, cv2\n"
        "cv2.setNumThreads(3)\n"
        "def settings(): return cv2.getNumThreads(), cv2.utils.logging.getLogLevel()\n"
        "before = settings()\n"
        "import mnist_pipeline\n"
        "print(mnist_pipeline.predict(sys.argv[1], 'shipped').reason)\n"
        "assert settings() == before, settings()\n",
        odd[0],
    )
    assert (done.returncode, done.stdout) == (0, "nothing is drawn\n"), done.stderr


def test_the_answers_are_the_same_bits_with_any_number_of_threads(model: Predictor, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    page = cv2.GaussianBlur(rng.integers(120, 256, (1600, 1800, 3)).astype(np.uint8), (0, 0), 3)
    cv2.putText(page, "4", (300, 1400), cv2.FONT_HERSHEY_SIMPLEX, 45, (10, 20, 40), 60)
    cv2.imwrite(str(tmp_path / "4.png"), page)
    before, told = cv2.getNumThreads(), []
    for threads in (1, 4):
        cv2.setNumThreads(threads)
        told.append(model.predict(tmp_path / "4.png"))
    cv2.setNumThreads(before)
    assert told[0].guess is not None
    assert told[0] == told[1]
