"""Millions of pictures into one file: each answered once, as `mnist predict` would, whatever is killed on the way."""

import csv
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest

from mnist_pipeline.data import load_part
from mnist_pipeline.errors import MnistError, RunError
from mnist_pipeline.packages import missing
from mnist_pipeline.prediction import bulk, shards
from mnist_pipeline.prediction.bulk import predict_to
from mnist_pipeline.prediction.many import Order, Written, write_answers
from mnist_pipeline.prediction.predictor import Predictor, predictor
from mnist_pipeline.runs.run import Run
from tests.commands import mnist
from tests.systems import posix

needs_parquet = pytest.mark.skipif(bool(missing(["pyarrow"])), reason="comes with the extra bulk")


class Here:
    """Writes answers in this process; after `most` shards it is interrupted."""

    def __init__(self, model: Predictor, most: int = 10**6) -> None:
        self.model, self.most = model, most

    def __enter__(self) -> "Here":
        return self

    def __exit__(self, *_: object) -> None: ...

    def write(self, orders: Iterable[Order]) -> Iterator[Written]:
        for number, order in enumerate(orders):
            if number == self.most:
                raise KeyboardInterrupt
            yield Written(order, write_answers(order, None, self.model, "auto"))


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "MOST", 10)
    monkeypatch.setattr(shards, "LAST", 10)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two dozen small pictures and a file that is none."""
    folder = tmp_path_factory.mktemp("digits")
    for number, image in enumerate(load_part("mnist", "test").images[:24]):
        cv2.imwrite(str(folder / f"{number}.png"), image)
    (folder / "7-x.png").write_text("not a picture")
    return folder


@pytest.fixture
def model(smoke_run: Run) -> Predictor:
    return predictor(smoke_run)


def answered(out: Path, words: list[Path], model: Predictor, most: int = 10**6) -> list[dict[str, Any]]:
    predict_to(out, map(str, words), model, crew=Here(model, most))
    return [json.loads(line) for line in out.read_text().splitlines()]


@pytest.mark.parametrize("workers", ["1", "3"])
def test_the_file_is_what_predict_prints_with_any_number_of_workers(
    smoke_run: Run, digits: Path, tmp_path: Path, workers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHON_CPU_COUNT", workers)
    printed = mnist("predict", "--csv", "--runtime", "opencv", str(digits), "none.png")
    written = mnist("predict", "--out", str(tmp_path / "o.csv"), "--runtime", "opencv", str(digits), "none.png")
    assert (tmp_path / "o.csv").read_bytes() == printed.stdout_bytes
    assert (printed.exit_code, written.exit_code) == (2, 2)
    assert "26 pictures, " in written.stderr
    assert "2 unread" in written.stderr
    assert [path.name for path in tmp_path.iterdir() if path.name[:1] == "o"] == ["o.csv"]


@needs_parquet
@posix
def test_parquet_holds_what_json_lines_hold(model: Predictor, digits: Path, tmp_path: Path) -> None:
    from pyarrow import parquet

    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png"))
    odd.write_bytes((digits / "0.png").read_bytes())
    words = [digits, odd]
    lines = answered(tmp_path / "o.jsonl", words, model)
    predict_to(tmp_path / "o.parquet", map(str, words), model, crew=Here(model))
    rows = parquet.read_table(tmp_path / "o.parquet").to_pylist()
    assert os.fsencode(lines[-1]["image"]) == os.fsencode(odd)
    assert rows[-1]["image"] == f"{tmp_path}/\\xff.png"
    assert rows[:-1] == [{"error": None} | line for line in lines[:-1]]


# Going on


@pytest.mark.parametrize("suffix", ["csv", "jsonl", pytest.param("parquet", marks=needs_parquet)])
def test_after_a_kill_what_is_done_is_kept_and_each_picture_answered_once(
    model: Predictor, digits: Path, tmp_path: Path, suffix: str
) -> None:
    out, whole = tmp_path / f"o.{suffix}", tmp_path / f"whole.{suffix}"
    words, told = [str(digits)] * 2, list[int]()
    with pytest.raises(KeyboardInterrupt):
        predict_to(out, words, model, crew=Here(model, 3))
    parts = tmp_path / f"o.{suffix}.parts"
    assert not out.exists()
    assert len(list(parts.glob("*-*"))) == 3
    again = Here(model, 2)
    tally = predict_to(out, words, model, crew=again, tell=told.append)
    assert told == [10] * 5
    assert tally == predict_to(whole, words, model, crew=Here(model))
    assert tally.total() == 50
    assert tally["unread"] == 2
    assert out.read_bytes() == whole.read_bytes()
    assert not parts.exists()


def test_pictures_that_came_or_went_in_between_are_in_the_file_once_or_not_at_all(
    model: Predictor, digits: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(24):
        (folder / f"{number}.png").write_bytes((digits / f"{number}.png").read_bytes())
    with pytest.raises(KeyboardInterrupt):
        answered(tmp_path / "o.jsonl", [folder], model, most=2)
    (folder / "12.png").rename(folder / "12-new.png")
    (folder / "3.png").unlink()
    found = answered(tmp_path / "o.jsonl", [folder], model)
    assert sorted(line["image"] for line in found) == sorted(map(str, folder.iterdir()))


def test_answers_of_another_model_never_come_into_the_same_file(digits: Path, model: Predictor, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        answered(tmp_path / "o.jsonl", [digits], model, most=1)
    other = Predictor(**model.arguments | {"threshold": 0.99})
    with pytest.raises(RunError, match=r"of another call \(threshold: 0.0 → 0.99\); remove it, or give --out another"):
        answered(tmp_path / "o.jsonl", [digits], other)


def test_what_is_there_is_not_written_over(model: Predictor, digits: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("mine")
    (tmp_path / "new.csv.parts").mkdir()
    (tmp_path / "new.csv.parts" / "mine.txt").write_text("mine")
    for name, says in {
        "mine.csv": "is there already; give --out another name", "new.csv": "holds no parts of answers",
        "o.txt": "--out writes .parquet, .csv, .jsonl", "none/o.csv": "no such folder; make it first",
    }.items():  # fmt: skip
        result = mnist("predict", str(digits), "--out", str(tmp_path / name))
        assert result.exit_code == 2
        assert says in result.stderr
    assert (tmp_path / "mine.csv").read_text() == "mine"
    assert [path.name for path in (tmp_path / "new.csv.parts").iterdir()] == ["mine.txt"]


def test_a_picture_that_kills_its_process_costs_no_other(
    smoke_run: Run, digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import os\n"
        "stat = os.stat\n"
        "os.stat = lambda path, **how: os._exit(3) if 'deadly' in str(path) else stat(path, **how)\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setattr(bulk, "cores", lambda: 1)
    words = [*map(str, sorted(digits.glob("1*.png"))[:3]), "deadly1.png", "deadly2.png", str(digits / "2.png")]
    tally = predict_to(tmp_path / "o.csv", words, predictor(smoke_run))
    rows = list(csv.DictReader((tmp_path / "o.csv").read_text().splitlines()))
    assert [row["image"] for row in rows] == words
    assert [row["error"] for row in rows if row["error"]] == [
        f"deadly{number}.png: the process that read it has died" for number in (1, 2)
    ]
    assert tally["unread"] == 2


def test_a_model_that_cannot_be_read_is_a_line(smoke_run: Run, digits: Path, tmp_path: Path) -> None:
    lost = predictor(smoke_run)
    copy = tmp_path / "copy.onnx"
    copy.write_bytes(b"\x08 no model")
    lost.onnx = str(copy)
    with pytest.raises(MnistError, match=r"copy\.onnx"):
        predict_to(tmp_path / "o.csv", [str(digits)], lost)


def test_the_options_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    assert "--out goes with" in mnist("predict", "x.png", "--out", "o.csv", "--json").stderr
    assert "--ray goes with --out" in mnist("predict", "x.png", "--ray", "auto").stderr
