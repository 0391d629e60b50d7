"""Finds a recipe by path or name, reads it, applies overrides: a frozen Config, or all complaints at once."""

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from mnist_pipeline.config import yaml_text
from mnist_pipeline.config.checking import check, shown
from mnist_pipeline.config.schema import Config
from mnist_pipeline.errors import ConfigError, meant


def configs_folder() -> Path:
    """The folder of the shipped recipes: inside the package once installed, at the top of a checkout."""
    package = Path(__file__).parents[1]
    installed, checkout = package / "configs", package.parents[1] / "configs"
    return installed if installed.is_dir() else checkout


def shipped_configs() -> dict[str, Path]:
    """Name and file of each recipe that comes with the package; those in sets/ are for images that do not."""
    found = [*sorted(configs_folder().glob("*.yaml")), *sorted(configs_folder().glob("sets/*.yaml"))]
    return {path.stem: path for path in found if path.stem != "reported"}


def find_config(where: str | Path) -> Path:
    """The file that is meant: a path first, then the name of a shipped recipe, with or without .yaml."""
    path, known = Path(where), shipped_configs()
    stem = path.name.removesuffix(".yaml")
    # os.path is False where Path raises, as for a name that no file can have.
    if os.path.isfile(path):  # noqa: PTH113
        return path
    if path.name == str(where) and stem in known:
        return known[stem]
    problem = "is no file" if os.path.exists(path) else "no such config"  # noqa: PTH110
    help_ = f"{meant(stem, known)}Give a path, or one of: {', '.join(known)}"
    raise ConfigError(f"{str(where) or '(nothing)'}: {problem}. {help_}")


def load_config(
    where: str | Path, settings: Mapping[str, Any] | None = None, *, seed: int | None = None, name: str | None = None,
    grid: Collection[str] = (),
) -> Config:  # fmt: skip
    """The config at a path or of a shipped name, with settings such as {"training.epochs": 3} put over it.

    Those whose keys are in `grid` were given by --grid, the others by --set.
    """
    path = find_config(where)
    tree = yaml_text.read(path)
    options = {key: f"{'--grid' if key in grid else '--set'} {key}" for key in settings or {}}
    for key, value in (settings or {}).items():
        override(tree, key, value, options[key])
    if seed is not None:
        options["training.seed"] = "--seed"
        override(tree, "training.seed", seed, "--seed")
        if isinstance(tree.get("name"), str):
            tree["name"] += f"-seed{seed}"
    if name is not None:
        tree["name"], options["name"] = name, "--name"
    return check(tree, str(path), options)


def override(tree: dict[str, Any], key: str, value: Any, option: str = "") -> None:
    """Set a dotted key in the tree, making the blocks on its way; a refusal names the option that gave it."""
    *blocks, last = key.split(".")
    for at, name in enumerate(blocks, start=1):
        if tree.get(name) is None:
            tree[name] = {}
        tree = tree[name]
        if not isinstance(tree, dict):
            whole = ".".join(blocks[:at])
            raise ConfigError(
                f"{option or f'--set {key}'}: {whole} is {shown(tree)}, not a block of settings: set {whole} itself"
            )
    tree[last] = value


def parse_settings(given: Sequence[str]) -> dict[str, Any]:
    """`training.epochs=3` from a command line as a key and a value, read as in the file."""
    settings = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not all(step.strip() for step in key.split(".")):
            raise ConfigError(f"--set {text}: write it as key=value, for example --set training.epochs=3")
        settings[key.strip()] = yaml_text.parse(value, f"--set {text}")
    return settings
