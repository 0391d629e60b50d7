"""The page about a data set says what is in it and shows what is worth a look, of the training part alone."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from mnist_pipeline.data import Dataset, Part, load_part
from mnist_pipeline.evaluation.data_page import write_data_page
from mnist_pipeline.evaluation.plots.images import contact_sheets
from tests.commands import mnist
from tests.evaluation.test_page import Page

NAMES = ("<b>$T$-shirt</b>", "trouser")


@pytest.fixture
def flawed() -> Dataset:
    """Two classes of which some images are inverted, blank, equal, in both parts or labelled as the other one."""
    part = load_part("mnist", "train")
    zeros_and_ones = np.flatnonzero(part.labels <= 1)[:400]
    images, labels = part.images[zeros_and_ones], part.labels[zeros_and_ones]
    train, given = images[:300].copy(), labels[:300].copy()
    train[3], train[4], train[5] = 255 - train[3], 0, train[6]
    train[7] = images[300]
    given[8] = 1 - given[8]
    return Dataset("flawed <set>", Part(train, given, NAMES), Part(images[300:], labels[300:], NAMES))


def test_the_page_shows_what_was_planted(flawed: Dataset, tmp_path: Path) -> None:
    path, drawn, found = write_data_page(flawed, tmp_path)
    page = Page(path)
    assert path == tmp_path / "data.html"
    assert {picture.stem for picture in drawn} >= {"digits", "distribution", "leaked", "inverted", "blank", "suspects"}
    assert found.suspects[0][0] == 8
    for words in ("flawed <set>", "300 training images and 100 test images of 2 classes", "1 image in both parts"):
        assert words in page.text
    assert "<b>$T$-shirt</b>" in page.text
    assert all(image["src"].startswith("data:image/png;base64,") for image in page.all("img") if image["src"])
    assert len(page.all("img")) == len(drawn)
    assert page.all("script") == page.all("link")[1:] == []


def test_a_set_without_flaws_has_a_page_without_them(tmp_path: Path) -> None:
    part = load_part("mnist", "train")
    clean = Dataset("clean", Part(part.images[:40], part.labels[:40]), Part(part.images[40:50], part.labels[40:50]))
    path, drawn, _ = write_data_page(clean, tmp_path)
    assert [picture.name for picture in drawn] == ["digits.png", "distribution.png"]
    assert "too few images to tell" in Page(path).text


def test_the_command_names_the_page_and_what_was_found(tmp_path: Path) -> None:
    part = load_part("mnist", "train")
    np.savez(
        tmp_path / "set.npz",
        x_train=part.images[:60], y_train=part.labels[:60], x_test=part.images[60:90], y_test=part.labels[60:90],
    )  # fmt: skip
    told = json.loads(mnist("data", "plot", tmp_path / "set.npz", "--out", tmp_path / "look", "--json").stdout)
    assert told["page"] == str(tmp_path / "look" / "data.html")
    assert told["leaked"] == []
    assert all(cv2.imread(path) is not None for path in told["pictures"])


def test_a_contact_sheet_shows_every_image_and_begins_a_second_one_when_full(tmp_path: Path) -> None:
    part = load_part("mnist", "train")
    sheets = contact_sheets(Part(part.images[:900], part.labels[:900]), tmp_path)
    assert [sheet.name for sheet in sheets] == ["sheet.png", "sheet-2.png"]
    heights = [picture.shape[0] for picture in map(cv2.imread, map(str, sheets)) if picture is not None]
    assert heights[0] > heights[1]
