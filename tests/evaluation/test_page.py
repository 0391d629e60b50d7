"""The page of a run: it says what the run's files say, and fetches nothing."""

import copy
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.errors import RunError
from mnist_pipeline.evaluation.page import write_page
from mnist_pipeline.runs.files import write_json
from mnist_pipeline.runs.opening import begin
from mnist_pipeline.runs.run import Run
from tests.samples import EVALUATED, TRAINED

RECIPE = """
name: trial
description: "a <script>alert('&')</script> \\"quoted\\" recipe for $5"
model: {family: dense}
training: {epochs: 2, seed: 7}
"""
TRAIN: dict[str, Any] = TRAINED | {"train_seconds": 83.2, "finished": "2026-11-20T14:03:11+00:00"}
HISTORY = {"loss": [0.3, 0.1], "accuracy": [0.9, 0.97], "learning_rate": [0.001, 0.001]}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A trained and evaluated run, with plots of a few pixels."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MNIST_ARTIFACTS", raising=False)
    Path("trial.yaml").write_text(RECIPE, encoding="utf-8")
    made_with = {
        "versions": {"keras": "3.12.0", "onnx": None},
        "python": "3.11.7",
        "processor": {"model": "A", "instructions": ["avx2", "fma"]},
    }
    run = begin(load_config("trial.yaml"), made_with)
    write_json(run.history_file, HISTORY)
    run.add_metrics("train", TRAIN)
    run.add_metrics("evaluate", EVALUATED)
    run.plots.mkdir()
    for name in ("confusion", "samples", "mistakes", "curves", "architecture"):
        cv2.imwrite(str(run.plots / f"{name}.png"), np.zeros((20, 30, 3), np.uint8))
    return run


class Page(HTMLParser):
    """The page as a browser takes it apart."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data.replace("\N{NO-BREAK SPACE}", " "))

    @property
    def text(self) -> str:
        return "\n".join(self.words)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_the_page_lies_in_the_run_folder(run: Run) -> None:
    assert write_page(run) == run.report_file
    assert run.report_file.is_file()


def marked_rows(page: Path) -> list[str]:
    """The first cell of each row that is marked, in the order of the page."""
    return re.findall(r'<tr class="mark"><th scope="row">(.*?)</th>', page.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "said",
    [
        "97.85 %", "0.0812", "1.23 %", "42,310", "1 min 23 s", "9,755 of 10,000 right",  # the tiles
        "mnist train --config artifacts/trial/config.yaml --name trial-again", "ab" * 32,  # how to repeat it
        "4 read as 9", "1.20 %",  # the most confused, with their share of all fours
        "97.12 %", "97.48 %",  # precision and F1
        "93.3 to 100.0 %", "98.50 %",  # calibration
        "90.00 %", "0.3000",  # the first epoch
        "seed: 7",  # the config
        "versions:\n  keras: 3.12.0", "python: 3.11.7",  # the environment
    ],
)  # fmt: skip
def test_the_page_says(said: str, run: Run) -> None:
    assert said in Page(write_page(run)).text


def test_words_from_the_config_stay_words(run: Run) -> None:
    page = Page(write_page(run))
    assert not page.all("script")
    assert "a <script>alert('&')</script> \"quoted\" recipe for $5" in page.words


def test_words_from_the_environment_stay_words(run: Run) -> None:
    name = '<img src="http://x/y.png" onerror="alert(1)">'
    write_json(run.environment_file, run.environment() | {"flags": {name: name}})
    page = Page(write_page(run))
    assert len(page.all("img")) == 5
    assert name in page.text


def test_nothing_is_fetched_and_nothing_runs(run: Run) -> None:
    page = Page(write_page(run))
    links = [value or "" for _, attributes in page.tags for key, value in attributes.items() if key in ("href", "src")]
    assert links
    assert all(link.startswith(("#", "data:")) for link in links)
    assert not any(key.startswith("on") for _, attributes in page.tags for key in attributes)
    style = run.report_file.read_text(encoding="utf-8").partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


def test_links_within_the_page_lead_somewhere(run: Run) -> None:
    page = Page(write_page(run))
    places = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    assert {str(link["href"])[1:] for link in page.all("a")} == places


def test_plots_have_a_text_and_a_size(run: Run) -> None:
    plots = Page(write_page(run)).all("img")
    assert len(plots) == 5
    assert all(plot["alt"] for plot in plots)
    assert {(plot["width"], plot["height"]) for plot in plots} == {("30", "20")}


def test_the_weakest_digit_is_marked(run: Run) -> None:
    assert marked_rows(write_page(run)) == ["9"]


def test_the_kept_epoch_is_marked(run: Run) -> None:
    run.add_metrics("train", TRAIN | {"best_epoch": 1})
    page = write_page(run)
    assert marked_rows(page) == ["1", "9"]  # the epoch, and in a later table the weakest digit
    assert "epoch 1 kept" in Page(page).text


def test_a_perfect_run_has_no_confused_pairs(run: Run) -> None:
    perfect = copy.deepcopy(EVALUATED) | {"most_confused": [], "test_accuracy": 1.0}
    for row in perfect["per_class"]:
        row |= {"right": row["n"], "accuracy": 1.0}
    run.add_metrics("evaluate", perfect)
    text = Page(write_page(run)).text
    assert "No mistakes." in text
    assert "100.00 %" in text


def test_a_run_that_was_not_evaluated_is_refused_with_what_to_do(run: Run) -> None:
    write_json(run.metrics_file, {"train": TRAIN})
    with pytest.raises(RunError, match=r"not evaluated yet.*mnist evaluate artifacts/trial"):
        write_page(run)
    assert not run.report_file.exists()


def test_a_missing_plot_is_refused_with_what_to_do(run: Run) -> None:
    (run.plots / "curves.png").unlink()
    with pytest.raises(RunError, match=r"curves\.png.*mnist evaluate artifacts/trial"):
        write_page(run)


def test_an_untrained_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no run here"):
        write_page(Run(tmp_path / "nothing"))


def test_the_seeds_of_the_recipe_are_shown_where_they_were_drawn(run: Run) -> None:
    assert "Over seeds" not in write_page(run).read_text(encoding="utf-8")
    drawn = run.path.parent / "reproduce" / "trial.png"
    drawn.parent.mkdir()
    cv2.imwrite(str(drawn), np.zeros((20, 30, 3), np.uint8))
    page = write_page(run).read_text(encoding="utf-8")
    assert 'alt="Test accuracy and loss of trial over seeds' in page
    assert 'width="30" height="20"' in page
