"""Who may write to a run: one process at a time, and nobody is blocked by one that has ended."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from mnist_pipeline import evaluate, report, train
from mnist_pipeline.cli import app
from mnist_pipeline.config.schema import Config
from mnist_pipeline.errors import RunError
from mnist_pipeline.prediction.predictor import predictor
from mnist_pipeline.runs import opening
from mnist_pipeline.runs.opening import begin, claimed
from mnist_pipeline.runs.run import Run, artifacts
from tests.samples import pretend

pytestmark = pytest.mark.usefixtures("quick_stages")


def mnist(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def leftovers(folder: Path) -> list[Path]:
    return list(folder.rglob(".writing-*"))


def test_a_second_process_is_refused_while_the_first_lives() -> None:
    with claimed("run"), pytest.raises(RunError, match="another process"), claimed("run"):
        pass
    with claimed("run"):
        pass  # the claim ended with its holder


def test_a_killed_process_blocks_nobody() -> None:
    script = "from mnist_pipeline.runs.opening import claimed\nwith claimed('run'): print(1, flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout
        other.stdout.readline()
        with pytest.raises(RunError, match="another process"), claimed("run"):
            pass
        other.kill()
    with claimed("run"):
        assert (artifacts() / "run" / ".lock").exists()


@pytest.mark.parametrize(
    "words",
    [["evaluate", "run"], ["report", "run"], ["export", "run"], ["train", "--config", "smoke", "--name", "run"]],
)
def test_no_verb_writes_where_another_process_does(words: list[str]) -> None:
    run = pretend("run")
    half = run.plots / ".writing-abc.png"
    half.touch()
    with claimed("run"):
        result = mnist(*words)
    assert result.exit_code == 2
    assert "another process" in result.stderr
    assert half.exists()


def test_reading_pictures_takes_no_claim() -> None:
    pretend("run")
    with claimed("run"):
        assert predictor("run").predict("examples/7.png").digit == 7


@pytest.mark.parametrize("stage", [evaluate, report])
def test_a_run_begun_anew_by_another_process_gets_no_numbers_of_the_old_one(
    stage: Callable[[Run], object], config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = pretend("run")
    claimed_before = opening.claimed

    @contextmanager
    def late(where: str | Path) -> Iterator[None]:
        with monkeypatch.context() as patch:
            patch.setattr(opening, "claimed", claimed_before)
            begin(config, {}, force=True)
        with claimed_before(where):
            yield

    monkeypatch.setattr(opening, "claimed", late)
    with pytest.raises(RunError, match="its training is not finished"):
        stage(run)
    assert not run.metrics_file.exists()


def test_what_a_killed_report_left_goes_with_the_next() -> None:
    run = pretend("run")
    for folder in (run.path, run.plots):
        (folder / ".writing-abc.html").touch()
    folder = run.exports / ".writing-xyz"
    folder.mkdir(parents=True)
    report("run")
    assert not leftovers(run.path)


def test_only_a_runs_own_folders_are_swept() -> None:
    run = pretend("run")
    within = run.path / "another" / ".writing-abc.png"
    within.parent.mkdir()
    within.touch()
    report("run")
    assert within.exists()


def test_a_run_that_is_trained_already_is_left_as_it_is(config: Config) -> None:
    train(config)
    half = artifacts() / "run" / ".writing-abc.html"
    half.touch()
    train(config)
    assert half.exists()


def test_a_claim_that_cannot_be_had_is_a_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    fcntl = pytest.importorskip("fcntl", reason="needs the locks of POSIX to take them away")

    def no_locks(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(RunError, match=r"cannot be claimed \(No locks available\)"), claimed("run"):
        pass
