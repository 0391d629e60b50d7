"""The statement in examples/ and the walk through docs/reproducibility.md, as they stand there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.reproduction.statements import read
from mnist_pipeline.reproduction.verifying import absent, check_at_once

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "dense-portable.json"
PAGE = (ROOT / "docs" / "reproducibility.md").read_text(encoding="utf-8").split("## A statement anyone can check")[1]


def test_the_statement_in_examples_is_about_the_shipped_recipe_and_holds_as_far_as_can_be_seen() -> None:
    statement, recipe = read(EXAMPLE), load_config("dense-portable")
    assert check_at_once(statement) == recipe
    assert statement.predicate["promised"] == ["bits everywhere", "band"]
    assert recipe.expected is not None
    assert statement.predicate["weights_sha256"] == recipe.expected.weights_sha256
    assert absent(statement) == ["model.keras", "model.onnx"]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("openssl") is None, reason="the walk makes its key with openssl")
def test_the_walk_is_walked_command_by_command(tmp_path: Path) -> None:
    (tmp_path / "examples").mkdir()
    shutil.copy(EXAMPLE, tmp_path / "examples")
    walk = PAGE.split("\n## ")[0]
    commands = "".join(re.findall(r"^```sh\n(.*?)^```", walk, flags=re.DOTALL | re.MULTILINE))
    done = subprocess.run(
        ["bash", "-e", "-c", commands], cwd=tmp_path, capture_output=True, text=True, check=False,
        env=os.environ
        | {"MNIST_ARTIFACTS": "artifacts", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (shown,) = re.findall(r"^```console\n(.*?)\n```", walk, flags=re.DOTALL | re.MULTILINE)
    assert shown in done.stdout.splitlines(), "with other versions of onnx or keras: renew it, mnist attest"
    assert len([line for line in done.stdout.splitlines() if line.endswith("statement.json: same bits")]) == 2
    assert "reproduced" in (tmp_path / "badge.json").read_text()
