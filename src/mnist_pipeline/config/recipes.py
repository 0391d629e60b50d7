"""Finds a recipe by path or name, reads it, applies overrides: a frozen Config, or all complaints at once."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mnist_pipeline.config import yaml_text
from mnist_pipeline.config.checking import check
from mnist_pipeline.config.schema import Config
from mnist_pipeline.config.wording import shown
from mnist_pipeline.errors import ConfigError
from mnist_pipeline.numerals import counted

_NO_RECIPES = {"reported.yaml"}
_LARGEST = 256 * 1024  # bytes; a recipe is one or two thousand


def configs_folder() -> Path:
    """The folder of the shipped recipes: inside the package once installed, at the top of a checkout."""
    package = Path(__file__).parents[1]
    installed, checkout = package / "configs", package.parents[1] / "configs"
    return installed if installed.is_dir() else checkout


def shipped_configs() -> dict[str, Path]:
    """Name and file of each recipe that comes with the package."""
    return {path.stem: path for path in sorted(configs_folder().glob("*.yaml")) if path.name not in _NO_RECIPES}


def find_config(where: str | Path) -> Path:
    """The file that is meant: a path first, then the name of a shipped recipe, with or without .yaml."""
    path, known = Path(where), shipped_configs()
    stem = path.name.removesuffix(".yaml")
    try:
        if path.is_file():
            return path
        if path.name == str(where) and stem in known:
            return known[stem]
        if path.is_dir():
            problem = "is a folder, not a config"
        else:
            problem = "is not a regular file" if path.exists() else "no such config"
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
    raise ConfigError(f"{str(where) or '(nothing)'}: {problem}. Give a path, or one of: {', '.join(known)}")


def load_config(
    where: str | Path,
    settings: Mapping[str, Any] | None = None,
    *,
    seed: int | None = None,
    name: str | None = None,
) -> Config:
    """The config at a path or of a shipped name, with settings such as {"training.epochs": 3} put over it."""
    path = find_config(where)
    tree = read_tree(path)
    for key, value in (settings or {}).items():
        override(tree, key, value)
    if seed is not None:
        override(tree, "training.seed", seed)
        if isinstance(tree, dict) and isinstance(tree.get("name"), str):
            tree["name"] += f"-seed{seed}"
    if name is not None:
        override(tree, "name", name)
    config, complaints = check(tree)
    if config is None:
        lines = [f"{path}: {counted(len(complaints), 'complaint')}", *(f"  {complaint}" for complaint in complaints)]
        raise ConfigError("\n".join(lines))
    return config


def read_tree(path: Path) -> Any:
    """The values in a config file, not yet checked."""
    try:
        if path.stat().st_size > _LARGEST:
            raise ConfigError(f"{path}: larger than {_LARGEST // 1024} KiB: not a config")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not text in UTF-8, so not a config") from None
    tree = yaml_text.parse(text, str(path))
    if tree is None:
        raise ConfigError(f"{path}: is empty. Start from a shipped one: mnist config show dense > mine.yaml")
    return tree


def override(tree: Any, key: str, value: Any) -> None:
    """Set a dotted key in the tree, making the blocks on its way."""
    *blocks, last = key.split(".")
    if not isinstance(tree, dict):
        return  # the check says so
    for at, name in enumerate(blocks, start=1):
        if tree.get(name) is None:
            tree[name] = {}
        tree = tree[name]
        if not isinstance(tree, dict):
            whole = ".".join(blocks[:at])
            raise ConfigError(f"{key}: {whole} is {shown(tree)}, not a block of settings: set {whole} itself")
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
