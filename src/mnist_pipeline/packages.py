"""The packages that not every installation has: which are there, and what to type to get the others."""

import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mnist_pipeline.errors import PackageError

COMPLETE, LIGHT = "mnist-kit", "mnist-kit-core"  # the two packages that this code comes in
# The extra that adds each, by its name on the package index; what is not here comes with both.
_EXTRAS = {
    "tensorflow": "train", "keras": "train", "tf2onnx": "train",
    "matplotlib": "plots", "seaborn": "plots", "jinja2": "plots",
    "onnx": "export", "onnxruntime": "export", "ai-edge-litert": "export",
    "fastapi": "web", "starlette": "web", "uvicorn": "web", "httptools": "web", "python-multipart": "web",
    "cryptography": "sign",
    "ray": "ray", "optuna": "tune", "pyarrow": "bulk",
}  # fmt: skip
_OF_LIGHT = {"train", "plots"}  # what they add, the complete package has


def missing(packages: Iterable[str]) -> list[str]:
    """Those of the packages that are not installed; nothing is loaded to know it."""
    return [name for name in packages if find_spec(name.replace("-", "_")) is None]


def need(task: str, *packages: str) -> None:
    """Raise a PackageError that says what to install, unless all packages are there that a task takes."""
    if lacking := missing(packages):
        raise PackageError(f"{task} takes {' and '.join(lacking)}: {install(lacking)}")


def explained(error: ModuleNotFoundError) -> PackageError | None:
    """What to install where an import failed; None where every installation has what was imported."""
    package = (error.name or "").split(".")[0].replace("_", "-")
    return PackageError(f"this takes {package}: {install([package])}") if package in _EXTRAS else None


def install(packages: Iterable[str]) -> str:
    """The command that adds packages to this environment: extras of what is installed, from where that came.

    In double quotes, which the shells of every system understand.
    """
    name = installed_as()
    extras = {_EXTRAS[package] for package in packages} - (set() if name == LIGHT else _OF_LIGHT)
    brackets = f"[{','.join(sorted(extras))}]" if extras else ""
    option, source = _source(_distribution(name))
    return f'{_pip()} install {option}"{source or name}{brackets}"'


def installed_as() -> str:
    """The name of the package that this code was installed with; in a checkout that never was, the complete one's."""
    return LIGHT if _distribution(LIGHT) and not _distribution(COMPLETE) else COMPLETE


def _distribution(name: str) -> Any:
    """What is known about an installed package; None for one that is not."""
    from importlib.metadata import distributions

    return next(iter(distributions(name=name)), None)


def _source(distribution: Any) -> tuple[str, str]:
    """The folder or file that a package was installed from, and the option for one used in place; else nothing."""
    import json
    from urllib.parse import urlparse
    from urllib.request import url2pathname

    origin = json.loads((distribution and distribution.read_text("direct_url.json")) or "{}")
    url = urlparse(origin.get("url", ""))
    path = url2pathname(url.path)
    if url.scheme != "file" or not Path(path).exists():
        return "", ""
    return "--editable " if origin.get("dir_info", {}).get("editable") else "", path


def _pip() -> str:
    """The pip of this environment, by its short name only where that is the first on the path."""
    import shutil

    first, python = shutil.which("pip"), Path(sys.executable)
    return "pip" if first and Path(first).parent == python.parent else f"{python} -m pip"
