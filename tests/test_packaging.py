"""The two packages: what they say about themselves, what is in them, and that they work outside of the clone."""

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import yaml
from hatchling.metadata.core import ProjectMetadata
from hatchling.plugin.manager import PluginManager
from typer.main import get_command

import mnist_pipeline
from mnist_pipeline.cli import app

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "mnist_pipeline"
LARGEST = 320  # MB of the light form, as it is installed


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def metadata_of(folder: Path) -> Any:
    """What a package built from this folder says about itself."""
    return ProjectMetadata(str(folder), PluginManager()).core


COMPLETE, LIGHT = metadata_of(ROOT), metadata_of(ROOT / "light")


def named(requirements: list[str]) -> set[str]:
    """The names of the packages that are required, without their bounds."""
    return {re.split(r"[<>=\[]", line)[0] for line in requirements}


# What they say about themselves


def test_the_light_package_depends_on_less_and_its_extra_train_makes_it_complete() -> None:
    assert set(LIGHT.dependencies) < set(COMPLETE.dependencies)
    assert not named(LIGHT.dependencies) & {"tensorflow", "keras", "onnx", "matplotlib"}
    assert set(LIGHT.dependencies) | set(LIGHT.optional_dependencies["train"]) == set(COMPLETE.dependencies)


@pytest.mark.parametrize("package", [COMPLETE, LIGHT], ids=lambda package: package.raw_name)
def test_the_extra_all_holds_every_other(package: Any) -> None:
    extras = package.optional_dependencies
    assert {line for lines in extras.values() for line in lines} == set(extras["all"])


def test_both_packages_say_the_same_apart_from_what_they_need() -> None:
    fields = ("version", "readme", "description", "authors_data", "license_expression", "keywords", "classifiers")
    for field in (*fields, "scripts"):
        assert getattr(LIGHT, field) == getattr(COMPLETE, field), field
    assert text_of("light/LICENSE") == text_of("LICENSE")


def test_the_citation_names_this_version_its_authors_and_its_licences() -> None:
    citation = yaml.safe_load(text_of("CITATION.cff"))
    assert citation["version"] == mnist_pipeline.__version__
    assert citation["authors"] == COMPLETE.authors
    assert " AND ".join(citation["license"]) == COMPLETE.license_expression


def test_what_is_imported_is_depended_on() -> None:
    distributions, declared = packages_distributions(), {*COMPLETE.dependencies, *COMPLETE.optional_dependencies["all"]}
    needed = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            needed |= {name.split(".")[0] for name in names} - sys.stdlib_module_names - {SOURCE.name}
    assert {"numpy", "cv2", "onnx"} <= needed
    needed -= {"pydantic_core"}  # of pydantic, which wants one exact version of it
    missing = [name for name in needed if not {d.lower() for d in distributions[name]} & named(sorted(declared))]
    assert missing == []


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make, as on Windows")
@pytest.mark.parametrize(("version", "refused"), [("3, 10", True), ("3, 11", False), ("3, 13", False), ("3, 14", True)])
def test_make_wants_the_python_that_the_package_wants(tmp_path: Path, version: str, refused: bool) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("pyproject.toml", "requirements.lock"):
        (tmp_path / name).touch()
    python = tmp_path / "python"  # asked for its version; whatever else it is to do ends the test
    code = f"import sys; sys.version_info = ({version}, 9); exec(sys.argv[1])"
    python.write_text(f'#!/bin/sh\n[ "$1" = -c ] && exec {sys.executable} -c "{code}" "$2"\necho used; exit 1\n')
    python.chmod(0o755)
    said = subprocess.run(
        ["make", "run", f"PYTHON={python}"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ("3.13 is needed" in said.stdout) is refused
    assert ("used" in said.stdout) is not refused
    assert COMPLETE.python_constraint.contains(version.replace(", ", ".")) is not refused


# What is in them: built once for all slow tests


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both wheels and the source distribution, built as `make wheels` does."""
    folder = tmp_path_factory.mktemp("dist")
    build(ROOT, folder)
    build(ROOT / "light", folder, "--target", "wheel")
    kinds = {"complete": "mnist_kit-*.whl", "light": "mnist_kit_core-*.whl", "source": "mnist_kit-*.tar.gz"}
    return {kind: next(folder.glob(pattern)) for kind, pattern in kinds.items()}


def build(project: Path, into: Path, *options: str) -> None:
    call = [sys.executable, "-m", "hatchling", "build", "--directory", str(into), *options]
    subprocess.run(call, cwd=project, check=True, capture_output=True)


def package_files(wheel: Path) -> dict[str, int]:
    """Name and checksum of each file of the package in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {info.filename: info.CRC for info in archive.infolist() if info.filename.startswith("mnist_pipeline/")}


@pytest.mark.slow
def test_both_wheels_hold_what_the_clone_has_and_nothing_else(built: dict[str, Path]) -> None:
    call = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "src", "configs"]
    listed = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=True)
    files = {line.removeprefix("src/") for line in listed.stdout.splitlines()}
    files = {f"mnist_pipeline/{name}" if name.startswith("configs/") else name for name in files}
    assert set(package_files(built["complete"])) == files
    assert package_files(built["light"]) == package_files(built["complete"])
    for ending in ("py.typed", "configs/dense.yaml", "train-images-idx3-ubyte.gz", "photo.onnx", "page.html.jinja"):
        assert any(name.endswith(ending) for name in files), ending


@pytest.mark.slow
def test_the_source_distribution_builds_the_same_wheels(built: dict[str, Path], tmp_path: Path) -> None:
    with tarfile.open(built["source"]) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    build(unpacked, tmp_path / "dist", "--target", "wheel")
    build(unpacked / "light", tmp_path / "dist", "--target", "wheel")
    for kind in ("complete", "light"):
        assert (tmp_path / "dist" / built[kind].name).read_bytes() == built[kind].read_bytes()


# That they work outside of the clone


class Outside:
    """An environment and an empty folder, neither of them in the clone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "here"
        self.folder.mkdir()
        subprocess.run([sys.executable, "-m", "venv", folder / "env"], check=True)
        self.python = folder / "env" / ("Scripts" if os.name == "nt" else "bin") / "python"
        self.packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder / "env")}))

    def run(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run Python there, without what the environment variables of the tests add."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MNIST"))}
        return subprocess.run(
            [self.python, *words], cwd=self.folder, env=environment, capture_output=True, text=True,
            stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip

    def says(self, *words: str | Path) -> str:
        """What `mnist` prints there as its answer, once it has ended well."""
        ended = self.run("-m", "mnist_pipeline", *words)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def where(self) -> Path:
        """The folder that the package is imported from."""
        return Path(self.run("-c", "import mnist_pipeline; print(mnist_pipeline.__path__[0])").stdout.strip())

    def install(self, *words: str | Path) -> None:
        """Install in the versions that the lock names."""
        locked = self.folder.parent / "constraints.txt"
        pins = re.findall(r"^([\w.-]+==.*?) *\\?$", text_of("requirements-dev.lock"), flags=re.MULTILINE)
        locked.write_text("\n".join(pins))
        pip: list[str | Path] = [self.python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        subprocess.run([*pip, "--constraint", locked, *words], check=True)


@contextmanager
def outside_of_the_clone(folder: Path) -> Iterator[Outside]:
    """An environment and a folder that are taken away at the end: pytest keeps its temporary folders for days."""
    try:
        yield Outside(folder)
    finally:
        shutil.rmtree(folder)


PICTURE = ROOT / "examples" / "7.png"


@pytest.fixture(scope="module")
def light(built: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    """The light package in an environment of its own."""
    with outside_of_the_clone(tmp_path_factory.mktemp("light")) as outside:
        outside.install(built["light"])
        yield outside


@pytest.mark.slow
def test_the_light_package_is_small(light: Outside) -> None:
    size = sum(path.stat().st_size for path in light.packages.rglob("*") if path.is_file())
    assert size < LARGEST * 1e6
    assert not {"tensorflow", "onnx", "matplotlib"} & {path.name for path in light.packages.iterdir()}


@pytest.mark.slow
def test_the_light_package_reads_pictures_and_pages_and_shows_data_and_configs(light: Outside) -> None:
    assert "this is a 7" in light.says("predict", PICTURE, "--run", "shipped")
    assert light.says("predict", "--all", PICTURE, "--save", "page.png").strip() == "7"
    assert light.says("predict", PICTURE, "--csv").startswith("image,digit")
    assert "photo" in light.says("config", "list")
    assert light.says("export", "shipped").strip() == str(Path("artifacts/shipped/export/model.onnx"))
    shutil.rmtree(light.folder / "artifacts")
    assert "epochs: 15" in light.says("config", "show", "dense")
    assert "60,000 training" in light.says("data", "info")
    assert "complete and correct" in light.says("data", "verify")


@pytest.fixture(scope="module")
def complete(built: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    """The complete package, whose dependencies are borrowed from the environment of the tests: they take 2.5 GB."""
    with outside_of_the_clone(tmp_path_factory.mktemp("complete")) as outside:
        outside.install("--no-deps", built["complete"])
        borrowed = [path for path in sys.path if path.endswith("site-packages")]
        (outside.packages / "borrowed.pth").write_text("\n".join(borrowed))
        yield outside


@pytest.fixture(scope="module")
def trained(complete: Outside) -> Path:
    """The folder of a run that was trained, evaluated and reported outside of the clone."""
    assert "test accuracy" in complete.says("run", "--config", "smoke")
    return complete.folder / "artifacts" / "smoke"


@pytest.mark.slow
def test_the_complete_package_trains_reports_exports_and_predicts(complete: Outside, trained: Path) -> None:
    assert complete.where() == complete.packages / "mnist_pipeline"
    assert (trained / "report.html").is_file()
    assert "model.onnx" in complete.says("export", "smoke", "--to", "onnx")
    assert "this is a 7" in complete.says("predict", PICTURE)
    assert "this is a 7" in complete.says("predict", PICTURE, "--run", "shipped")


@pytest.mark.slow
def test_the_light_package_reads_with_a_run_that_was_trained_elsewhere(light: Outside, trained: Path) -> None:
    shutil.copytree(trained, light.folder / "artifacts" / "smoke", dirs_exist_ok=True)
    assert "smoke" in light.says("runs")
    assert "no difference" in light.says("runs", "diff", "smoke", "smoke")
    assert "statement.json: promises bits here" in light.says("attest", "smoke")
    assert "this is a 7" in light.says("predict", PICTURE, "--run", "smoke")
    assert "test accuracy" in light.says("evaluate", "--model", "artifacts/smoke/model.onnx")


# What the light package cannot do, and the extra that adds it. `runs`, `config`, `data info` and the like it can.
REFUSED = {
    "train --config tiny": "train",
    "run --config tiny": "train",
    "adapt --data examples": "train",
    "ensemble smoke other": "train",
    "evaluate smoke": "train",
    "evaluate smoke --corruptions": "plots",
    "export smoke --to onnx": "train",
    "bench smoke": "train",
    "reproduce tiny --seeds 2": "train",
    "verify smoke": "train",
    "sweep tiny": "train",
    "tune cnn": "train,tune",
    "report smoke": "plots",
    "data plot": "plots",
    "data import .": "plots",
    "serve": "web",
    f"predict {PICTURE} --show": "plots",
    f"predict {PICTURE} --runtime onnxruntime": "export",
    f"predict {PICTURE} --model elsewhere.onnx": "export",
    f"predict {PICTURE} --out answers.parquet": "bulk",
    "evaluate --model elsewhere.tflite": "export",
}
WORKING = {
    "attest", "runs", "runs diff", "config diff", "config list", "config schema", "config show", "data info",
    "data verify", "data fetch",
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("words", REFUSED)
def test_the_light_package_says_in_a_line_what_to_install(light: Outside, trained: Path, words: str) -> None:
    shutil.copytree(trained, light.folder / "artifacts" / "smoke", dirs_exist_ok=True)
    for suffix in (".onnx", ".tflite"):
        shutil.copy(trained / "model.onnx", light.folder / f"elsewhere{suffix}")
    ended = light.run("-m", "mnist_pipeline", *shlex.split(words))
    assert ended.returncode == 2, ended.stderr
    last = ended.stderr.splitlines()[-1]
    assert re.match(rf'Error: .* takes .*pip install ".*\[{REFUSED[words]}\]"$', last), ended.stderr
    assert "Traceback" not in ended.stderr
    assert {path.name for path in (light.folder / "artifacts").iterdir()} == {"smoke"}


@pytest.mark.slow
def test_the_light_package_serves_with_its_extra(built: dict[str, Path], tmp_path: Path) -> None:
    with outside_of_the_clone(tmp_path) as outside:
        outside.install(f"{built['light']}[web]")
        call = [str(outside.python), "-m", "mnist_pipeline", "serve", "--port", "0"]
        with subprocess.Popen(call, cwd=outside.folder, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            try:
                request = Request(process.stdout.readline().strip() + "/predict", PICTURE.read_bytes())
                request.add_header("Content-Type", "image/png")
                with urlopen(request, timeout=60) as answer:
                    assert json.load(answer)["digit"] == 7
            finally:
                process.terminate()
        assert process.returncode == 0


def test_every_verb_is_tried_in_the_light_package_or_known_to_work_there() -> None:
    def verbs(command: Any, *words: str) -> Iterator[str]:
        inside = getattr(command, "commands", {})
        if words and (not inside or command.invoke_without_command):
            yield " ".join(words)
        for name, verb in inside.items():
            yield from verbs(verb, *words, name)

    refused = {verb for verb in verbs(get_command(app)) if any(f"{words} ".startswith(f"{verb} ") for words in REFUSED)}
    assert set(verbs(get_command(app))) - refused == WORKING


@pytest.mark.slow
def test_everything_downloaded_trains_exports_every_form_and_predicts(built: dict[str, Path], tmp_path: Path) -> None:
    with outside_of_the_clone(tmp_path) as outside:
        outside.install(f"{built['complete']}[all]")
        subprocess.run([outside.python, "-m", "pip", "check"], check=True)
        assert "test accuracy" in outside.says("run", "--config", "smoke")
        assert "model.tflite" in outside.says("export", "smoke")
        assert "this is a 7" in outside.says("predict", PICTURE)
