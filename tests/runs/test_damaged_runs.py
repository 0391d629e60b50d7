"""Damaged and foreign folders among the runs: named and passed over; asked for by name, one clear line."""

import contextlib
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import Result

from mnist_pipeline import pipeline
from mnist_pipeline.errors import RunError
from mnist_pipeline.evaluation.page import write_page
from mnist_pipeline.runs.files import write_json
from mnist_pipeline.runs.opening import open_run
from mnist_pipeline.runs.run import Run, artifacts
from tests import commands
from tests.samples import EVALUATED, pretend

FILES = ("metrics.json", "config.yaml", "environment.json", "history.json", "refusal.json", "export/card.json")
CONTENTS: dict[str, bytes | None] = {
    "a folder": None,
    "nothing": b"",
    "list": b"[1, 2]",
    "empty": b"{}",
    "foreign": b'{"train": [1], "evaluate": 3, "threshold": "x", "loss": 1, "versions": [], "forms": 7}',
    "deep": b"[" * 10_000,
    "no text": b"\xff\xfe\x00{",
}
CARD = {
    "weights_sha256": "ab" * 32, "keras": {"test_accuracy": 0.9}, "data": {"source": "mnist"}, "forms": {},
}  # fmt: skip
# Without which files of it a run does not answer.
NEEDED = {"predict": {"metrics.json", "config.yaml", "refusal.json"}, "the others": {*FILES} - {"export/card.json"}}
BARE = (["predict", "examples/7.png"], ["runs"], ["evaluate"], ["report"], ["export"], ["bench"])
NAMED = (
    ["predict", "examples/7.png", "--run", "bad"], ["evaluate", "bad"], ["report", "bad"], ["export", "bad"],
    ["bench", "bad"], ["runs", "diff", "bad", "good"], ["reproduce", "artifacts/bad"],
    ["train", "--config", "smoke", "--name", "bad"],
)  # fmt: skip


def mnist(*words: str) -> Result:
    """What the command gives; an error that is not the user's is raised."""
    result = commands.mnist(*words)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a picture of the examples, where runs are in artifacts/."""
    (tmp_path / "examples").mkdir()
    shutil.copy("examples/7.png", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MNIST_ARTIFACTS")


@pytest.fixture(autouse=True)
def _quick_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stages that read of a run what the real ones read, and write what they write, without computing it."""

    def evaluate_run(run: Run, pictures: bool) -> None:
        run.config(), run.history()
        run.add_metrics("evaluate", EVALUATED)

    def export_run(run: Run, *_: object) -> None:
        run.config(), run.threshold()
        write_json(run.export_card_file, run.export_card() or CARD)

    def measure_run(run: Run, _: object) -> dict[str, Any]:
        return {"rows": [], "left_out": []}

    def train_all(configs: list[Any], **_: object) -> dict[str, str]:
        return {config.name: "it was not tried" for config in configs}

    for name, stage in (("evaluation.evaluate", evaluate_run), ("exports.export", export_run)):
        monkeypatch.setitem(sys.modules, f"mnist_pipeline.{name}", SimpleNamespace(**{stage.__name__: stage}))
    monkeypatch.setitem(sys.modules, "mnist_pipeline.exports.bench", SimpleNamespace(measure_run=measure_run))
    monkeypatch.setattr(pipeline, "FORMS", {})
    monkeypatch.setattr("mnist_pipeline.reproduction.repeat.train_all", train_all)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good run, and one trained after it that will be damaged."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MNIST_ARTIFACTS", str(folder))
        for name, day in (("good", "2026-01-02"), ("bad", "2026-01-03")):
            run = pretend(name, day)
            run.exports.mkdir()
            run.export_card_file.write_text(json.dumps({**CARD, "name": name}))
    return folder


@pytest.fixture
def bad(whole: Path) -> Run:
    """The run trained last, still whole, beside another."""
    shutil.copytree(whole, artifacts())
    return Run(artifacts() / "bad")


def damage(path: Path, content: bytes | None) -> None:
    path.unlink()
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content[:1000] if path.suffix == ".yaml" else content)  # PyYAML is slow, and as deeply lost


def test_whole_runs_are_read(bad: Run) -> None:
    for words in (*BARE, *NAMED):
        result = mnist(*words)
        assert result.exit_code in (0, 1), result.stderr  # a repetition fails: nothing is trained here
        assert "passed over" not in result.stderr
    assert "this is a 7" in mnist("predict", "examples/7.png").stdout
    assert open_run().name == "bad"


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("content", CONTENTS)
def test_a_damaged_run_is_passed_over_and_one_line_where_it_is_named(file: str, content: str, bad: Run) -> None:
    damage(bad.path / file, CONTENTS[content])
    for words in BARE:
        result = mnist(*words)
        no_place = file == "export/card.json" and content == "a folder" and words == ["export"]
        assert result.exit_code == (2 if no_place else 0), (words, result.stderr)
        assert "passed over: artifacts/good" not in result.stderr
        if file in NEEDED.get(words[0], NEEDED["the others"]) or words == ["runs"]:
            assert "good" in result.output, words
    for words in NAMED:
        result = mnist(*words)
        assert result.exit_code in (0, 1, 2)
        if result.exit_code == 2:
            assert result.stderr.startswith("Error: artifacts/bad"), words
            assert result.stdout == ""


@pytest.mark.parametrize("content", ["{}", "null", "[1, 2]", "{"])
def test_the_run_that_is_passed_over_is_named(content: str, bad: Run) -> None:
    bad.metrics_file.write_text(content)
    for words in BARE:
        (line,) = [line for line in mnist(*words).stderr.splitlines() if line.startswith("passed over")]
        assert line.startswith("passed over: artifacts/bad")
    result = mnist("evaluate", "bad")
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1


def test_a_run_of_another_version_predicts_and_is_listed_and_otherwise_passed_over(bad: Run) -> None:
    bad.config_file.write_text(bad.config_file.read_text() + "of_another_version: 1\n")
    assert "artifacts/bad (trained last" in mnist("predict", "examples/7.png").stderr
    assert "bad" in mnist("runs").stdout
    for words in (["evaluate"], ["report"], ["export"], ["bench"]):
        stderr = mnist(*words).stderr
        assert "passed over: artifacts/bad: its config does not fit this version" in stderr
        assert "artifacts/good (trained last)" in stderr


def test_a_run_without_its_model_is_passed_over(bad: Run) -> None:
    bad.onnx_file.write_bytes(bad.onnx_file.read_bytes()[:1000])
    result = mnist("predict", "examples/7.png")
    assert "passed over: artifacts/bad/model.onnx" in result.stderr
    assert "model: artifacts/good" in result.stderr


def test_a_runtime_that_does_not_read_a_run_passes_over_none(bad: Run) -> None:
    result = mnist("predict", "examples/7.png", "--runtime", "litert")
    assert result.exit_code == 2
    assert "passed over" not in result.stderr


def test_where_every_run_is_damaged_the_model_of_the_package_answers(bad: Run) -> None:
    for name in ("good", "bad"):
        (artifacts() / name / "metrics.json").write_text("{}")
    result = mnist("predict", "examples/7.png")
    assert "this is a 7" in result.stdout
    assert result.stderr.count("passed over") == 2
    assert mnist("runs", "--json").stdout == '{"runs": []}\n'


def places(value: Any, *way: str | int) -> Iterator[tuple[str | int, ...]]:
    """Every place in a tree; of lists the first item stands for all."""
    items = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, inside in items:
        yield (*way, key)
        yield from places(inside, *way, key)


@pytest.mark.parametrize("other", [None, "x", -1, 1e400, "left out"])
def test_one_wrong_value_anywhere_in_the_numbers_is_no_traceback(other: Any, bad: Run) -> None:
    metrics = bad.metrics()
    for way in places(metrics):
        copy = json.loads(json.dumps(metrics))
        node = copy
        for key in way[:-1]:
            node = node[key]
        if other == "left out":
            del node[way[-1]]
        else:
            node[way[-1]] = other
        bad.metrics_file.write_text(json.dumps(copy))
        assert mnist("runs").exit_code == 0
        with contextlib.suppress(RunError):
            write_page(bad)


def test_a_word_that_can_be_no_path_is_one_line() -> None:
    for words in (["evaluate", "x" * 5000], ["predict", "examples/7.png", "--run", "x" * 5000]):
        result = mnist(*words)
        assert result.exit_code == 2
        assert "no run here" in result.stderr


def test_a_folder_of_another_programs_numbers_is_no_run(bad: Run) -> None:
    bad.config_file.unlink()
    assert open_run().name == "good"
    result = mnist("train", "--config", "smoke", "--name", "bad", "--force")
    assert result.exit_code == 2
    assert "holds files that are no run's" in result.stderr
    assert bad.metrics_file.exists()


def test_a_file_larger_than_any_is_not_read(bad: Run) -> None:
    with bad.metrics_file.open("ab") as file:
        file.truncate(2**30)
    with pytest.raises(RunError, match="larger than 16 MiB"):
        bad.metrics()
