"""Which of the training images validate: a seeded choice with the same share of every class."""

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.errors import DataError


def validation_indices(labels: NDArray[np.uint8], share: float, seed: int) -> NDArray[np.int64]:
    """Sorted indices of the images kept apart: `share` of each class, rounded."""
    random = np.random.Generator(np.random.PCG64(seed))
    chosen = []
    for digit in range(10):
        members = np.flatnonzero(labels == digit)
        chosen.append(random.permutation(members)[: round(len(members) * share)])
    indices = np.sort(np.concatenate(chosen)).astype(np.int64)
    if share and not len(indices):
        raise DataError(
            f"data.validation is {share:g}, and that share of each class among {len(labels):,} training images is "
            f"none: use more images, a larger share, or 0 with a recipe that watches no validation figure"
        )
    return indices
