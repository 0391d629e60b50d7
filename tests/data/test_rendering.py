"""Drawn digits are a function of seed, number and variant, look like digits, and an epoch takes its share of them."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_pipeline.config.data_schema import Rendering
from mnist_pipeline.data import Part, load_part
from mnist_pipeline.data.rendering import ink, letters, pool
from mnist_pipeline.data.rendering.pictures import (
    HELD_OUT,
    KINDS,
    DigitImages,
    Kind,
    _filled,
    draw_digit,
    draw_digit_28,
    draw_non_digit_28,
)  # fmt: skip
from mnist_pipeline.data.rendering.pool import (
    NO_DIGIT,
    PoolRows,
    draw_digits,
    draw_non_digits,
    draw_pool,
    generator,
    run_tasks,
)
from mnist_pipeline.data.rendering.strokes import Strokes, read_alphabets, write_digit, write_letter
from mnist_pipeline.errors import TrainingError
from mnist_pipeline.pixels.preprocess import find_digit

SETTINGS = Rendering(variants=2, negatives=0.25)


@pytest.fixture(scope="module")
def part() -> Part:
    whole = load_part("mnist", "train")
    return Part(whole.images[:40], whole.labels[:40])


@pytest.fixture(scope="module")
def drawn(part: Part) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    return draw_pool(part.images, part.labels, SETTINGS, processes=2)


def test_a_pool_holds_the_digits_their_drawings_and_pictures_of_no_digit(
    part: Part, drawn: tuple[NDArray[np.uint8], NDArray[np.uint8]]
) -> None:
    images, labels = drawn
    assert images.shape == (40 * 3 + 20, 28, 28)
    np.testing.assert_array_equal(images[:40], part.images)
    np.testing.assert_array_equal(labels[:120], np.tile(part.labels, 3))
    assert (labels[120:] == NO_DIGIT).all()
    assert len({image.tobytes() for image in images}) > 0.9 * len(images)


def test_what_is_drawn_does_not_depend_on_who_draws_it(
    part: Part, drawn: tuple[NDArray[np.uint8], NDArray[np.uint8]]
) -> None:
    again = draw_digits(part.images, part.labels, SETTINGS, [2], processes=1)
    np.testing.assert_array_equal(again, drawn[0][80:120])
    tasks = [
        {"images": part.images, "labels": part.labels, "numbers": numbers, "seed": SETTINGS.seed, "held_out": False}
        for numbers in ([0, 1], [2, 3, 4])
    ]
    in_processes = np.concatenate(run_tasks(tasks))
    np.testing.assert_array_equal(in_processes, drawn[0][120:125])


def test_a_process_that_ends_before_it_has_drawn_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "command", lambda _: ["false"])
    large = {"images": np.random.default_rng(0).integers(0, 256, (1000, 28, 28), np.uint8)}
    with pytest.raises(TrainingError, match="a process that draws them ended early"):
        run_tasks([large, large])


def test_a_script_without_a_main_guard_draws_in_processes(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "print('started')\n"
        "import numpy as np\n"
        "from mnist_pipeline.data.rendering.pool import run_tasks\n"
        "one = np.zeros((1, 28, 28), np.uint8)\n"
        "task = {'images': one, 'labels': one[0, 0, :1], 'numbers': [0], 'seed': 0, 'held_out': False}\n"
        "print(len(run_tasks([task, task])))\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert done.stdout == "started\n2\n"


def test_pictures_to_choose_by_are_not_those_trained_on(part: Part) -> None:
    digits = DigitImages(part.images, part.labels)
    trained = [draw_non_digit_28(digits, generator(0, number, 1_000_000), KINDS).tobytes() for number in range(10)]
    held_out = draw_non_digits(part.images, part.labels, 0, 10, processes=1, held_out=True)
    assert not {image.tobytes() for image in held_out} & set(trained)
    assert set(HELD_OUT) - set(KINDS)


def test_drawings_fill_the_box_of_mnist_and_differ_in_their_pens(part: Part) -> None:
    seen = np.array([draw_digit_28(part.images[3], 1, 0.5, generator(0, 3, variant)) for variant in range(40)])
    assert (seen[:, :2].max((1, 2)) < 128).mean() > 0.9
    assert (seen.max((1, 2)) > 180).all()
    inked = (seen > 127).sum((1, 2))
    assert inked.max() > 2 * inked.min()


@pytest.mark.parametrize("label", range(10))
def test_every_digit_can_be_drawn_from_strokes(label: int) -> None:
    pages = [draw_digit(np.zeros((28, 28), np.uint8), label, 1.0, generator(1, label, number)) for number in range(8)]
    assert all(page.dtype == np.uint8 and min(page.shape) >= 6 and np.ptp(page) > 30 for page in pages)
    assert all(max(page.shape) >= ink.FEWEST_OF_ALL for page in pages)


def test_digits_from_strokes_are_narrow_and_as_wide_as_tall() -> None:
    shapes = [np.ptp(np.concatenate(write_digit(8, generator(3, number, 0))), axis=0) for number in range(40)]
    ratios = [wide / high for wide, high in shapes]
    assert min(ratios) < 0.5
    assert max(ratios) > 0.9


def test_a_zero_from_strokes_may_be_open_but_not_to_the_right_as_a_c_is() -> None:
    gaps = []
    for number in range(100):
        oval = write_digit(0, generator(3, number, 0))[0]
        first, last = (np.array((oval[at, 0] / oval[:, 0].max() - 0.5, oval[at, 1] - 0.5)) for at in (0, -1))
        gaps.append(np.hypot(*(first - last)))
        assert gaps[-1] < 0.3 or (first + last)[1] < 0 or (first + last)[0] < 0.2
    assert max(gaps) > 0.3


def test_some_digits_have_fewer_pixels_than_any_picture_of_no_digit(part: Part) -> None:
    digits = DigitImages(part.images, part.labels)
    pages = [draw_digit(*(part.images[3], 1, 0.5), generator(3, number, 0)) for number in range(100)]
    others = [KINDS[0](digits, generator(3, number, 0)) for number in range(100)]
    assert min(max(page.shape) for page in pages) < 15
    assert min(max(page.shape) for page in others) >= 19


def test_some_strokes_are_hollow_and_leave_paper_between_their_edges(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _hollow(_SEVEN, 0.0, monkeypatch) < 0.1
    assert _hollow(_SEVEN, 1.0, monkeypatch) > 0.4


def test_a_bar_is_never_hollow_for_its_outline_would_be_a_0(monkeypatch: pytest.MonkeyPatch) -> None:
    bar = np.zeros((100, 100), np.uint8)
    bar[20:80, 50] = 255
    assert _hollow(bar, 1.0, monkeypatch) < 0.1


_SEVEN = np.zeros((100, 100), np.uint8)
cv2.polylines(_SEVEN, [np.array([(25, 20), (75, 20), (50, 80)])], False, 255)


def _hollow(lines: NDArray[np.uint8], share: float, monkeypatch: pytest.MonkeyPatch) -> float:
    """The share of pictures of these lines in which a row through the stem has paper between two edges."""
    monkeypatch.setattr(ink, "_HOLLOW", share)
    seen = [find_digit(ink.photograph_lines(lines, generator(3, number, 0))).pixels for number in range(40)]
    rows = np.array([pixels[18] for pixels in seen if pixels is not None]).astype(int)
    left, right = np.maximum.accumulate(rows, 1), np.maximum.accumulate(rows[:, ::-1], 1)[:, ::-1]
    return float((np.minimum(left, right) - rows > 60).any(1).mean())


def test_an_outline_is_filled() -> None:
    square: Strokes = [np.array([(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)], float)]
    page = _filled(lambda _: square)(DigitImages(*[np.zeros((1, 28, 28), np.uint8)] * 2), generator(3, 1, 0))
    paper = page[0, 0].astype(int)
    assert (np.abs(page.astype(int) - paper) > 30).mean() > 0.2


def test_a_mark_comes_to_a_letter_and_turning_keeps_its_size() -> None:
    one = ((("- 0,0 0,100 70,100",),),)
    marked = [letters.marked_letter(one, generator(3, number, 0)) for number in range(20)]
    assert {len(strokes) for strokes in marked} == {2, 3}
    turned = [letters.emblem(one, generator(3, number, 0))[0] for number in range(20)]
    assert all(0.7 < np.hypot(*(stroke[1] - stroke[0])) < 1.3 for stroke in turned)
    assert {bool(stroke[0, 1] < stroke[1, 1]) for stroke in turned} == {True, False}


@pytest.mark.parametrize("kind", dict.fromkeys([*KINDS, *HELD_OUT]))
def test_every_kind_of_no_digit_is_a_picture_in_which_something_is_found(kind: Kind, part: Part) -> None:
    pages = [kind(DigitImages(part.images, part.labels), generator(2, number, 0)) for number in range(12)]
    assert all(page.dtype == np.uint8 and min(page.shape) >= 8 and np.ptp(page) > 30 for page in pages)
    assert any(find_digit(page).reason is None for page in pages)


def test_a_picture_of_no_digit_in_which_nothing_is_found_is_noise(part: Part) -> None:
    blank = np.full((60, 60), 255, np.uint8)
    seen = draw_non_digit_28(DigitImages(part.images, part.labels), generator(2, 0, 0), [lambda *_: blank])
    assert seen.shape == (28, 28)
    assert np.ptp(seen) > 200


def test_some_letters_are_kept_apart_from_training_and_each_can_be_written() -> None:
    names = tuple(name for name in read_alphabets() if name != "digits")
    alphabets = letters.select_letters(names, held_out=False), letters.select_letters(names, held_out=True)
    for seen, unseen in zip(*alphabets, strict=True):
        assert not set(seen) & set(unseen)
        assert 0.1 < len(unseen) / len(seen + unseen) < 0.4
    for form in {form for alphabet in sum(alphabets, ()) for forms in alphabet for form in forms}:
        strokes = write_letter((form,), generator(0, 0, 0))
        assert strokes
        assert all(len(stroke) > 1 and (abs(stroke - 0.5) < 1.1).all() for stroke in strokes)


def test_an_epoch_takes_each_digit_once_and_its_share_of_pictures_of_no_digit() -> None:
    drawn = PoolRows(Rendering(variants=3, originals=0.25, negatives=0.1), 1000)
    rows = drawn.rows(np.random.default_rng(0))
    assert len(rows) == drawn.taken == 1100
    np.testing.assert_array_equal(np.sort(rows[:1000] % 1000), np.arange(1000))
    assert 0.2 < (rows[:1000] < 1000).mean() < 0.3
    assert rows[1000:].min() >= 4000
    assert rows[1000:].max() < 4300
    assert len(set(rows)) == 1100


def test_without_pictures_of_no_digit_there_are_none() -> None:
    drawn = PoolRows(Rendering(variants=1, negatives=0.0), 50)
    assert len(drawn.rows(np.random.default_rng(0))) == drawn.taken == 50
