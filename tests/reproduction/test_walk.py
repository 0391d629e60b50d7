"""The statement in examples/ and the walk through docs/reproducibility.md, as they stand there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mnist_pipeline.config.recipes import load_config, shipped_configs
from mnist_pipeline.reproduction.statements import attest, read
from mnist_pipeline.reproduction.verifying import absent, check_at_once
from mnist_pipeline.runs.run import Run
from tests.commands import mnist

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
PAGE = (ROOT / "docs" / "reproducibility.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["dense-portable", "cnn-portable"])
def test_a_statement_in_examples_is_about_the_shipped_recipe_and_holds_as_far_as_can_be_seen(name: str) -> None:
    statement, recipe = read(EXAMPLES / f"{name}.json"), load_config(name)
    assert check_at_once(statement).recipe() == recipe.recipe()
    assert statement.predicate["promised"][0] == "bits everywhere"
    assert recipe.expected is not None
    assert statement.predicate["weights_sha256"] == recipe.expected.weights_sha256
    assert absent(statement) == ["model.keras", "model.onnx"]


def test_the_page_has_the_digest_of_every_portable_recipe() -> None:
    portable = [config for config in map(load_config, shipped_configs()) if config.training.numerics == "portable"]
    held = {config.name: config.expected.weights_sha256 for config in portable if config.expected}
    assert dict(re.findall(r"^\| \[([a-z-]+)\].*\| `([0-9a-f]{64})` \|$", PAGE, flags=re.MULTILINE)) == held
    assert len(held) == len(portable)


@pytest.mark.slow
def test_a_real_run_is_made_again_to_the_same_bits_files_included(smoke_run: Run) -> None:
    attest(smoke_run)
    result = mnist("verify", smoke_run.path)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0] == f"{smoke_run.statement_file}: same bits"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("openssl") is None, reason="the walk makes its key with openssl")
def test_the_walk_is_walked_command_by_command(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    walk = PAGE.split("## A statement anyone can check")[1].split("\n## ")[0]
    commands = "".join(re.findall(r"^```sh\n(.*?)^```", walk, flags=re.DOTALL | re.MULTILINE))
    done = subprocess.run(
        ["bash", "-e", "-c", commands], cwd=tmp_path, capture_output=True, text=True, check=False,
        env=os.environ
        | {"MNIST_ARTIFACTS": "artifacts", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (shown,) = re.findall(r"^```console\n(.*?)\n```", walk, flags=re.DOTALL | re.MULTILINE)
    for line in shown.splitlines():
        assert line in done.stdout.splitlines(), "with other versions of onnx or keras: renew it, mnist attest"
    assert len([line for line in done.stdout.splitlines() if line.endswith("statement.json: same bits")]) == 2
    assert "reproduced" in (tmp_path / "badge.json").read_text()
