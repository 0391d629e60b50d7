"""From a photo to the digit as MNIST would hold it: whatever surrounds it, the same strokes come out."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_pipeline.data import load_part
from mnist_pipeline.evaluation.corruptions import corrupt
from mnist_pipeline.pixels.ink import Step, find_ink, threshold_ink
from mnist_pipeline.pixels.light import (
    halves,
    ink_strength,
    lightness,
    local_ink_strength,
    mean_and_spread,
    mean_where,
    on_black,
    pen_and_paper,
)
from mnist_pipeline.pixels.lines import BEHIND_A_DIGIT, ON_A_PAGE, without_cell, without_lines
from mnist_pipeline.pixels.panels import outline_of, panel_area
from mnist_pipeline.pixels.pictures import read_grey
from mnist_pipeline.pixels.preprocess import NOTHING, SEVERAL, SIDE, find_digit, fit_digit
from mnist_pipeline.pixels.shapes import find_shapes

Grey = NDArray[np.uint8]
EXAMPLES = Path(__file__).parents[2] / "examples"
SHEET = 320  # pixels of each side of the pictures drawn here


@pytest.fixture(scope="module")
def digits() -> Grey:
    """One training image of each class."""
    part = load_part("mnist", "train")
    return np.stack([part.images[np.flatnonzero(part.labels == digit)[3]] for digit in range(10)])


def ink_of(digit: Grey, size: int = 170, x: int = 75, y: int = 75) -> NDArray[np.float32]:
    """A digit's strokes on a sheet, from 0 to 1, as crisp as a pen's."""
    large = cv2.resize(digit, (size, size), interpolation=cv2.INTER_CUBIC).astype(np.float32) / 255
    sheet = np.zeros((SHEET, SHEET), np.float32)
    sheet[y : y + size, x : x + size] = np.clip((large - 0.5) * size / 25 + 0.5, 0, 1)
    return sheet


def drawn(paper: NDArray[np.float32] | float, strokes: NDArray[np.float32], pen: float = 40) -> Grey:
    """Strokes on paper, photographed with some noise."""
    noise = np.random.default_rng(0).normal(0, 3, strokes.shape)
    return np.clip(paper * (1 - strokes) + pen * strokes + noise, 0, 255).astype(np.uint8)


def slope(low: float, high: float) -> NDArray[np.float32]:
    """Paper that is lit from a corner."""
    down, right = np.mgrid[0:SHEET, 0:SHEET] / (2 * SHEET)
    return np.asarray(low + (high - low) * (down + right), np.float32)


def lines(gap: int, lean: float, both: bool = False, width: int = 2) -> NDArray[np.float32]:
    """Ruled lines, or squares, on a sheet."""
    sheet = np.zeros((SHEET, SHEET), np.float32)
    for at in range(-SHEET, 2 * SHEET, gap):
        cv2.line(sheet, (-9, at), (SHEET + 9, round(at + lean * SHEET)), 1, width)
        if both:
            cv2.line(sheet, (at, -9), (round(at - lean * SHEET), SHEET + 9), 1, width)
    return sheet


def rectangle(inset: int, width: int) -> NDArray[np.float32]:
    """A frame around the sheet; filled for a negative width."""
    sheet = np.zeros((SHEET, SHEET), np.float32)
    cv2.rectangle(sheet, (inset, inset), (SHEET - inset, SHEET - inset), 1, width)
    return sheet


def _on_table(digit: Grey) -> Grey:
    turn = cv2.getRotationMatrix2D((SHEET / 2, SHEET / 2), 12, 1)
    sheet = cv2.warpAffine(rectangle(50, -1), turn, (SHEET, SHEET))
    return drawn(60 + 170 * sheet.astype(np.float32), ink_of(digit, 150, 85, 85), 25)


def _in_shadow(digit: Grey) -> Grey:
    shade = np.zeros((SHEET, SHEET), np.float32)
    shade[:, : SHEET // 3] = 1
    return drawn(220 - 70 * cv2.GaussianBlur(shade, (0, 0), 4).astype(np.float32), ink_of(digit), 25)


def _in_shade(digit: Grey, paper: int, pen: int, soft: float, light: float = 0.2) -> Grey:
    """Over half of the digit, light falls to a share of what it is."""
    down, right = np.mgrid[0:SHEET, 0:SHEET] / SHEET
    shade = np.asarray(cv2.GaussianBlur((right - 0.4 * down > 0.3).astype(np.float32), (0, 0), soft))
    lit: Grey = np.clip(drawn(paper, ink_of(digit), pen) * (1 - (1 - light) * shade), 0, 255).astype(np.uint8)
    return lit


def _tight(digit: Grey) -> Grey:
    """Cut out along the ink, in bold, as a scanner's form cells are."""
    strokes = np.asarray(cv2.dilate(ink_of(digit, 240, 40, 40), np.ones((9, 9))), np.float32)
    x, y, width, height = cv2.boundingRect((strokes > 0.5).astype(np.uint8))
    return drawn(230, strokes)[y : y + height, x : x + width]


def _squared_in_shadow(digit: Grey) -> Grey:
    down, right = np.mgrid[0:SHEET, 0:SHEET] / SHEET
    shade = cv2.GaussianBlur((right + 0.7 * down > 1.4).astype(np.float32), (0, 0), 5).astype(np.float32)
    return drawn((215 - 55 * lines(34, 0.03, both=True)) * (1 - 0.35 * shade), ink_of(digit), 55)


def _in_a_comb(digit: Grey) -> Grey:
    """Above a line, between two teeth that are half as tall as the digit."""
    strokes = ink_of(digit)
    cv2.polylines(strokes, [np.array([[66, 160], [66, 250], [254, 250], [254, 160]])], False, 1, 4)
    return drawn(230, strokes)


def _in_a_corner_of_a_frame(digit: Grey) -> Grey:
    """Two sides of a frame, a little aslant, that end before the picture does."""
    strokes = ink_of(digit, 120, 90, 110)
    cv2.polylines(strokes, [np.array([[24, 30], [262, 26], [256, 282]])], False, 1, 10)
    return drawn(230, strokes)


def _beside_a_pen(digit: Grey) -> Grey:
    strokes = ink_of(digit, 170, 20, 75)
    cv2.line(strokes, (250, 30), (290, 280), 1, 14)
    return drawn(230, strokes)


def _beside_a_shining_pen(digit: Grey) -> Grey:
    """From border to border, with light all along it: the light is a straight stroke, lighter than all else."""
    strokes = ink_of(digit, 130, 30, 95)
    cv2.line(strokes, (230, -9), (270, SHEET + 9), 0.9, 26)
    picture = drawn(170, strokes)
    cv2.line(picture, (230, -9), (270, SHEET + 9), 235, 6)
    return picture


def _small_beside_a_pen(digit: Grey) -> Grey:
    strokes = ink_of(digit, 80, 60, 120)
    cv2.line(strokes, (230, 60), (255, SHEET + 9), 1, 36)
    return drawn(230, strokes)


def _on_a_squared_sheet(digit: Grey) -> Grey:
    """The squares end before the picture does, as on a sheet on a table."""
    squares = lines(60, 0.04, both=True)
    squares[:30], squares[-30:], squares[:, :40], squares[:, -20:] = 0, 0, 0, 0
    return drawn(210 - 90 * squares, ink_of(digit))


def _specked(digit: Grey) -> Grey:
    sheet = ink_of(digit)
    for x, y in np.random.default_rng(1).integers(5, SHEET - 5, (30, 2)):
        if not 60 < x < 260 or not 60 < y < 260:
            cv2.circle(sheet, (int(x), int(y)), 2, 1, -1)
    return drawn(230, sheet)


SURROUNDINGS: dict[str, Callable[[Grey], Grey]] = {
    "28 x 28, dark on light": lambda digit: 255 - digit,
    "enlarged ten times": lambda digit: np.kron(digit, np.ones((10, 10), np.uint8)),
    "uneven light": lambda digit: drawn(slope(110, 245), ink_of(digit)),
    "a hard shadow": _in_shadow,
    "a hard shadow to a fifth": lambda digit: _in_shade(digit, 220, 30, 0.8),
    "a soft shadow to a fifth": lambda digit: _in_shade(digit, 220, 30, 15),
    "a shadow on a board": lambda digit: _in_shade(digit, 60, 230, 0.8, 0.5),
    "a tight crop, bold": _tight,
    "a tight crop, bold, light on dark": lambda digit: 255 - _tight(digit),
    "faint squares": lambda digit: drawn(210 - 50 * lines(45, 0.04, both=True), ink_of(digit)),
    "ruled as dark as the pen": lambda digit: drawn(220 * (1 - 0.8 * lines(60, 0.03)), ink_of(digit)),
    "faint squares in a shadow": _squared_in_shadow,
    "a frame": lambda digit: drawn(230, np.maximum(ink_of(digit), rectangle(12, 10))),
    "a box": lambda digit: drawn(230, np.maximum(ink_of(digit), rectangle(55, 4))),
    "a comb's teeth": _in_a_comb,
    "a corner of a frame": _in_a_corner_of_a_frame,
    "a pen beside it": _beside_a_pen,
    "a pen that shines beside it": _beside_a_shining_pen,
    "small, beside a broad pen": _small_beside_a_pen,
    "a squared sheet": _on_a_squared_sheet,
    "a sheet on a table": _on_table,
    "a sign, light on dark": lambda digit: 255 - drawn(30 + 170 * rectangle(40, -1), ink_of(digit, 200, 60, 60), 20),
    "chalk on a board": lambda digit: 255 - drawn(slope(180, 210), ink_of(digit)),
    "specks": _specked,
    "far away": lambda digit: drawn(220, ink_of(digit, 70, 200, 30)),
    "pencil": lambda digit: drawn(slope(200, 230), ink_of(digit), 170),
}


def likeness(one: Grey, other: Grey) -> float:
    """The correlation of two pictures, at the best of the nine places a pixel apart."""
    places = [np.roll(other, (down, right), (0, 1)) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    return max(float(np.corrcoef(one.ravel(), place.ravel())[0, 1]) for place in places)


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_the_same_strokes_come_out_whatever_is_around_them(name: str, digits: Grey) -> None:
    for number, digit in enumerate(digits):
        seen = find_digit(SURROUNDINGS[name](digit))
        assert seen.reason is None, number
        assert seen.pixels is not None
        assert likeness(seen.pixels, digit) > 0.8, number


def test_a_digit_that_touches_its_box_is_cut_free(digits: Grey) -> None:
    strokes = ink_of(digits[7])
    x, y, width, height = cv2.boundingRect((strokes > 0.5).astype(np.uint8))
    strokes[y + height // 10 :][:5, 66 : x + width // 2] = 1  # its bar is long
    free = find_digit(drawn(230, strokes))
    strokes[y + height // 10 :][:5, 60:70] = 1  # and runs into the box
    boxed = find_digit(drawn(230, np.maximum(strokes, rectangle(60, 4))))
    assert free.pixels is not None
    assert boxed.pixels is not None
    assert likeness(boxed.pixels, free.pixels) > 0.9


@pytest.mark.parametrize("number", [3829, 4841, 9692, 19293])
def test_the_round_foot_of_a_small_digit_is_no_cell(number: int) -> None:
    digit = load_part("mnist", "train").images[number]
    enlarged = 255 - np.kron(digit, np.ones((10, 10), np.uint8))
    small = find_digit(np.pad(enlarged, ((120, 300), (260, 90)), constant_values=255))
    assert small.pixels is not None
    assert likeness(small.pixels, digit) > 0.9


def test_a_strip_too_narrow_to_write_on_is_no_panel() -> None:
    strip = np.zeros((106, 256), np.uint8)
    strip[40:56, 2:254] = 1
    strip[45:51, 90:160] = 0
    found = find_shapes(strip)
    assert panel_area(outline_of(found, found.largest)) is None


@pytest.mark.parametrize(("way", "least"), [("stripe", 28), ("fog", 22)])
def test_digits_of_few_pixels_come_out_of_stripes_and_fog(way: str, least: int) -> None:
    images = load_part("mnist", "train").images[:50]
    seen = [find_digit(corrupt(image, way, 0, number)) for number, image in enumerate(images)]
    alike = [
        one.pixels is not None and likeness(one.pixels, image) > 0.8 for one, image in zip(seen, images, strict=True)
    ]
    assert sum(alike) >= least


def test_mnist_images_stay_what_they_are() -> None:
    images = load_part("mnist", "train").images[:300]
    seen = [find_digit(image) for image in images]
    assert all(one.reason is None for one in seen)
    changes = [np.abs(one.pixels.astype(int) - image).mean() for one, image in zip(seen, images, strict=True)]  # type: ignore[union-attr]
    assert np.mean(changes) < 10  # of 255: a shift by less than a pixel, a little softness


def test_it_fits_mnist_s_own_box_and_middle(digits: Grey) -> None:
    for digit in digits:
        pixels = find_digit(drawn(220, ink_of(digit, 200, 100, 20))).pixels
        assert pixels is not None
        assert pixels.shape == (SIDE, SIDE)
        assert pixels.max() == 255
        _, _, width, height = cv2.boundingRect((pixels > 40).astype(np.uint8))
        assert 18 <= max(width, height) <= 20
        mass = cv2.moments(pixels)
        assert mass["m10"] / mass["m00"] == pytest.approx(14, abs=0.6)
        assert mass["m01"] / mass["m00"] == pytest.approx(14, abs=0.6)


@pytest.mark.parametrize("grey", [np.full((80, 120), 255), np.full((64, 64), 0), np.full((300, 200), 131)])
def test_a_blank_picture_holds_nothing(grey: NDArray[np.int64]) -> None:
    seen = find_digit(grey.astype(np.uint8))
    assert (seen.pixels, seen.reason) == (None, NOTHING)


def test_uneven_light_alone_is_no_ink() -> None:
    assert find_digit(drawn(slope(100, 240), np.zeros((SHEET, SHEET), np.float32))).reason == NOTHING


def test_two_digits_are_said_to_be_several(digits: Grey) -> None:
    strokes = ink_of(digits[4], 130, 20, 90) + ink_of(digits[2], 130, 170, 90)
    seen = find_digit(drawn(225, strokes))
    assert seen.reason == SEVERAL
    assert seen.pixels is not None  # the guess has something to go by


def test_digits_that_stand_right_at_the_border_are_several() -> None:
    """If what ends 3 pixels before the border came in from there, the middle one alone would be answered."""
    seven, two = (read_grey(EXAMPLES / name, 280) for name in ("7.png", "2-on-paper.png"))
    strip = np.hstack([255 - seven, cv2.resize(two, seven.shape), 255 - seven])
    assert find_digit(strip.astype(np.uint8)).reason == SEVERAL


def test_two_tall_strokes_side_by_side_are_no_digit() -> None:
    strokes = np.zeros((SHEET, SHEET), np.float32)
    cv2.line(strokes, (110, 100), (140, 220), 1, 9)
    cv2.line(strokes, (200, 100), (160, 220), 1, 9)
    assert find_digit(drawn(225, strokes)).reason == SEVERAL


def test_a_bar_that_stands_off_its_five_belongs_to_it() -> None:
    strokes = np.zeros((SHEET, SHEET), np.float32)
    points = np.array([[130, 150], [180, 150], [200, 190], [180, 230], [125, 235]])
    cv2.polylines(strokes, [points], False, 1, 9)
    alone = find_digit(drawn(225, strokes)).pixels
    cv2.line(strokes, (135, 122), (200, 118), 1, 9)
    whole = find_digit(drawn(225, strokes)).pixels
    assert alone is not None
    assert whole is not None
    assert whole[:8].any()
    assert likeness(alone, whole) < 0.8


def test_what_enters_from_the_border_is_not_part_of_the_digit(digits: Grey) -> None:
    alone = find_digit(drawn(225, ink_of(digits[3])))
    strokes = ink_of(digits[3])
    cv2.line(strokes, (0, 20), (SHEET, 45), 1, 12)
    cv2.line(strokes, (300, 0), (290, SHEET), 1, 12)
    seen = find_digit(drawn(225, strokes))
    assert alone.pixels is not None
    assert seen.pixels is not None
    assert likeness(alone.pixels, seen.pixels) > 0.95


@pytest.mark.parametrize("number", [0, 4, 7, 9])
def test_the_end_of_a_pen_is_no_digit_beside_one_that_is_cut_close(number: int, digits: Grey) -> None:
    strokes = ink_of(digits[number], 200, 10, 30)
    alone = find_digit(drawn(230, strokes))
    _, y, _, height = cv2.boundingRect((strokes > 0.5).astype(np.uint8))
    cv2.line(strokes, (265, 80), (275, SHEET), 1, 50)
    seen = find_digit(drawn(230, strokes)[: y + height])
    assert seen.reason is None
    assert alone.pixels is not None
    assert seen.pixels is not None
    assert likeness(alone.pixels, seen.pixels) > 0.95


def test_inversion_can_be_forced(digits: Grey) -> None:
    two = digits[2]  # what a 0 encloses is nearly one itself
    picture = drawn(225, ink_of(two))
    assert find_digit(picture, "yes").inverted is True
    forced = find_digit(picture, "no")
    assert forced.inverted is False
    assert find_digit(picture).pixels is not None
    assert forced.pixels is None or likeness(forced.pixels, two) < 0.7


def test_every_step_can_be_looked_at(digits: Grey) -> None:
    steps: list[Step] = []
    find_digit(drawn(220 * (1 - 0.8 * lines(60, 0.03)), ink_of(digits[6])), steps=steps)
    names = ["ink, evenly lit", "above the threshold", "without ruled lines", "the digit alone"]
    assert [name for name, _ in steps] == names
    assert all(picture.dtype == np.uint8 and picture.any() for _, picture in steps)


def test_polarity_goes_by_paper_not_by_the_border_alone(digits: Grey) -> None:
    dark = drawn(225, ink_of(digits[8]))
    assert lightness(halves(dark)[1]) > 1
    assert lightness(halves(255 - dark)[1]) < 1
    dark_border = ink_of(digits[8])
    dark_border[:, :3] = dark_border[:3] = 1
    assert lightness(halves(drawn(225, dark_border))[1]) > 1


def test_means_by_sums_are_those_of_opencv() -> None:
    seeded = np.random.default_rng(0)
    for height, width in seeded.integers(1, 200, (100, 2)):
        grey = seeded.integers(0, 256, (height, width), np.uint8)
        mask = (seeded.random((height, width)) < seeded.random()).astype(np.uint8)
        mean, spread = (value.item() for value in cv2.meanStdDev(grey, mask=mask))
        assert mean_where(mask, grey) == pytest.approx(mean, rel=1e-12)
        assert mean_and_spread(mask, grey) == pytest.approx((mean, spread), rel=1e-12)
        assert pen_and_paper(mask, grey) == (mean_where(mask, grey), *mean_and_spread(1 - mask, grey))


def test_on_a_black_border_no_picture_is_a_sheet() -> None:
    seeded = np.random.default_rng(0)
    for height, width in seeded.integers(3, 100, (100, 2)):
        grey = np.pad(seeded.integers(0, 256, (height, width), np.uint8), 1)
        assert on_black(grey)
        assert lightness(halves(grey)[1]) <= 1
        grey[-1, width // 2] = 1
        assert not on_black(grey)


def test_one_shape_is_told_by_its_edge_and_several_are_numbered() -> None:
    seeded = np.random.default_rng(0)
    alone = 0
    for height, width in seeded.integers(6, 60, (300, 2)):
        marks = (cv2.GaussianBlur(seeded.random((height, width)), (0, 0), seeded.uniform(1, 5)) > 0.5).astype(np.uint8)
        count, _, rows, _ = cv2.connectedComponentsWithStats(marks, connectivity=8)
        found = find_shapes(marks)
        assert (found.edge is not None) == (count == 2 and max(rows[1, 2:4]) >= 3)
        for number, row in zip(found.numbers, found.rows, strict=True):
            assert row.tolist() in rows[1:].tolist()
            assert np.count_nonzero(found.labels == number) == row[4]
        alone += found.edge is not None
    assert 20 < alone < 280


def test_a_dot_within_a_ring_is_a_second_shape() -> None:
    ring = np.zeros((60, 60), np.uint8)
    cv2.circle(ring, (30, 30), 20, (1,), 4)
    assert find_shapes(ring).edge is not None
    cv2.circle(ring, (30, 30), 4, (1,), -1)
    assert len(find_shapes(ring).rows) == 2


def test_light_is_divided_out_and_the_ink_is_left(digits: Grey) -> None:
    strokes = ink_of(digits[5])
    picture = drawn(220, strokes, 30)
    picture[:, : SHEET // 2] //= 3
    strength = local_ink_strength(picture, inverted=True, around=0.25, darkest=8)
    assert np.median(strength[strokes == 0]) < 15
    assert np.percentile(strength[strokes == 1], 5) > 150


def test_faint_lines_stay_below_the_threshold(digits: Grey) -> None:
    strokes, faint = ink_of(digits[2]), lines(45, 0.02, both=True)
    picture = drawn(215 - 45 * faint, strokes)
    marks = threshold_ink(ink_strength(picture, *halves(picture))[0])
    assert marks[(faint > 0) & (strokes == 0)].mean() < 0.05
    assert marks[strokes == 1].mean() > 0.95


def test_lines_are_taken_out_and_strokes_across_them_left() -> None:
    marks = lines(50, 0.02).astype(np.uint8)
    marks[60:260, 150:162] = 1
    clean = without_lines(marks, BEHIND_A_DIGIT)
    assert clean[60:260, 150:162].mean() > 0.97
    assert clean.sum() < 1.1 * 200 * 12


@pytest.mark.parametrize("lean", [0, 20])
def test_the_upright_lines_of_a_squared_page_go_whole(lean: int) -> None:
    marks = np.zeros((828, 1030), np.uint8)
    for at in range(-10, 1100, 50):
        cv2.line(marks, (0, at), (1029, at + lean), (1,))
        cv2.line(marks, (at, 0), (at - lean, 827), (1,))
    marks[420:460, 500:506] = 1
    assert without_lines(marks, ON_A_PAGE).sum() < 1.5 * 40 * 6  # and not dashes between the level lines


@pytest.mark.parametrize("thick", [9, 12])
def test_a_row_of_boxes_goes_also_where_its_lines_are_bold(thick: int) -> None:
    strokes, boxes = np.zeros((2, 390, 652), np.uint8)
    for left in range(110, 480, 72):
        cv2.rectangle(boxes, (left, 130), (left + 72, 270), (1,), thick)
        cv2.ellipse(strokes, (left + 40, 205), (18, 40), 0, 0, 360, (1,), 6)
    clean = without_lines(strokes | boxes, ON_A_PAGE)
    assert clean[strokes > 0].mean() > 0.98
    assert clean.sum() < 1.03 * strokes.sum()


@pytest.mark.parametrize("ruled", [False, True])
def test_lines_of_a_sheet_are_looked_for_only_where_ink_is_partly_faint(
    ruled: bool, digits: Grey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search takes longer than all else that is done with a small picture."""
    looked = list[bool]()
    monkeypatch.setattr("mnist_pipeline.pixels.lines._printed_lines", lambda *_: looked.append(True))
    for digit in digits:
        strokes = np.zeros((96, 96), np.float32)
        strokes[20:76, 20:76] = cv2.resize(digit, (56, 56), interpolation=cv2.INTER_CUBIC) / np.float32(255)
        paper = np.full_like(strokes, 225)
        paper[30:90:15, 4:92] = 165 if ruled else 225
        find_ink(drawn(paper, strokes), "auto", [])
    assert bool(looked) == ruled


def test_a_stroke_from_border_to_border_is_a_digit_s_when_nothing_else_is_there() -> None:
    marks = np.zeros((120, 60), np.uint8)
    marks[:, 26:30] = 1
    assert without_lines(marks, BEHIND_A_DIGIT) is marks


def test_a_hair_line_is_as_wide_as_a_pen_after_fitting() -> None:
    strokes = np.zeros((256, 256), np.uint8)
    strokes[20:236, 128] = 1
    pixels = fit_digit(strokes * 200, strokes)
    assert 2 <= (pixels[14] > 100).sum() <= 4


@pytest.mark.parametrize("around", ["nothing", "lines", "box", "comb"])
@pytest.mark.parametrize("size", [100, 170, 300])
def test_lines_and_cells_that_are_not_looked_for_at_length_are_none(digits: Grey, around: str, size: int) -> None:
    """Most digits are told from both by a quick look, which must not pass over any."""
    for digit in digits:
        strokes = ink_of(digit, size, (SHEET - size) // 2, (SHEET - size) // 2)
        low, high = (SHEET - size) // 2 - 5, (SHEET + size) // 2 + 4
        if around == "lines":
            strokes[40::90] = strokes[41::90] = 1
        elif around != "nothing":
            cv2.rectangle(strokes, (low, low if around == "box" else 160), (high, high), (1,), 3)
        if around == "comb":
            strokes[158:162] = ink_of(digit, size, (SHEET - size) // 2, (SHEET - size) // 2)[158:162]
        steps: list[Step] = []
        ink, found = find_ink(drawn(230, strokes), "auto", steps)
        marks = dict(steps)["above the threshold"] // 255
        lineless = without_lines(marks, BEHIND_A_DIGIT)
        clean = without_cell(lineless, find_shapes(lineless))
        assert (ink.marks == clean).all()
        assert (found.rows == find_shapes(clean).rows).all()
