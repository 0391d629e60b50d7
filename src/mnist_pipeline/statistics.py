"""What a handful of runs says about the next one: mean, spread, and Student's t for honest intervals."""

import math
import statistics
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple


class Interval(NamedTuple):
    """From low to high, both included."""

    low: float
    high: float

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int | float) and self.low <= value <= self.high


class Summary(NamedTuple):
    """Mean and standard deviation (over n - 1) of n measured values; one value has no spread."""

    n: int
    mean: float
    sd: float | None

    @classmethod
    def of(cls, values: Sequence[float]) -> "Summary":
        """Of at least one value."""
        return cls(len(values), statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None)

    def next_mean(self, n: int = 1, level: float = 0.95) -> Interval | None:
        """Where the mean of n more runs falls with this probability; None from one value alone.

        Both the spread of the new runs and the doubt about the mean of the old ones count; the standard deviation
        is itself an estimate, hence Student's t and not the normal distribution.
        """
        if self.sd is None:
            return None
        half = student_t((1 + level) / 2, self.n - 1) * self.sd * math.sqrt(1 / n + 1 / self.n)
        return Interval(self.mean - half, self.mean + half)


@cache
def student_t(probability: float, freedom: int) -> float:
    """The quantile of Student's t distribution, found by halving."""
    if not 0 < probability < 1 or freedom < 1:
        raise ValueError("needs a probability between 0 and 1 and at least one degree of freedom")
    if probability < 0.5:
        return -student_t(1 - probability, freedom)
    low, high = 0.0, 1.0
    while _share_below(high, freedom) < probability:
        low, high = high, 2 * high
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if _share_below(middle, freedom) < probability else (low, middle)
    return high


def _share_below(t: float, freedom: int) -> float:
    """Student's t distribution function for t >= 0."""
    return 1 - _beta_share(freedom / (freedom + t * t), freedom / 2, 0.5) / 2


def _beta_share(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function."""
    if x in (0.0, 1.0):
        return x
    if x > (a + 1) / (a + b + 2):  # beyond it the fraction converges slowly, and its mirror image fast
        return 1 - _beta_share(1 - x, b, a)
    scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(scale) / (a * _fraction(x, a, b))


def _fraction(x: float, a: float, b: float) -> float:
    """Its continued fraction (Abramowitz and Stegun 26.5.8), from the inside out."""
    value = 1.0
    for m in range(200, 0, -1):
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        value = 1 + even / (1 + odd / value)
    return 1 - (a + b) * x / (a + 1) / value
