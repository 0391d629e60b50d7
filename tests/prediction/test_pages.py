"""Whole pages: every digit in reading order, cut apart where they touch, with its box in the picture's own pixels."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from typer.testing import CliRunner, Result

from benchmarks.composing import compose
from benchmarks.pages import distance
from benchmarks.papers import KINDS
from mnist_pipeline.cli import app
from mnist_pipeline.data import Part
from mnist_pipeline.prediction.pages import pieces as pieces_module
from mnist_pipeline.prediction.pages.reading import drawn, lines, read_page, read_pixels
from mnist_pipeline.prediction.predictor import Predictor

Grey = NDArray[np.uint8]


@pytest.fixture(scope="module")
def samples(part: Part, model: Predictor) -> dict[int, Grey]:
    """Of each digit an image that the model is sure of."""
    found: dict[int, Grey] = {}
    rows = model.probabilities(part.images[:300])
    for image, label, row in zip(part.images, part.labels, rows, strict=False):
        if int(label) not in found and row[label] > 0.99:
            found[int(label)] = image
    return found


def put(page: Grey, image: Grey, left: int, top: int, side: int = 56) -> None:
    """Dark ink on the page."""
    ink = 255 - cv2.resize(image, (side, side), interpolation=cv2.INTER_CUBIC)
    place = page[top : top + side, left : left + side]
    np.minimum(place, ink, out=place)


def page_of(samples: dict[int, Grey], text: str, step: int = 60) -> Grey:
    rows = text.split("\n")
    page = np.full((80 * len(rows) + 60, step * max(map(len, rows)) + 80), 255, np.uint8)
    for number, row in enumerate(rows):
        for at, digit in enumerate(row):
            put(page, samples[int(digit)], 30 + step * at, 30 + 80 * number)
    return page


def text_of(grey: Grey, model: Predictor) -> str:
    return read_pixels(grey, model).text


def test_lines_are_read_from_the_top_each_from_the_left(samples: dict[int, Grey], model: Predictor) -> None:
    assert text_of(page_of(samples, "3141\n59\n265"), model) == "3141\n59\n265"


def test_a_page_that_leans_keeps_its_lines() -> None:
    boxes = [(60 * at, 100 * row + 10 * at, 30, 40) for row in range(3) for at in range(8)]
    order = np.random.default_rng(0).permutation(len(boxes))
    found = lines(np.array(boxes)[order], 40.0)
    assert [[order[number] for number in row] for row in found] == [list(range(at, at + 8)) for at in (0, 8, 16)]


def test_light_ink_on_a_dark_board(samples: dict[int, Grey], model: Predictor) -> None:
    assert text_of(255 - page_of(samples, "2038"), model) == "2038"


@pytest.mark.parametrize("soft", [1, 25])
def test_a_shadow_over_half_of_a_page(samples: dict[int, Grey], model: Predictor, soft: int) -> None:
    page = page_of(samples, "2038\n5917")
    shade = np.where(np.arange(page.shape[1]) < page.shape[1] // 2 + 15, 0.25, 1.0)
    shade = cv2.GaussianBlur(np.tile(shade, (len(page), 1)), (0, 0), soft)
    assert text_of((page * shade).astype(np.uint8), model) == "2038\n5917"


@pytest.mark.parametrize("by", [1, 8])
def test_pictures_of_one_digit_side_by_side(samples: dict[int, Grey], model: Predictor, by: int) -> None:
    row = np.hstack([samples[3], samples[0]])
    assert text_of(np.kron(row, np.ones((by, by), np.uint8)), model) == "30"


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_page_turned_round_is_read_as_if_upright(samples: dict[int, Grey], model: Predictor, quarters: int) -> None:
    page = page_of(samples, "314\n427")
    read = read_pixels(np.ascontiguousarray(np.rot90(page, quarters)), model)
    assert read.text == "314\n427"
    upright = np.zeros_like(page)
    for x, y, wide, high in (digit.box for line in read.lines for digit in line):
        np.rot90(upright, quarters)[y : y + high, x : x + wide] = 1  # a view: draws on the upright page
    assert (page[upright > 0] < 128).sum() > 0.95 * (page < 128).sum()


@pytest.mark.parametrize("quarters", [1, 3])
def test_a_row_that_lies_on_its_side_is_no_column_of_ones(
    samples: dict[int, Grey], model: Predictor, quarters: int
) -> None:
    page = np.rot90(page_of(samples, "8873823"), quarters)
    assert read_pixels(np.ascontiguousarray(page), model).text == "8873823"


def test_touching_digits_are_cut_apart(samples: dict[int, Grey], model: Predictor) -> None:
    shapes, left = 3, 90
    while shapes > 2:  # the paper, and one shape
        left -= 1
        page = np.full((120, 260), 255, np.uint8)
        put(page, samples[3], 40, 30)
        put(page, samples[8], left, 30)
        shapes, _ = cv2.connectedComponents((page < 128).astype(np.uint8))
    assert text_of(page, model) == "38"


def test_a_five_with_its_bar_apart_is_one_digit(model: Predictor) -> None:
    page = np.full((160, 300), 255, np.uint8)
    for left in (40, 160):
        cv2.line(page, (left + 12, 40), (left + 48, 38), (0,), 5)
        cv2.line(page, (left + 6, 46), (left + 4, 66), (0,), 5)
        cv2.ellipse(page, (left + 18, 86), (24, 22), 0, -120, 140, (0,), 5)
    assert text_of(page, model) == "55"


@pytest.mark.parametrize("thick", [2, 6])
def test_a_box_around_everything_hides_nothing(samples: dict[int, Grey], model: Predictor, thick: int) -> None:
    page = page_of(samples, "472\n10")
    cv2.rectangle(page, (8, 8), (page.shape[1] - 9, page.shape[0] - 9), (0,), thick)
    assert text_of(page, model) == "472\n10"


def test_a_sheet_on_a_table(samples: dict[int, Grey], model: Predictor) -> None:
    table = np.full((500, 600), 70, np.uint8)
    sheet = page_of(samples, "86\n29")
    table[120 : 120 + sheet.shape[0], 150 : 150 + sheet.shape[1]] = sheet
    assert text_of(table, model) == "86\n29"


def test_ruled_lines_as_dark_as_the_pen(samples: dict[int, Grey], model: Predictor) -> None:
    page = page_of(samples, "7391\n5028")
    page[20::53] = 0
    assert text_of(page, model) == "7391\n5028"


def test_specks_and_dots_are_left_out(samples: dict[int, Grey], model: Predictor) -> None:
    page = page_of(samples, "3 8".replace(" ", ""), step=100)
    cv2.circle(page, (108, 82), 3, (0,), cv2.FILLED)  # 3.8
    assert text_of(page, model) == "38"


def boxed(samples: dict[int, Grey], text: str, draw: Callable[[Grey, int, int], None]) -> Grey:
    """A line of digits in cells of 70 x 84 pixels, around each of which something is printed."""
    page = np.full((170, 70 * len(text) + 100), 255, np.uint8)
    for at, digit in enumerate(text):
        put(page, samples[int(digit)], 57 + 70 * at, 54)
        draw(page, 50 + 70 * at, 120 + 70 * at)
    return page


def box(page: Grey, left: int, right: int) -> None:
    cv2.rectangle(page, (left, 40), (right, 124), (60,), 2)


def box_apart(page: Grey, left: int, right: int) -> None:
    box(page, left + 3, right - 3)


def tooth(page: Grey, left: int, right: int) -> None:
    cv2.polylines(page, [np.array([[left, 90], [left, 124], [right, 124], [right, 90]])], False, (60,), 2)


@pytest.mark.parametrize("draw", [box, box_apart, tooth])
def test_dividers_of_boxes_and_combs_are_no_ones(samples: dict[int, Grey], model: Predictor, draw: Any) -> None:
    assert text_of(boxed(samples, "314159", draw), model) == "314159"


@pytest.mark.parametrize("grey", [255, 128, 0])
def test_on_a_blank_page_there_is_nothing(model: Predictor, grey: int) -> None:
    assert text_of(np.full((300, 400), grey, np.uint8), model) == ""


def test_noise_alone_is_no_digit(model: Predictor) -> None:
    noise = np.random.default_rng(0).normal(200, 12, (300, 400)).clip(0, 255).astype(np.uint8)
    assert text_of(noise, model) == ""


def test_what_the_model_refuses_stands_as_a_question_mark(model: Predictor) -> None:
    page = np.full((160, 300), 255, np.uint8)
    for x in (110, 140, 170):  # crossed lines are no digit
        cv2.line(page, (x, 40), (280 - x, 120), (0,), 4)
    cv2.circle(page, (140, 80), 24, (0,), 4)
    (digit,) = read_pixels(page, model).tree()["digits"]
    assert digit["digit"] is None
    assert digit["guess"] in range(10)


def test_boxes_are_in_pixels_of_the_upright_picture(samples: dict[int, Grey], model: Predictor, tmp_path: Path) -> None:
    page = np.full((1400, 3000), 255, np.uint8)
    put(page, samples[7], 2000, 400, side=280)
    exif = Image.Exif()
    exif[0x0112] = 6  # stored turned by a quarter
    path = tmp_path / "page.jpg"
    Image.fromarray(np.rot90(page)).save(path, exif=exif, quality=95)
    read = read_page(path, model)
    assert read.text == "7"
    rows, columns = np.where(page < 128)
    drawn_at = [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
    assert np.abs(np.subtract(read.tree()["digits"][0]["box"], drawn_at)).max() <= 8


def test_every_kind_of_paper(part: Part, model: Predictor) -> None:
    """Chance has it that a digit of a page is misread; a kind of paper that cannot be read shows."""
    for kind in KINDS:
        pages = [compose(part, np.random.default_rng([7, at]), kind, touching=False) for at in range(2)]
        wrong = sum(distance(text_of(page.grey, model), page.text) for page in pages)
        assert wrong <= 2, kind


def mnist(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def file(samples: dict[int, Grey], tmp_path: Path) -> Path:
    path = tmp_path / "page.png"
    cv2.imwrite(str(path), page_of(samples, "12\n90"))
    return path


def test_predict_all_prints_the_text_and_nothing_else(file: Path) -> None:
    assert mnist("predict", "--all", file).stdout == "12\n90\n"


def test_predict_all_as_json(file: Path, tmp_path: Path) -> None:
    result = mnist("predict", "--all", "--json", file, tmp_path / "none.png")
    page, missing = (json.loads(line) for line in result.stdout.splitlines())
    assert page["text"] == "12\n90"
    assert [digit["digit"] for digit in page["digits"]] == [1, 2, 9, 0]
    assert all(len(digit["box"]) == 4 and 0 < digit["confidence"] <= 1 for digit in page["digits"])
    assert missing["digits"] == []
    assert "none.png" in missing["error"]
    assert result.exit_code == 2


def test_what_is_beyond_the_bound_of_a_page_is_said(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces_module, "MOST", 3)
    result = mnist("predict", "--all", "--json", file)
    page = json.loads(result.stdout)
    assert len(page["digits"]) == 3
    assert page["left_out"] == 1
    assert f"{file}: 1 shape left out, the smallest, beyond the 3 that" in result.stderr


def test_a_hostile_file_is_an_entry_and_not_the_end(tmp_path: Path, model: Predictor) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\1\0\0\0\1\0\0\x08\2\0\0\0" + bytes(40))
    page = read_page(path, model)
    assert page.error is not None
    assert page.tree()["text"] == ""


def test_save_draws_and_never_writes_over_a_file(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "read.png"
    assert mnist("predict", "--all", file, "--save", out).exit_code == 0
    picture = cv2.imread(str(out))
    assert picture is not None
    assert (picture.max(axis=2).astype(int) - picture.min(axis=2) > 50).any()  # boxes are coloured
    before = out.read_bytes()
    again = mnist("predict", "--all", file, "--save", out)
    assert again.exit_code == 2
    assert "is there already" in again.stderr
    assert out.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--all", "--save", "{tmp}/none/out.png"], "no such folder"),
        (["--all", "--save", "{tmp}/out.txt"], "--save writes"),
        (["--all", "--save", "{tmp}/" + "a" * 300 + ".png"], "File name too long"),
        (["--save", "{tmp}/out.png"], "goes with --all"),
        (["--all", "--csv"], "--all goes with"),
    ],
)
def test_what_cannot_be_is_refused_before_reading(file: Path, tmp_path: Path, words: Sequence[str], said: str) -> None:
    result = mnist("predict", file, *(word.format(tmp=tmp_path) for word in words))
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_tiny_page_is_drawn_large_enough_to_read(samples: dict[int, Grey], model: Predictor) -> None:
    small = cv2.resize(page_of(samples, "64"), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA).astype(np.uint8)
    assert max(drawn(small, read_pixels(small, model).lines).shape) >= 640
