"""Many pictures: the answers of one by one, in order, whatever happens to a file, a process or a reader."""

import contextlib
import csv
import io
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import chain, islice
from pathlib import Path
from typing import Any

import cv2
import pytest
from typer.testing import CliRunner

from mnist_pipeline.cli import app
from mnist_pipeline.cli import progress as progress_module
from mnist_pipeline.cli.console import complain
from mnist_pipeline.cli.progress import PictureProgress
from mnist_pipeline.data import load_part
from mnist_pipeline.errors import RunError
from mnist_pipeline.prediction import many as many_module
from mnist_pipeline.prediction import predictor as predictor_module
from mnist_pipeline.prediction import runtimes
from mnist_pipeline.prediction.finding import Found, count
from mnist_pipeline.prediction.many import Crew, Order, answers, are_many, predict_many
from mnist_pipeline.prediction.predictor import predictor
from mnist_pipeline.runs.run import Run
from tests.systems import linux, posix


@pytest.fixture(autouse=True)
def _two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many_module, "cores", lambda: 2)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hundred small pictures, named by number and digit, and two files that are none."""
    folder = tmp_path_factory.mktemp("digits")
    test = load_part("mnist", "test")
    for number in range(100):
        cv2.imwrite(str(folder / f"{number}-{test.labels[number]}.png"), test.images[number])
    (folder / "50-x.png").write_text("not a picture")
    (folder / "70-x.png").touch()
    return folder


@pytest.fixture
def _a_crew_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many_module, "ALONE", 0)


@pytest.fixture
def _a_crew_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many_module, "ALONE", 60)


def files(folder: Path) -> list[str]:
    return sorted(map(str, folder.iterdir()), key=lambda path: (int(Path(path).name.split("-")[0]), path))


@pytest.mark.usefixtures("_a_crew_at_once")
def test_a_crew_answers_as_one_by_one(smoke_run: Run, digits: Path) -> None:
    paths = files(digits)
    one, many = predictor(smoke_run), list(chain.from_iterable(answers(map(Found, paths), predictor(smoke_run))))
    assert [answer.image for answer in many] == paths
    for path, answer in zip(paths, many, strict=True):
        (alone,) = one.predict_many([path])
        assert (answer.digit, answer.reason, answer.inverted) == (alone.digit, alone.reason, alone.inverted)
        assert answer.error == alone.error
        assert answer.probabilities == pytest.approx(alone.probabilities, abs=1e-5)
        assert answer.probabilities == [float(f"{share:.7g}") for share in answer.probabilities or []] or answer.error
    assert [answer.error is None for answer in many].count(False) == 2


@pytest.mark.usefixtures("_a_crew_late")
def test_few_pictures_start_no_process(smoke_run: Run, digits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", None)
    few = map(Found, files(digits)[:5])
    assert len(list(answers(few, predictor(smoke_run)))) == 5


def test_any_number_of_paths_gives_as_many_answers(smoke_run: Run, digits: Path) -> None:
    paths = [Path(path) for path in files(digits)[:3]]
    assert [answer.image for answer in predict_many(iter(paths), smoke_run)] == list(map(str, paths))
    assert list(predict_many([], smoke_run)) == []


@linux
@pytest.mark.usefixtures("_a_crew_at_once")
def test_no_more_is_taken_than_is_worked_on_and_the_processes_go_with_the_reader(smoke_run: Run, digits: Path) -> None:
    taken: list[int] = []
    paths = (taken.append(number) or str(digits / "0-7.png") for number in itertools.count())  # type: ignore[func-returns-value]
    endless = answers(map(Found, paths), predictor(smoke_run))
    got = sum(len(next(endless)) for _ in range(10))
    assert len(taken) <= got + 7 * 64  # the crew's window, and one that is being gathered
    assert children()
    endless.close()
    assert not children()


def children(of: int | None = None) -> set[str]:
    """The crew's processes that this or another one has."""
    tasks = Path(f"/proc/{of or os.getpid()}/task")
    found: set[str] = set()
    for task in tasks.iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread that has just ended
            found.update((task / "children").read_text().split())
    return {child for child in found if b"prediction.many" in Path(f"/proc/{child}/cmdline").read_bytes()}


@linux
def test_a_crew_that_writes_starts_while_the_first_names_are_still_listed(smoke_run: Run) -> None:
    started = list[int]()

    def no_orders() -> Iterator[Order]:
        until = time.monotonic() + 10
        while len(children()) < 2 and time.monotonic() < until:
            time.sleep(0.01)
        started.append(len(children()))
        yield from ()

    with Crew(predictor(smoke_run), "auto", 2) as crew:
        assert list(crew.write(no_orders())) == []
        first = children()
        assert list(crew.write(no_orders())) == []
        assert children() == first, "a second call goes on with the same workers"
    assert started == [2, 2]
    assert not children()


@pytest.mark.usefixtures("_a_crew_at_once")
def test_who_waits_for_more_gets_what_is_there(smoke_run: Run, digits: Path) -> None:
    first, *others = (Found(path) for path in files(digits)[:4])
    coming = answers(iter([first, *others, None, *others]), predictor(smoke_run))
    assert [len(batch) for batch in coming] == [1, 3, 3]


def test_the_command_and_not_the_clock_decides_what_computes(
    smoke_run: Run, digits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str | None] = []

    def open_named(path: Path, name: Any, **how: Any) -> runtimes.Runtime:
        opened.append(name)
        return runtimes.open_runtime(path, name, **how)

    monkeypatch.setattr(predictor_module, "open_runtime", open_named)
    few, many = [str(digits / "0-7.png")] * many_module.FEW, [str(digits)] * 3
    assert [are_many(count(words)) for words in (few, many, ["-"])] == [False, True, True]
    computing = []
    for words in (few[:1], many):
        CliRunner().invoke(app, ["predict", *words])
        computing.append(opened[-1])
    for paths in (few, [*few, *few]):
        list(islice(predict_many(paths, smoke_run), 1))
        computing.append(opened[-1])
    assert computing == [None, "quickest"] * 2


@pytest.mark.parametrize("runtime", ["opencv", "onnxruntime"])
@pytest.mark.usefixtures("_a_crew_at_once")
def test_the_answer_for_a_picture_is_the_same_to_the_bit_whatever_it_comes_with(
    digits: Path, runtime: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, found = predictor("shipped", runtime), [Found(path) for path in files(digits)[:40]]
    alone = [model.predict_many([file.path])[0] for file in found]
    assert list(chain.from_iterable(answers(found, model))) == alone


@linux
def test_a_process_that_dies_is_replaced(smoke_run: Run, digits: Path) -> None:
    found = [Found(path) for path in files(digits)[:40]]
    with Crew(predictor(smoke_run), "auto", 1) as crew:
        work = crew.answers([*found[:10], None, *found[10:]], 10)
        done = list(next(work))
        (child,) = children()
        os.kill(int(child), signal.SIGKILL)
        done += chain.from_iterable(work)
    assert [answer.image for answer in done] == [file.path for file in found]
    assert not any(answer.error for answer in done)


def test_a_file_that_kills_its_process_is_a_line(
    smoke_run: Run, digits: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import os\n"
        "stat = os.stat\n"
        "os.stat = lambda path, **how: os._exit(3) if path == 'deadly.png' else stat(path, **how)\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    good = files(digits)[:3]
    with Crew(predictor(smoke_run), "auto", 1) as crew:
        (batch,) = crew.answers([Found(good[0]), Found("deadly.png"), Found(good[1])], 3)
    assert [answer.error is None for answer in batch] == [True, False, True]
    assert batch[1].error == "deadly.png: the process that read it has died"


def test_a_crew_that_cannot_read_the_model_says_so(smoke_run: Run, digits: Path) -> None:
    model = predictor(smoke_run)
    model.onnx = "none.onnx"
    with Crew(model, "auto", 2) as crew, pytest.raises(RunError, match=r"none\.onnx"):
        next(crew.answers([Found(files(digits)[0])], 1))


# The command line


@posix
def test_csv_is_read_back(smoke_run: Run, digits: Path, tmp_path: Path) -> None:
    odd = tmp_path / 'a "7", light\non dark.png'
    odd.write_bytes((digits / "0-7.png").read_bytes())
    result = CliRunner().invoke(app, ["predict", "--csv", str(digits), str(odd), "none.png"])
    rows = list(csv.DictReader(io.StringIO(result.stdout_bytes.decode(), newline="")))
    assert [row["image"] for row in rows] == [*files(digits), str(odd), "none.png"]
    assert sum(row["digit"] == Path(row["image"]).stem[-1] for row in rows[:-2]) > 80
    assert rows[-2]["digit"] == "7"
    assert float(rows[-2]["confidence"]) > 0.5
    assert [row["error"] != "" for row in rows].count(True) == 3
    assert "no such file" in rows[-1]["error"]
    assert result.exit_code == 2


def test_json_or_csv_not_both(smoke_run: Run) -> None:
    assert "not both" in CliRunner().invoke(app, ["predict", "--csv", "--json", "x.png"]).stderr


def mnist(*words: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "mnist_pipeline", "predict", "--quiet", *words],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=os.environ | {"PYTHON_CPU_COUNT": "2"},
    )  # fmt: skip


@linux
def test_a_list_on_stdin_is_answered_as_it_comes(smoke_run: Run, digits: Path, tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/\xff.png"
    Path(os.fsdecode(raw)).write_bytes((digits / "0-7.png").read_bytes())
    with mnist("--json", "-") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(os.fsencode(digits / "0-7.png") + b"\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["digit"] == 7
        out, err = process.communicate(raw + b"\nnone.png")
    second, third = map(json.loads, out.splitlines())
    assert (os.fsencode(second["image"]), second["digit"]) == (raw, 7)
    assert "no such file" in third["error"]
    assert (process.returncode, err) == (2, b"")


def test_a_reader_that_leaves_ends_it_quietly(smoke_run: Run, digits: Path) -> None:
    with mnist(*[str(digits)] * 200) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert b"this is a 7" in process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
    assert b"Traceback" not in said
    assert b"Exception" not in said


@linux
def test_an_interruption_is_a_line_and_no_process_stays(smoke_run: Run, digits: Path) -> None:
    with mnist("--json", *[str(digits)] * 500) as process:
        assert process.stdout is not None
        for _ in process.stdout:
            if crew := children(process.pid):
                break
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err.decode().splitlines() == ["Error: interrupted"]
    assert not any(Path(f"/proc/{worker}").exists() for worker in crew)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_counts_on_a_terminal_and_errors_stand_above_it(digits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setattr(progress_module, "_PATIENCE", 0)
    with closing(PictureProgress([str(digits)])) as watched:
        watched.more(64)
        complain("none.png: no such file")
        watched.more(38)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "\n", terminal.getvalue())
    assert "Error: none.png: no such file" in shown.splitlines()
    assert "102/102" in shown


def test_no_bar_runs_through_answers_on_the_same_terminal(digits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setattr(progress_module, "_PATIENCE", 0)
    with closing(PictureProgress([str(digits)])) as watched:
        watched.more(102)
    assert terminal.getvalue() == ""
