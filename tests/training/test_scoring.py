"""Scores are calibrated, and the threshold to refuse below is chosen so that few digits are lost by it."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.data import Part, load_part
from mnist_pipeline.pixels.preprocess import scale
from mnist_pipeline.training import models, scoring
from mnist_pipeline.training.scoring import balanced_threshold, choose_threshold, fold, sharpness
from tests.samples import Trainings


@pytest.fixture(scope="module")
def digits() -> Part:
    whole = load_part("mnist", "train")
    return Part(whole.images[:20], whole.labels[:20])


def softmax(scores: NDArray[np.float64]) -> NDArray[np.float32]:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def test_calibration_finds_the_factor_that_the_labels_were_drawn_by() -> None:
    random = np.random.default_rng(0)
    scores = random.normal(0, 2, (20_000, 10))
    labels = (scores + random.gumbel(size=scores.shape)).argmax(axis=1).astype(np.uint8)
    assert sharpness([softmax(scores * 3)], labels) == pytest.approx(1 / 3, rel=0.05)
    assert sharpness([softmax(scores)], labels) == pytest.approx(1, rel=0.05)
    assert sharpness([softmax(scores * 0.5)], labels) == sharpness([softmax(scores * 0.5)], labels)


@pytest.mark.usefixtures("tensorflow")
def test_a_factor_folded_in_scales_the_scores_and_nothing_else(digits: Part) -> None:
    model = models.build(load_config("smoke").model, seed=1)
    images = scale(digits.images)
    before = np.log(model(images).numpy().astype(np.float64))
    fold(model, 2.5)
    np.testing.assert_allclose(model(images).numpy(), softmax(before * 2.5), rtol=1e-4, atol=1e-6)


def test_the_threshold_refuses_one_and_a_half_times_the_share_of_digits_that_it_answers_of_pictures_of_none() -> None:
    digits, none = np.linspace(0.3, 1, 1000, dtype=np.float32), np.linspace(0.1, 0.5, 200, dtype=np.float32)
    threshold = balanced_threshold(digits, none)
    assert (digits < threshold).mean() == pytest.approx(1.5 * (none >= threshold).mean(), abs=0.01)


def test_the_threshold_lies_between_digits_and_pictures_of_none_that_differ() -> None:
    digits, none = np.full(50, 0.99, np.float32), np.full(1000, 0.2, np.float32)
    assert 0.2 < balanced_threshold(digits, none) <= 0.99


@pytest.mark.usefixtures("tensorflow")
def test_what_a_threshold_does_is_told(digits: Part, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "NEGATIVES", 30)
    config = load_config("photo", {"training.threads": 1})
    model = models.build(config.model, seed=0)
    told = choose_threshold(model, config, digits)
    assert (told["negatives"], told["digits"]) == (30, 20)
    assert 0.1 <= told["threshold"] < 0.5, "an untrained network is sure of nothing"
    assert told == choose_threshold(model, config, digits)


@pytest.mark.slow
def test_a_training_with_drawn_digits_is_calibrated_repeatable_and_says_when_to_refuse(
    trainings: Trainings, tmp_path: Path
) -> None:
    settings = ("training.epochs=2", "data.rendering.variants=1", "training.averaging.decay=0.9")
    first, again = (trainings.run(tmp_path / name, "photo", *settings) for name in ("first", "again"))
    assert first["weights_sha256"] == again["weights_sha256"]
    assert first["sharpness"] == again["sharpness"] > 0
    told = [json.loads((tmp_path / name / "photo" / "refusal.json").read_text()) for name in ("first", "again")]
    assert told[0] == told[1]
    assert told[0]["digits_refused"] == pytest.approx(1.5 * (1 - told[0]["negatives_refused"]), abs=0.005)
