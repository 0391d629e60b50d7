"""The images that validate are the same share of every class, and a choice of the seed alone."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_pipeline import train
from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.data import Dataset, validation_indices
from mnist_pipeline.errors import DataError
from mnist_pipeline.runs.run import artifacts


def test_validation_takes_the_same_share_of_every_class(mnist: Dataset) -> None:
    labels = mnist.train.labels
    chosen = validation_indices(labels, 0.1, seed=0)
    counts = np.bincount(labels[chosen], minlength=10)
    assert counts.tolist() == [round(count * 0.1) for count in mnist.train.counts]
    assert chosen.dtype == np.int64
    assert (np.diff(chosen) > 0).all(), "sorted, and none twice"


def test_validation_is_the_seeds_alone(mnist: Dataset) -> None:
    first, again, other = (validation_indices(mnist.train.labels, 0.1, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert len(np.intersect1d(first, other)) < len(first) / 5
    digest = hashlib.sha256(first.astype("<i8").tobytes()).hexdigest()
    assert digest == "ed014f22e214aa5c81612313521b67e1fa9ecef896996f16f05cdeaec19ae8d8", (
        "other images validate than before: every number measured with validation changes"
    )


@pytest.mark.parametrize("labels", [np.arange(100, dtype=np.uint8) % 10, np.array([3], np.uint8)])
def test_no_share_is_no_indices(labels: NDArray[np.uint8]) -> None:
    chosen = validation_indices(labels, 0.0, seed=0)
    assert chosen.shape == (0,)
    assert chosen.dtype == np.int64


def test_half_is_half() -> None:
    labels = np.array([7] * 10 + [2] * 4, np.uint8)
    chosen = validation_indices(labels, 0.5, seed=9)
    assert np.bincount(labels[chosen], minlength=10)[[2, 7]].tolist() == [2, 5]


@pytest.mark.parametrize(("images", "share"), [(1, 0.5), (40, 0.1)])
def test_images_too_few_to_validate_on_are_refused(images: int, share: float) -> None:
    with pytest.raises(DataError, match=f"data.validation is {share}, .* among {images} training images is none"):
        validation_indices(np.arange(images, dtype=np.uint8) % 10, share, seed=0)


def test_images_too_few_to_validate_on_are_refused_before_a_run_is_begun(npz: Path) -> None:
    with pytest.raises(DataError, match="is none: use more images"):
        train(load_config("smoke", {"data.source": str(npz)}))
    assert not (artifacts() / "smoke").exists()
