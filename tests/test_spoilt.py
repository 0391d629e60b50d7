"""Pictures spoilt for measuring: still legible, the same for the same seed, and counted as what they are."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from benchmarks.corrupted import corrupted
from benchmarks.forms import FORMS, TURNED
from benchmarks.pages import composed
from benchmarks.scoring import Sample, Score, row, score
from benchmarks.spoiling import WAYS, Box, Grey, ink_box
from benchmarks.spoilt import in_folder, on_paper, spoilt
from mnist_pipeline.data import Part
from mnist_pipeline.evaluation.corruptions import CORRUPTIONS
from mnist_pipeline.prediction.prediction import Prediction
from mnist_pipeline.prediction.predictor import Predictor

INK = Box(30, 20, 16, 40)


def drawn() -> Grey:
    """A dark ring on light paper."""
    picture: Grey = np.full((80, 90), 240, np.uint8)
    picture[20:60, 30:46] = 40
    picture[30:54, 38:43] = 240
    return picture


def ring() -> Grey:
    """A zero as MNIST would have it."""
    picture: Grey = np.zeros((28, 28), np.uint8)
    picture[5:23, 8:20] = 250
    picture[9:19, 11:17] = 0
    return picture


def spoil(way: str, seed: int = 0) -> Grey:
    return next(spoilt([(Sample("a", drawn(), 1), INK)], way, seed)).picture


@pytest.mark.parametrize("way", WAYS)
def test_a_picture_is_spoilt_the_same_way_for_the_same_seed(way: str) -> None:
    assert spoil(way).dtype == np.uint8
    assert np.array_equal(spoil(way), spoil(way))


@pytest.mark.parametrize("way", [way for way in WAYS if way not in ("clean", "tight", "margin")])
def test_another_seed_spoils_another_way(way: str) -> None:
    assert not np.array_equal(spoil(way), spoil(way, 1))


@pytest.mark.parametrize(("way", "light"), [("shadow to 35 %, hard edge", 0.35), ("shadow to 20 %, hard edge", 0.2)])
def test_a_shadow_leaves_its_share_of_the_light_and_the_rest_alone(way: str, light: float) -> None:
    share = spoil(way) / drawn()
    assert np.isclose(share.min(), light, atol=0.03)
    assert np.isclose(share.max(), 1, atol=0.03)


def test_the_digit_stays_where_a_larger_sheet_is_laid_under() -> None:
    assert spoil("in a corner").shape == (800, 900)
    more = spoil("margin")
    assert more.shape == (124, 134)
    assert np.array_equal(more[22:-22, 22:-22], drawn())


def test_a_tight_crop_is_the_box_of_the_ink() -> None:
    assert ink_box(drawn()) == Box(29, 19, 18, 42)  # with its soft edge
    assert ink_box(255 - drawn()) == ink_box(drawn())
    assert np.array_equal(spoil("tight"), drawn()[20:60, 30:46])


def test_a_folder_is_read_with_the_digits_of_its_names() -> None:
    found = {sample.name: sample.label for sample, _ in in_folder(Path("examples"))}
    assert found["7.png"] == 7


def test_written_digits_have_their_box() -> None:
    bar = np.zeros((1, 28, 28), np.uint8)
    bar[:, 4:24, 10:18] = 255
    for sample, box in on_paper(Part(bar, np.array([1], np.uint8)), 1, 0):
        assert sample.label == 1
        inside = sample.picture[box.y : box.y + box.height, box.x : box.x + box.width]
        assert inside.mean() < sample.picture[: box.y].mean() - 50


class Saying:
    """A model that answers one after the other what it was told."""

    def __init__(self, answers: Sequence[Prediction]) -> None:
        self.answers = list(answers)

    def predict(self, path: Path) -> Prediction:
        assert path.is_file()
        return self.answers.pop(0)


def answer(digit: int | None, guess: int | None, confidence: float) -> Prediction:
    label, nearest = (None if one is None else str(one) for one in (digit, guess))
    return Prediction("a", digit, label, guess, nearest, confidence, model="model")


def test_answers_are_counted_and_failures_kept(tmp_path: Path) -> None:
    answers = [answer(3, 3, 0.9), answer(None, 3, 0.5), answer(None, None, 0.0), answer(4, 4, 0.9), answer(4, 4, 0.99)]
    samples = [Sample(f"{number}.png", drawn(), 3) for number in range(5)]
    found = score(cast(Predictor, Saying(answers)), samples, tmp_path)
    assert found == Score(n=5, right=1, guess=2, refused=2, wrong=2, surely_wrong=1)
    assert row("all", found) == "| all | 5 | 20.0% | 40.0% | 40.0% | 40.0% | 20.0% |"
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert kept[0] == "1-is-3-refused-guess-3.png"
    assert kept[-1] == "4-is-3-read-4.png"
    assert len(kept) == 4


def test_a_picture_of_no_digit_is_to_be_refused(tmp_path: Path) -> None:
    answers = [answer(None, 3, 0.5), answer(4, 4, 0.99)]
    samples = [Sample("a", drawn(), None), Sample("b", drawn(), None)]
    found = score(cast(Predictor, Saying(answers)), samples, tmp_path)
    assert found == Score(n=2, right=1, guess=1, refused=1, wrong=1, surely_wrong=1)
    assert [path.name for path in tmp_path.iterdir()] == ["b-is-None-read-4.png"]


@pytest.mark.parametrize("way", CORRUPTIONS)
def test_a_digit_is_corrupted_the_same_way_for_the_same_seed(way: str) -> None:
    part = Part(ring()[None], np.array([0], np.uint8))
    (first,), (again,) = (corrupted(part, way, 1, seed=3) for _ in range(2))
    assert first.picture.shape == (28, 28)
    assert first.label == 0
    assert np.array_equal(first.picture, again.picture)
    assert not np.array_equal(first.picture, ring())


@pytest.mark.parametrize("kind", [*FORMS, *TURNED])
def test_a_form_is_composed_the_same_for_the_same_seed(kind: str) -> None:
    part = Part(np.stack([ring(), ring().T]), np.array([0, 6], np.uint8))
    first, again = (composed(part, np.random.default_rng(5), kind) for _ in range(2))
    assert np.array_equal(first.grey, again.grey)
    assert first.kind == kind
    assert first.text == again.text
    assert set(first.text) <= set("06\n")


def test_a_row_of_boxes_has_a_divider_between_any_two_digits() -> None:
    dot: Grey = np.zeros((1, 28, 28), np.uint8)
    dot[:, 12:16, 12:16] = 255
    page = composed(Part(dot, np.zeros(1, np.uint8)), np.random.default_rng(1), "row of boxes")
    dark = (page.grey < page.grey.max() - 40).sum(axis=0)
    dividers = np.flatnonzero(np.diff((dark > dark.max() / 2).astype(int)) == 1)
    assert len(dividers) == len(page.text) + 1


def test_a_page_turned_round_is_the_page() -> None:
    part = Part(np.stack([ring()]), np.array([0], np.uint8))
    once, twice = (composed(part, np.random.default_rng(2), f"turned by {by} degrees").grey for by in (90, 180))
    assert np.array_equal(np.rot90(once), twice)
