"""Run folders: created, refused, resumed, found again; nobody's files are lost."""

import shutil
from pathlib import Path

import pytest

from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.config.schema import Config
from mnist_pipeline.errors import RunError
from mnist_pipeline.runs.opening import begin, claimed, differences, open_run
from mnist_pipeline.runs.run import Run, all_runs, artifacts
from tests.samples import ENVIRONMENT, pretend


@pytest.fixture
def config() -> Config:
    return load_config("smoke")


def test_the_config_is_written_first_and_reads_back_the_same(config: Config) -> None:
    run = begin(config, {})
    assert run.state == "unfinished"
    assert run.config() == config
    assert run.config_file.read_text().startswith(f"# mnist train --config {run.config_file}")


def test_the_same_config_goes_on(config: Config) -> None:
    begin(config, {})
    assert begin(config, {}).state == "unfinished"


def test_other_words_are_the_same_recipe(config: Config) -> None:
    begin(config, {})
    assert begin(load_config("smoke", {"description": "other words"}), {}).state == "unfinished"


def test_another_config_under_the_name_is_refused_with_the_difference(config: Config) -> None:
    begin(config, {})
    with pytest.raises(RunError, match=r"training\.epochs: 1 → 2(.|\n)*--force"):
        begin(load_config("smoke", {"training.epochs": 2}), {})


def test_force_replaces_a_runs_own_files_and_no_others(config: Config) -> None:
    run = begin(config, {})
    run.add_metrics("train", {"finished": "now"})
    (run.path / "notes.txt").write_text("mine")
    other = load_config("smoke", {"training.epochs": 2})
    assert begin(other, {}, force=True).state == "unfinished"
    assert run.config() == other
    assert (run.path / "notes.txt").read_text() == "mine"


def test_a_folder_of_other_files_is_not_taken(config: Config) -> None:
    folder = artifacts() / "smoke"
    folder.mkdir(parents=True)
    (folder / "thesis.tex").write_text("mine")
    with pytest.raises(RunError, match="holds files that are no run's"):
        begin(config, {}, force=True)


def test_a_file_in_place_of_the_folder_is_one_clear_line() -> None:
    artifacts().parent.mkdir(parents=True, exist_ok=True)
    artifacts().write_text("not a folder")
    with pytest.raises(RunError, match="cannot be claimed"), claimed("smoke"):
        pass


def test_nothing_trained_says_how_to_begin() -> None:
    with pytest.raises(RunError, match=r"mnist train --config dense\.yaml"):
        open_run()


def test_without_a_name_the_last_trained_run_is_meant() -> None:
    for name, finished in (("first", "2026-01-02"), ("last", "2026-01-03"), ("older", "2026-01-01")):
        pretend(name, finished)
    assert open_run().name == "last"
    assert [run.name for run in all_runs()] == ["first", "last", "older"]


def test_a_run_that_was_trained_as_one_of_many_is_never_the_default(config: Config) -> None:
    pretend("mine", "2026-01-01")
    pretend("smoke", "2026-01-02").sweep_file.touch()
    assert open_run().name == "mine"
    shutil.rmtree(artifacts() / "mine")
    with pytest.raises(RunError, match="which run\\? Those here were trained as one of many: smoke"):
        open_run()
    begin(config, {}, force=True)
    assert not Run(artifacts() / "smoke").sweep_file.exists(), "trained anew, it is a run like any other"


def test_an_unfinished_run_says_how_to_go_on(config: Config) -> None:
    run = begin(config, {})
    with pytest.raises(RunError, match="mnist train --config"):
        open_run("smoke")
    assert open_run_fails_for(run.path / "nowhere").startswith(str(run.path / "nowhere"))


def open_run_fails_for(path: Path) -> str:
    with pytest.raises(RunError) as caught:
        open_run(path)
    return str(caught.value)


def test_a_run_is_found_by_name_and_by_path(config: Config) -> None:
    run = begin(config, {})
    run.add_metrics("train", {"finished": "now"})
    assert open_run("smoke").path == open_run(run.path).path == open_run(run).path


def test_a_run_here_goes_before_one_of_its_name_among_the_artifacts(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend("smoke")
    shutil.copytree(artifacts() / "smoke", tmp_path / "here" / "smoke")
    monkeypatch.chdir(tmp_path / "here")
    assert open_run("smoke").path == Path("smoke")


def test_a_path_of_several_parts_is_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = pretend("smoke")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("MNIST_ARTIFACTS", str(artifacts().parent))
    assert open_run_fails_for(Path("artifacts") / run.name).startswith("artifacts/smoke: no run here")


def test_what_changed_before_the_first_checkpoint_is_no_change(config: Config) -> None:
    begin(config, ENVIRONMENT)
    assert begin(config, ENVIRONMENT | {"python": "3.12.0"}).environment()["python"] == "3.12.0"
    assert "changed" not in Run(artifacts() / "smoke").environment()


def test_a_run_of_another_version_is_one_clear_error(config: Config) -> None:
    run = begin(config, {})
    run.config_file.write_text(run.config_file.read_text() + "extra: 1\n")
    with pytest.raises(RunError, match="does not fit this version"):
        run.config()


def test_damaged_numbers_are_one_clear_line(config: Config) -> None:
    run = begin(config, {})
    run.metrics_file.write_text("{")
    with pytest.raises(RunError, match="is damaged"):
        run.metrics()


def test_adding_a_section_keeps_the_others() -> None:
    run = Run(artifacts() / "x")
    run.add_metrics("train", {"a": 1})
    run.add_metrics("evaluate", {"b": 2})
    assert run.metrics() == {"train": {"a": 1}, "evaluate": {"b": 2}}


def test_differences_are_a_line_each() -> None:
    ours = {"name": "x", "a": {"b": 1, "c": [1], "d": None, "same": 0.5}, "old": True}
    theirs = {"name": "é", "a": {"b": 2, "c": [1, 2], "d": {"e": 1}, "same": 0.5}, "new": {}}
    assert differences(ours, theirs) == [
        'name: "x" → "é"',
        "a.b: 1 → 2",
        "a.c: [1] → [1, 2]",
        'a.d: null → {"e": 1}',
        "old: true → not set",
        "new: not set → {}",
    ]
