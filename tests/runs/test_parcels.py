"""A run as bytes: it arrives as it left, in the place of what was there, and never half."""

from pathlib import Path

import pytest

from mnist_pipeline.config.schema import Config
from mnist_pipeline.errors import RunError
from mnist_pipeline.runs.files import UNFINISHED, write_json
from mnist_pipeline.runs.opening import begin, claimed
from mnist_pipeline.runs.parcels import packed, unpack
from mnist_pipeline.runs.run import Run, artifacts


def files_of(run: Run) -> dict[str, bytes]:
    paths = [path for path in run.path.rglob("*") if path.is_file() and path.name != ".lock"]
    return {path.relative_to(run.path).as_posix(): path.read_bytes() for path in paths}


@pytest.fixture
def run(config: Config) -> Run:
    run = begin(config, {"threads": 1}, one_of_many=True)
    write_json(run.checkpoints / "epoch1.json", {})
    run.add_metrics("train", {"seed": 1})
    return run


def test_a_run_arrives_with_all_its_files(run: Run, tmp_path: Path) -> None:
    (run.path / f"{UNFINISHED}1.json").touch()
    there = Run(tmp_path / "there" / run.name)
    sent = files_of(run)
    unpack(packed(run), there)
    assert files_of(there) == {
        name: content for name, content in sent.items() if "checkpoint/" not in name and UNFINISHED not in name
    }
    assert there.state == "trained"


def test_an_unfinished_run_brings_what_it_goes_on_from(run: Run, tmp_path: Path) -> None:
    run.metrics_file.unlink()
    there = Run(tmp_path / "there" / run.name)
    unpack(packed(run), there)
    assert (there.state, (there.checkpoints / "epoch1.json").is_file()) == ("unfinished", True)


def test_a_folder_that_holds_no_run_is_an_empty_parcel() -> None:
    assert packed(Run(artifacts() / "none")) == b""


def test_what_is_trained_takes_the_place_of_what_was_unfinished(run: Run, config: Config, tmp_path: Path) -> None:
    parcel = packed(run)
    run.metrics_file.unlink()
    unpack(parcel, run)
    assert run.state == "trained"
    assert not run.checkpoints.exists()


def test_a_run_that_another_process_holds_is_left_alone(run: Run) -> None:
    with claimed(run.path.resolve()), pytest.raises(RunError, match="another process"):
        unpack(packed(run), run)


def test_a_kill_in_the_middle_leaves_a_run_to_go_on_with(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, moved, move = Run(tmp_path / "there" / run.name), list[str](), Path.replace

    def replace(path: Path, target: Path) -> Path:
        moved.append(target.name)
        if len(moved) == len(files_of(run)):
            raise KeyboardInterrupt
        return move(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(KeyboardInterrupt):
        unpack(packed(run), there)
    assert (moved[0], moved[-1]) == ("config.yaml", "metrics.json")
    assert there.state == "unfinished"
