"""Fifteen corruptions of the test images: their pixels, what is counted, and where the figures go."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_pipeline.data import Part, load_part
from mnist_pipeline.evaluation import robustness
from mnist_pipeline.evaluation.corruptions import CORRUPTIONS, corrupt, corrupted
from mnist_pipeline.evaluation.page import write_page
from mnist_pipeline.prediction.shipping import ShippedRun
from tests.commands import mnist
from tests.samples import pretend

# The pixels with which the documents measured: of ways that are plain arithmetic to the bit, and of those that OpenCV
# blurs or moves, whose last bits may hang on the processor, their sum.
EXACT = {
    "shot noise": "8c1e1253c1988579",
    "impulse noise": "dbcc4ce1ccd7d0ba",
    "brightness": "a9d5fdbf92e1896d",
    "stripe": "3845b810df8992da",
    "dotted line": "0c8c95dc8e0797e6",
    "zigzag": "13f109a34676645b",
}
SUMS = {
    "glass blur": 215_116,
    "motion blur": 215_280,
    "shear": 216_564,
    "scale": 105_176,
    "rotate": 216_108,
    "translate": 216_720,
    "fog": 653_993,
    "spatter": 244_503,
    "canny edges": 167_280,
}


def two() -> NDArray[np.uint8]:
    """A digit as MNIST would have it."""
    image: NDArray[np.uint8] = np.zeros((28, 28), np.uint8)
    image[5:8, 8:19] = image[12:15, 8:19] = image[20:23, 8:19] = 250
    image[5:15, 16:19] = image[12:23, 8:11] = 180
    return image


def pixels(way: str) -> NDArray[np.uint8]:
    """The digit corrupted by several seeds, of which each is another image's as well."""
    return np.stack([corrupt(two(), way, seed, number) for seed in (0, 3) for number in range(4)])


@pytest.mark.parametrize("way", EXACT)
def test_the_pixels_are_those_that_were_measured_with(way: str) -> None:
    assert hashlib.sha256(pixels(way).tobytes()).hexdigest()[:16] == EXACT[way]


@pytest.mark.parametrize("way", SUMS)
def test_the_ink_is_that_which_was_measured_with(way: str) -> None:
    assert int(pixels(way).sum()) == pytest.approx(SUMS[way], rel=1e-3)


def test_every_way_is_held_to_its_pixels_and_the_ways_are_fifteen() -> None:
    assert EXACT.keys() | SUMS.keys() == CORRUPTIONS.keys()
    assert len(CORRUPTIONS) == 15


def test_a_part_is_corrupted_image_by_image() -> None:
    images = np.stack([two(), two()])
    both = corrupted(images, "fog")
    assert np.array_equal(both[1], corrupt(two(), "fog", 0, 1))
    assert not np.array_equal(both[0], both[1])


class Doubting:
    """A model that takes every image for a 2, and refuses those with little ink."""

    threshold = 0.5

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Sure of the images with ink, and of no other."""
        sure = np.where(images.any(axis=(1, 2)), 0.9, 0.4)
        return np.stack([(1 - sure) / 2, (1 - sure) / 2, sure], axis=1).astype(np.float32)


def test_what_is_refused_counts_by_its_likeliest_class_and_is_told_beside() -> None:
    images = np.stack([two(), two(), np.zeros((28, 28), np.uint8), np.zeros((28, 28), np.uint8)])
    labels = np.array([2, 1, 2, 2], np.uint8)
    row = robustness._row("fog", Doubting(), images, labels)  # type: ignore[arg-type]
    assert row == {"corruption": "fog", "accuracy": 0.75, "refused": 0.5, "wrong": 0.25}
    row = robustness._row("fog", Doubting(), images[2:], labels[:2])  # type: ignore[arg-type]
    assert row == {"corruption": "fog", "accuracy": 0.5, "refused": 1.0, "wrong": 0.0}


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty test images in the place of all."""
    whole = load_part("mnist", "test")
    part = Part(whole.images[:30], whole.labels[:30])
    monkeypatch.setattr(robustness, "images_of", lambda _: part)
    monkeypatch.setattr(robustness, "images_for", lambda _: part)


@pytest.mark.usefixtures("few")
def test_the_figures_are_printed_kept_drawn_and_reported() -> None:
    run = pretend("mine")
    assert "Corruptions" not in write_page(run).read_text(encoding="utf-8")
    before = run.figures("evaluate")
    found = json.loads(mnist("evaluate", "mine", "--corruptions", "--json").stdout)
    assert [row["corruption"] for row in found["rows"]] == list(CORRUPTIONS)
    assert found["mean"] == pytest.approx(np.mean([row["accuracy"] for row in found["rows"]]))
    assert found["clean"] == 1.0
    kept = run.corruptions()
    assert kept is not None
    assert {name: kept[name] for name in ("n", "threshold", "rows", "mean")} == {
        "n": 30, "threshold": 0.5, "rows": found["rows"], "mean": found["mean"],
    }  # fmt: skip
    assert run.figures("evaluate") == before
    page = write_page(run).read_text(encoding="utf-8")
    assert '<section id="corruptions">' in page
    assert '<th scope="row">zigzag</th>' in page
    assert page.count("<img") == 6


@pytest.mark.usefixtures("few")
def test_the_shipped_model_is_measured_too_and_its_figures_lie_with_what_is_made_of_it() -> None:
    result = mnist("evaluate", "shipped", "--corruptions")
    assert result.exit_code == 0, result.output
    columns, first, *_ = result.stdout.splitlines()[2:]
    assert columns.split() == ["corruption", "right", "refused", "wrong"]
    assert first.startswith("shot noise")
    assert ShippedRun().corruptions() is not None
    assert (ShippedRun().plots / "corruptions.png").is_file()


@pytest.mark.usefixtures("few")
def test_a_model_file_is_measured_and_nothing_is_written_of_it(tmp_path: Path) -> None:
    run = pretend("mine")
    found = json.loads(mnist("evaluate", "--model", run.onnx_file, "--corruptions", "--json").stdout)
    assert found["model"] == str(run.onnx_file)
    assert len(found["rows"]) == 15
    assert run.corruptions() is None


def test_damaged_figures_are_refused_with_what_to_do() -> None:
    run = pretend("mine")
    run.add_metrics("corruptions", {"n": 30})
    result = mnist("report", str(run.path))
    assert result.exit_code == 2
    assert f"Measure again: mnist evaluate {run.path} --corruptions" in result.stderr
