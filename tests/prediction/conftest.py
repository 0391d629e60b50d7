"""What several tests of predictions share."""

import pytest

from mnist_pipeline.data import Part, load_part
from mnist_pipeline.prediction.predictor import Predictor, predictor


@pytest.fixture(scope="session")
def model() -> Predictor:
    """The model that comes with the package."""
    return predictor("shipped")


@pytest.fixture(scope="session")
def part() -> Part:
    """The training images of MNIST."""
    return load_part("mnist", "train")
