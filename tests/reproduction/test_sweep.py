"""mnist sweep: which runs it has, what it trains of them, and what it says of each config."""

import csv
import json
import re
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import cv2
import pytest

from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.config.schema import Config
from mnist_pipeline.errors import ConfigError
from mnist_pipeline.reproduction.sweep import parse_grid, parse_seeds, parse_shard, plan_sweep
from mnist_pipeline.runs.run import Run, artifacts
from tests.commands import mnist
from tests.reproduction.pretended import pretend

WHOLE = (1, 1)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the runs that a sweep has trained, each pretended; seed 3 of any config fails."""
    names: list[str] = []

    def train_all(configs: Sequence[Config], **_: Any) -> dict[str, str]:
        for config in configs:
            names.append(config.name)
            if config.training.seed != 3:
                pretend(config, 0.97 + config.training.seed / 1000)
        return {config.name: "it broke" for config in configs if config.training.seed == 3}

    monkeypatch.setattr("mnist_pipeline.reproduction.seeds.train_all", train_all)
    return names


@pytest.mark.parametrize(
    ("words", "seeds"), [("0..3", [0, 1, 2, 3]), ("7..7", [7]), ("3,5,3", [3, 5]), ("1,10..12", [1, 10, 11, 12])]
)
def test_seeds_are_a_range_or_one_by_one(words: str, seeds: list[int]) -> None:
    assert parse_seeds(words) == seeds


@pytest.mark.parametrize("words", ["", "5", "3..1", "-1..2", "a", "0...3", "0..", "0..99999999"])
def test_other_words_for_seeds_are_refused(words: str) -> None:
    with pytest.raises(ConfigError, match=r"^--seeds "):
        parse_seeds(words)


def test_a_grid_is_every_combination_and_each_has_a_name_of_its_own() -> None:
    grid = parse_grid(["model.hidden=[50,50],[100]", "training.optimizer.learning_rate=1e-3,0.01"])
    sweep = plan_sweep("smoke", [0, 1], grid, {}, WHOLE)
    names = [
        "smoke-hidden-50-50-learning_rate-0.001", "smoke-hidden-50-50-learning_rate-0.01",
        "smoke-hidden-100-learning_rate-0.001", "smoke-hidden-100-learning_rate-0.01",
    ]  # fmt: skip
    assert list(sweep.settings) == names
    last = sweep.plans[-1].runs[-1]
    assert last.recipe() == load_config("smoke", {**sweep.settings[names[-1]], "training.seed": 1}).recipe()
    assert len({run.name for plan in sweep.plans for run in plan.runs}) == 8


def test_a_name_that_would_be_too_long_or_is_not_the_only_one_ends_in_a_digest() -> None:
    long = plan_sweep("smoke", [0], {"description": ["x" * 90, "x" * 91]}, {}, WHOLE)
    alike = plan_sweep("smoke", [0], {"description": ["a b", "a/b"]}, {}, WHOLE)
    for sweep in (long, alike):
        assert len(sweep.settings) == 2
        assert all(len(name) <= 50 and re.search("-[0-9a-f]{8}$", name) for name in sweep.settings)


@pytest.mark.parametrize("words", [["model.hidden"], ["=3"], ["a="], ["a=1,1"], ["a=1", "a=2"], ["a=[1"]])
def test_a_grid_that_is_none_is_refused(words: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"^--grid "):
        parse_grid(words)


def test_shards_share_out_every_run_and_none_twice() -> None:
    def names(shard: str) -> list[str]:
        sweep = plan_sweep("smoke", range(5), {"model.hidden": [[9], [8]]}, {}, parse_shard(shard))
        return [run.name for plan in sweep.share for run in plan.runs]

    parts = [names(f"{number}/3") for number in (1, 2, 3)]
    assert sorted(map(len, parts)) == [3, 3, 4]
    assert sorted(chain(*parts)) == sorted(names("1/1"))


@pytest.mark.parametrize("words", ["0/2", "3/2", "1", "a/b", "1/0"])
def test_a_shard_that_is_none_is_refused(words: str) -> None:
    with pytest.raises(ConfigError, match=r"^--shard "):
        parse_shard(words)


def test_what_is_done_is_kept_and_what_fails_is_listed_at_the_end(trained: list[str]) -> None:
    pretend(load_config("smoke", seed=1), 0.971)
    result = mnist("sweep", "smoke", "--seeds", "0..3", "--json")
    assert trained == ["smoke-seed0", "smoke-seed2", "smoke-seed3"]
    assert result.exit_code == 1
    assert "Error: smoke-seed3 failed: it broke" in result.stderr
    found = json.loads(result.stdout)
    assert found["failures"] == ["smoke-seed3 failed: it broke"]
    assert found["configs"][0]["figures"]["test_accuracy"]["values"] == [0.97, 0.971, 0.972]


def test_a_sweep_ends_with_a_table_a_csv_a_summary_and_a_plot(trained: list[str], tmp_path: Path) -> None:
    grid = "model.hidden=[9],[8]"
    result = mnist("sweep", "--config", "smoke.yaml", "--seeds", "0..2", "--grid", grid, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    assert len(trained) == 6
    assert re.search(r"^smoke-hidden-9 +3 .* 97\.10 ± 0\.10 %", result.stdout, re.MULTILINE)
    rows = list(csv.DictReader((tmp_path / "out" / "runs.csv").read_text().splitlines()))
    assert [row["run"] for row in rows][:2] == ["smoke-hidden-9-seed0", "smoke-hidden-9-seed1"]
    assert (rows[3]["model.hidden"], rows[3]["seed"], rows[3]["test_accuracy"]) == ("[8]", "0", "0.97")
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert [each["settings"] for each in summary["configs"]] == [{"model.hidden": [9]}, {"model.hidden": [8]}]
    assert cv2.imread(str(tmp_path / "out" / "seeds.png")) is not None


def test_a_shard_trains_its_part_and_tells_of_all_that_is_there(trained: list[str]) -> None:
    pretend(load_config("smoke", seed=1), 0.971)
    result = mnist("sweep", "smoke", "--seeds", "0..2", "--shard", "1/2", "--json")
    assert trained == ["smoke-seed0", "smoke-seed2"]
    assert json.loads(result.stdout)["configs"][0]["n"] == 3


@pytest.mark.parametrize(
    ("grid", "says"), [("model.hiden=[3]", "did you mean"), ("training.epochs.most=3", "not a block of settings")]
)
def test_a_grid_with_an_unknown_setting_trains_nothing_and_is_blamed(trained: list[str], grid: str, says: str) -> None:
    result = mnist("sweep", "smoke", "--set", "training.batch_size=64", "--grid", grid)
    assert result.exit_code == 2
    assert f"--grid {grid.partition('=')[0]}: " in result.stderr
    assert says in result.stderr
    assert "--set" not in result.stderr
    assert trained == []
    assert not artifacts().exists()


@pytest.mark.slow
def test_a_seed_has_the_same_weights_alone_and_in_a_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert mnist("sweep", "smoke", "--seeds", "0..2").exit_code == 0
    swept = Run(artifacts() / "smoke-seed2")
    assert swept.sweep_file.exists()
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path / "alone"))
    assert mnist("train", "smoke", "--seed", "2").exit_code == 0
    alone = Run(artifacts() / "smoke-seed2")
    assert alone.figures("train")["weights_sha256"] == swept.figures("train")["weights_sha256"]
