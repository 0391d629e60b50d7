"""Pages full of digits, of pieces or of specks: everything is found, in bounded memory, and specks are no digits."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.pages import distance
from mnist_pipeline.data import Part
from mnist_pipeline.numerals import DIGITS
from mnist_pipeline.pixels.lines import ON_A_PAGE, without_lines
from mnist_pipeline.prediction.pages.choosing import chain
from mnist_pipeline.prediction.pages.pieces import clusters, pieces
from mnist_pipeline.prediction.pages.reading import read_pixels
from tests.systems import linux

Grey = NDArray[np.uint8]


def crowded(part: Part, columns: int, rows: int) -> tuple[Grey, str]:
    """A page full of digits, and what is written on it."""
    page = np.full((rows * 50 + 50, columns * 50 + 50), 255, np.uint8)
    chosen = np.random.default_rng(0).integers(0, len(part), (rows, columns))
    for (row, column), one in np.ndenumerate(chosen):
        ink = 255 - cv2.resize(part.images[one], (44, 44), interpolation=cv2.INTER_CUBIC)
        place = page[25 + 50 * row :, 25 + 50 * column :][:44, :44]
        np.minimum(place, ink, out=place)
    return page, "\n".join("".join(map(str, part.labels[row])) for row in chosen)


class Certain:
    """A model that takes everything for a 1."""

    name, threshold = "certain", 0.5
    classes = DIGITS

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.eye(10, dtype=np.float32)[np.ones(len(images), int)]


def test_a_thousand_digits_are_all_found(part: Part) -> None:
    page = read_pixels(crowded(part, 40, 25)[0], Certain())
    assert abs(sum(map(len, page.lines)) - 1000) <= 5
    assert len(page.lines) == 25
    assert page.left_out == 0


def test_digits_in_rows_and_columns_are_not_taken_for_ruled_lines(part: Part) -> None:
    marks = (crowded(part, 20, 20)[0] < 128).astype(np.uint8)
    assert np.array_equal(without_lines(marks, ON_A_PAGE), marks)


def test_a_chain_keeps_each_of_its_pieces() -> None:
    marks = np.zeros((120, 500), np.uint8)
    for at in range(60):
        marks[40:70, 60 + 6 * at : 63 + 6 * at] = 1
    found = pieces(marks)
    assert found is not None
    (group,) = clusters(found)
    assert len(chain(found, marks * 255, group).boxes) == 60


@linux
@pytest.mark.slow
def test_a_thousand_digits_take_half_a_gigabyte_at_most(part: Part, tmp_path: Path) -> None:
    page, text = crowded(part, 40, 25)
    cv2.imwrite(str(tmp_path / "page.png"), page)
    program = (
        "import pathlib, re, sys\n"
        "from mnist_pipeline.prediction.pages.reading import read_page\n"
        "from mnist_pipeline.prediction.predictor import predictor\n"
        "print(read_page(sys.argv[1], predictor('shipped')).text)\n"
        "print(re.search(r'VmHWM:\\s+(\\d+) kB', pathlib.Path('/proc/self/status').read_text())[1])\n"
    )
    words = [sys.executable, "-P", "-c", program, str(tmp_path / "page.png")]
    *read, kibibytes = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    assert distance("\n".join(read), text) <= 10
    assert int(kibibytes) <= 500_000


def test_thousands_of_specks_are_no_digits() -> None:
    specks = np.random.default_rng(0).random((1000, 1000)) < 0.05
    assert read_pixels(np.where(specks, 0, 255).astype(np.uint8), Certain()).text == ""
