"""Which of the drawings an epoch takes: of every digit one, or the digit as it came, and some pictures of no digit."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.config.schema import Rendering


@dataclass(frozen=True)
class Drawn:
    """Rows in memory: the digits as they came, then each variant of all digits, then the pictures of no digit."""

    digits: int
    variants: int
    originals: float
    negatives: int
    """Pictures of no digit in one epoch; there are `variants` times as many."""

    @classmethod
    def of(cls, rendering: Rendering, digits: int) -> "Drawn":
        """As the config has it for so many digits."""
        return cls(digits, rendering.variants, rendering.originals, round(rendering.negatives * digits))

    @property
    def taken(self) -> int:
        """Images in one epoch."""
        return self.digits + self.negatives

    def rows(self, random: np.random.Generator) -> NDArray[np.int32]:
        """The rows of one epoch, by its own generator."""
        variant = random.integers(1, self.variants + 1, self.digits)
        variant[random.random(self.digits) < self.originals] = 0
        none = random.choice(self.negatives * self.variants, self.negatives, replace=False)
        first_none = self.digits * (1 + self.variants)
        return np.concatenate([variant * self.digits + np.arange(self.digits), first_none + none]).astype(np.int32)
