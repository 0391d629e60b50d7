"""The digits that drawings are made of."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.rendering.glyphs import Random


class Originals(NamedTuple):
    """Images as MNIST has them, and what they show."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    def any(self, random: Random) -> NDArray[np.uint8]:
        """One of them."""
        image: NDArray[np.uint8] = self.images[random.integers(len(self.images))]
        return image

    def of(self, classes: Sequence[int], random: Random) -> NDArray[np.uint8]:
        """One of any of these classes, as often as they are written; any at all, when none is there."""
        chosen = np.flatnonzero(np.isin(self.labels, classes))
        return self.images[random.choice(chosen)] if len(chosen) else self.any(random)
