"""A config over seeds and over the values of settings: which runs a sweep has, and what came out of each config."""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from itertools import count, product
from pathlib import Path
from typing import Any, NamedTuple

from mnist_pipeline.config import yaml_text
from mnist_pipeline.config.checking import shown
from mnist_pipeline.config.recipes import find_config, load_config
from mnist_pipeline.errors import ConfigError
from mnist_pipeline.reproduction import tables
from mnist_pipeline.reproduction.seeds import FIGURES, Figure, SeedPlan, SeedResults, Summary
from mnist_pipeline.runs.files import write_csv, write_json

COLUMNS = ["config", "n", "validation accuracy", "test accuracy", "test loss", "training time"]
_MOST_RUNS = 100_000  # more is a slip of the keyboard
_LONGEST_NAME = 50  # of a config; a run's is at most 64 with its seed
_VALIDATION = Figure("validation accuracy", 1, " %", 2)
_NONE = "–"


class Sweep(NamedTuple):
    """Every config of a sweep with its runs; for a shard, those of its runs that it trains."""

    name: str
    settings: dict[str, dict[str, Any]]  # by the config's name, what its grid point sets
    plans: list[SeedPlan]
    share: list[SeedPlan]


def plan_sweep(
    where: str, seeds: Sequence[int], grid: dict[str, list[Any]], settings: dict[str, Any], shard: tuple[int, int]
) -> Sweep:
    """Plan a run <config>-seed<N> for each seed and each point of the grid; shard (i, n) trains every n-th of them."""
    path, points = find_config(where), [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    if len(points) * len(seeds) > _MOST_RUNS:
        raise ConfigError(f"{len(points)} configs times {len(seeds)} seeds are more than {_MOST_RUNS:,} runs")
    base = load_config(path, settings)
    named = dict(zip(_names(base.name, points), points, strict=True))
    recipes = [load_config(path, settings | point, name=name, grid=grid) for name, point in named.items()]
    for name, point in named.items():  # only its seed makes one run different: the longest name is checked for all
        seeded = settings | point | {"training.seed": max(seeds)}
        load_config(path, seeded, name=f"{name}-seed{max(seeds)}", grid=grid)
    plans = [SeedPlan(path, recipe, tuple(recipe.seeded(seed) for seed in seeds)) for recipe in recipes]
    (first, of), number = shard, count()
    share = [plan._replace(runs=tuple(run for run in plan.runs if next(number) % of == first - 1)) for plan in plans]
    return Sweep(base.name, named, plans, share)


def _names(recipe: str, points: Sequence[dict[str, Any]]) -> list[str]:
    """A name such as dense-hidden-100-50 for each point of the grid, with a digest where it is long or not the only."""
    names = []
    for point in points:
        words = [f"{key.rpartition('.')[2]} {shown(value)}" for key, value in point.items()]
        names.append("-".join([recipe, *(re.sub(r"[^A-Za-z0-9._]+", "-", word).strip("-") for word in words)]))
    return [
        name if len(name) <= _LONGEST_NAME and names.count(name) == 1
        else f"{name[: _LONGEST_NAME - 9]}-{hashlib.sha256(json.dumps(point).encode()).hexdigest()[:8]}"
        for name, point in zip(names, points, strict=True)
    ]  # fmt: skip


def parse_seeds(text: str) -> list[int]:
    """The seeds in words such as 0..99 or 3,5,10..12, each once."""
    seeds: list[int] = []
    for part in text.split(","):
        found = re.fullmatch(r"(\d{1,10})(?:\.\.(\d{1,10}))?", part.strip())
        low, high = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if low > high or (text == part and ".." not in part):
            raise ConfigError(f"--seeds {text}: write them as 0..99 for a hundred seeds, or one by one as 3,5,8")
        if high - low > _MOST_RUNS:
            raise ConfigError(f"--seeds {text}: more than {_MOST_RUNS:,} seeds")
        seeds += range(low, high + 1)
    return list(dict.fromkeys(seeds))


def parse_grid(given: Sequence[str]) -> dict[str, list[Any]]:
    """The values of each setting in words such as model.hidden=[50,50],[100,50] or training.batch_size=32,64."""
    grid: dict[str, list[Any]] = {}
    for text in given:
        key, equals, values = text.partition("=")
        if not equals or not values.strip() or not all(step.strip() for step in key.split(".")):
            raise ConfigError(f"--grid {text}: write it as key=value,value: --grid model.hidden=[50,50],[100,50]")
        if key in grid:
            raise ConfigError(f"--grid {key}: given twice: write all its values in one, with commas between")
        grid[key] = yaml_text.parse(f"[{values}]", f"--grid {text}")
        if len({shown(value) for value in grid[key]}) < len(grid[key]):
            raise ConfigError(f"--grid {text}: has a value twice")
    return grid


def parse_shard(text: str | None) -> tuple[int, int]:
    """The part that this command trains, 2/5 for the second of five; everything where none is said."""
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text or "1/1")
    shard = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= shard[0] <= shard[1]:
        raise ConfigError(f"--shard {text}: write it as i/n: 1/4 for the first of four parts")
    return shard


def rows(all_results: Sequence[SeedResults]) -> list[list[str]]:
    """A row for each config: number of runs, then mean ± standard deviation of what matters."""
    return [
        [
            results.recipe.name, str(len(results.runs)), _validated(results),
            *(FIGURES[metric].spread(results.summary(metric)) for metric in ("test_accuracy", "test_loss")),
            FIGURES["train_seconds"].spread(results.summary("train_seconds")),
        ]
        for results in all_results
    ]  # fmt: skip


def _validated(results: SeedResults) -> str:
    values = _validation(results)
    return _VALIDATION.spread(Summary.of(values)) if values else _NONE


def _validation(results: SeedResults) -> list[float]:
    """The validation accuracies of the runs, by which one may choose among configs; none without validation images."""
    found = [run.figures("train")["val_accuracy"] for run in results.runs]
    return [float(value) for value in found if value is not None]


def tree(sweep: Sweep, all_results: Sequence[SeedResults], failures: Sequence[str]) -> dict[str, Any]:
    """Everything about a sweep as plain values for JSON."""
    configs = []
    for results in all_results:
        validated = {"val_accuracy": _validation(results)} if _validation(results) else {}
        summaries = {name: (Summary.of(values), values) for name, values in (results.values | validated).items()}
        configs.append({
            "name": results.recipe.name, "settings": sweep.settings[results.recipe.name], "n": len(results.runs),
            "runs": [run.name for run in results.runs],
            "figures": {
                name: {"mean": summary.mean, "sd": summary.sd, "values": values}
                for name, (summary, values) in summaries.items()
            },
        })  # fmt: skip
    return {"name": sweep.name, "failures": list(failures), "configs": configs}


def write(sweep: Sweep, all_results: Sequence[SeedResults], failures: Sequence[str], folder: Path) -> None:
    """Write summary.json, runs.csv with a row for each run, and seeds.png with a dot for each run."""
    write_json(folder / "summary.json", tree(sweep, all_results, failures))
    keys = list(next(iter(sweep.settings.values())))
    columns = ["run", "config", *keys, "seed", "val_accuracy", *FIGURES, "weights_sha256"]
    found = (row for results in all_results for row in _csv_rows(results, sweep.settings[results.recipe.name]))
    write_csv(folder / "runs.csv", [columns, *found])
    tables.draw(all_results, folder / "seeds.png")


def _csv_rows(results: SeedResults, point: dict[str, Any]) -> Iterator[list[Any]]:
    for at, run in enumerate(results.runs):
        train = run.figures("train")
        yield [
            run.name, results.recipe.name, *map(shown, point.values()), train["seed"], train["val_accuracy"],
            *(results.values[metric][at] for metric in FIGURES), train["weights_sha256"],
        ]  # fmt: skip
