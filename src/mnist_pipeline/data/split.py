"""Which of the training images validate: a seeded choice with the same share of every class."""

import numpy as np
from numpy.typing import NDArray


def validation_indices(labels: NDArray[np.uint8], share: float, seed: int) -> NDArray[np.int64]:
    """Sorted indices of the images kept apart: `share` of each class, rounded."""
    random = np.random.Generator(np.random.PCG64(seed))
    chosen = []
    for digit in range(10):
        members = np.flatnonzero(labels == digit)
        chosen.append(random.permutation(members)[: round(len(members) * share)])
    return np.sort(np.concatenate(chosen)).astype(np.int64)
