"""What several tests of predictions share."""

import pytest

from mnist_pipeline.prediction.predictor import Predictor, predictor


@pytest.fixture(scope="session")
def model() -> Predictor:
    """The model that comes with the package."""
    return predictor("shipped")
