"""Repeated measurements in short: their median and range, and the ratios of what was measured side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Spread:
    """Median and range of n values."""

    median: float
    least: float
    most: float
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Of at least one value."""
        return cls(median(values), min(values), max(values), len(values))

    def text(self, unit: str) -> str:
        """As it stands in a table."""
        middle = f"{short(self.median)}{unit}"
        return middle if self.n == 1 else f"{middle} ({short(self.least)} .. {short(self.most)})"


def ratios(plain: Sequence[float], ours: Sequence[float]) -> Spread:
    """How many times less ours is, round by round: what disturbs a round disturbs both sides of it."""
    return Spread.of([a / b for a, b in zip(plain, ours, strict=True)])


def short(value: float) -> str:
    """Three figures, without an exponent."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
