"""mnist reproduce on recipes: wrong use, and what it prints and writes."""

from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.runs.run import artifacts
from tests.commands import mnist
from tests.reproduction.pretended import pretend, pretend_seeds


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["reproduce"], "which recipes?"),
        (["reproduce", "dense", "--all"], "not both"),
        (["reproduce", "dnese"], "no such config"),
        (["reproduce", "dense", "--update", "--check"], "choose one"),
        (["reproduce", "."], "holds no run"),
    ],
)
def test_wrong_use_is_one_clear_line(
    words: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = mnist(*words)
    assert result.exit_code == 2
    assert says in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_run_of_another_recipe_under_the_name_is_refused(recipe: Path) -> None:
    pretend(load_config(recipe, {"training.epochs": 7}, seed=0), 0.97)
    result = mnist("reproduce", str(recipe), "--seeds", "2")
    assert result.exit_code == 2
    assert "training.epochs: 7 → 1" in result.stderr


def test_the_table_goes_to_a_markdown_file_and_the_seeds_to_a_picture(
    recipe: Path, report: Callable[..., None], tmp_path: Path
) -> None:
    report(0.97, note="a remark")
    pretend_seeds(recipe)
    page, picture = tmp_path / "page.md", tmp_path / "all.png"
    mnist("reproduce", str(recipe), "--seeds", "3", "--markdown", str(page), "--plot", str(picture))
    text = page.read_text()
    assert "| mine | R1 | test accuracy | 97.00 % | 97.00 ± 0.10 % (3) | 96.50 to 97.50 % | reproduced |" in text
    assert "| mine | – | test loss | – | 0.1300 ± 0.0000 (3) |" in text
    assert "measured on 2026-01-02, A, Python 3.11.7, tensorflow 2.21.0, keras 3.15.1" in text
    assert "(a remark)" in text
    assert cv2.imread(str(picture)) is not None
    assert cv2.imread(str(artifacts() / "reproduce" / "mine.png")) is not None
