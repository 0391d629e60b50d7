"""What is said where a package is missing: the command that adds it to just this environment."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mnist_pipeline import packages
from mnist_pipeline.errors import PackageError
from mnist_pipeline.runs.run import artifacts
from tests.commands import mnist


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment in which neither package is installed, and whose pip is the first on the path."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *(path for path in sys.path if "site-packages" not in path)])
    pip = tmp_path / "bin" / "pip"
    pip.parent.mkdir()
    pip.touch(0o755)
    monkeypatch.setattr(sys, "executable", str(pip.with_name("python")))
    monkeypatch.setenv("PATH", str(pip.parent))
    return tmp_path


def installed(site: Path, name: str, origin: dict[str, Any] | None = None) -> None:
    """Leave the traces of an installed package: what pip writes, with the origin of one that is not from the index."""
    info = site / f"{name.replace('-', '_')}-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: 0.1.0\n")
    if origin:
        (info / "direct_url.json").write_text(json.dumps(origin))


@pytest.mark.parametrize(
    ("name", "package", "command"),
    [
        ("mnist-kit-core", "matplotlib", 'pip install "mnist-kit-core[plots]"'),
        ("mnist-kit-core", "tensorflow", 'pip install "mnist-kit-core[train]"'),
        ("mnist-kit", "onnxruntime", 'pip install "mnist-kit[export]"'),
        ("mnist-kit", "tensorflow", 'pip install "mnist-kit"'),
    ],
)
def test_the_extra_is_one_of_the_package_that_is_installed(site: Path, name: str, package: str, command: str) -> None:
    installed(site, name)
    assert packages.install([package]) == command


def test_where_neither_is_installed_it_is_the_complete_one(site: Path) -> None:
    assert packages.install(["onnx", "onnxruntime"]) == 'pip install "mnist-kit[export]"'


def test_what_came_from_a_folder_is_added_to_from_there(site: Path) -> None:
    clone = site / "a clone"
    clone.mkdir()
    installed(site, "mnist-kit", {"url": clone.as_uri(), "dir_info": {}})
    assert packages.install(["onnx"]) == f'pip install "{clone}[export]"'
    clone.rmdir()
    assert packages.install(["onnx"]) == 'pip install "mnist-kit[export]"'


def test_what_is_used_in_place_stays_in_place(site: Path) -> None:
    installed(site, "mnist-kit", {"url": site.as_uri(), "dir_info": {"editable": True}})
    assert packages.install(["onnx"]) == f'pip install --editable "{site}[export]"'


def test_another_environments_pip_is_not_named(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(site / "python"))
    assert packages.install(["onnx"]) == f'{site / "python"} -m pip install "mnist-kit[export]"'


def test_a_task_whose_packages_are_there_goes_on_and_another_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    packages.need("reading", "onnx", "jinja2")
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    with pytest.raises(PackageError, match=r'^reading takes ai-edge-litert: .*pip install .*\[export\]"$'):
        packages.need("reading", "onnx", "ai-edge-litert")


def test_a_failed_import_is_explained_only_where_the_package_may_be_missing() -> None:
    told = packages.explained(ModuleNotFoundError(name="ai_edge_litert.interpreter"))
    assert str(told).startswith("this takes ai-edge-litert: ")
    assert packages.explained(ModuleNotFoundError(name="mnist_pipeline.cli.evalute")) is None
    assert packages.explained(ModuleNotFoundError(name="numpy")) is None


def test_a_training_is_refused_before_a_folder_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    refused = mnist("train", "--config", "tiny")
    assert refused.exit_code == 2
    assert refused.stderr.startswith("Error: training takes tensorflow: ")
    assert not artifacts().exists()


def test_an_import_that_fails_ends_in_a_line() -> None:
    code = "import sys; sys.modules['matplotlib'] = None\nfrom mnist_pipeline.cli import app; app(['data', 'plot'])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert line.startswith("Error: this takes matplotlib: ")
