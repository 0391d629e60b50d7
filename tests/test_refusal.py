"""When to refuse is chosen so that few digits are lost by it."""

import json
from pathlib import Path

import numpy as np
import pytest

from mnist_pipeline.config import load_config
from mnist_pipeline.data import Part, load_part
from mnist_pipeline.training import confidence, models
from mnist_pipeline.training.confidence import highest
from tests.samples import Trainings


def test_the_threshold_is_as_high_as_the_digits_that_are_read_right_can_bear() -> None:
    sure = np.linspace(0.3, 1, 1000, dtype=np.float32)
    assert (sure < highest(sure)).mean() == pytest.approx(0.02, abs=0.0015)
    assert highest(np.full(1000, 0.99, np.float32)) == pytest.approx(0.99)


@pytest.mark.usefixtures("tensorflow")
def test_what_a_threshold_does_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confidence, "_NEGATIVES", 30)
    whole = load_part("mnist", "train")
    config = load_config("photo", {"training.threads": 1})
    model = models.build(config.model, seed=0)
    part = Part(whole.images[:60], whole.labels[:60])
    told = confidence.choose_threshold(model, config, part, np.arange(20))
    assert (told["negatives"], told["digits"]) == (30, 20)
    assert 0.1 <= told["threshold"] < 0.5, "an untrained network is sure of nothing"
    assert told == confidence.choose_threshold(model, config, part, np.arange(20))


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
    right = told[0]["digits_right"] * told[0]["digits"]
    assert told[0]["digits_refused"] <= 0.02 + 1 / right, "the one more that a share of few digits comes to"
