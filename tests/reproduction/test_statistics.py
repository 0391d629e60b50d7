"""Mean, spread and Student's t, against tables and against what can be counted."""

import random

import pytest

from mnist_pipeline.reproduction.seeds import Summary, student_t


@pytest.mark.parametrize(
    ("probability", "freedom", "quantile"),
    [
        (0.975, 1, 12.7062), (0.975, 2, 4.3027), (0.975, 4, 2.7764), (0.975, 19, 2.0930), (0.975, 30, 2.0423),
        (0.975, 120, 1.9799), (0.995, 1, 63.6567), (0.9995, 1, 636.6192), (0.9995, 4, 8.6103),
        (0.9995, 19, 3.8834), (0.75, 2, 0.8165), (0.975, 5000, 1.9604),
    ],
)  # fmt: skip
def test_the_quantiles_are_those_of_the_tables(probability: float, freedom: int, quantile: float) -> None:
    assert student_t(probability, freedom) == pytest.approx(quantile, abs=6e-5)


def test_the_spread_is_over_n_minus_one() -> None:
    assert tuple(Summary.of([1, 2, 3, 4])) == pytest.approx((4, 2.5, 1.290994))


def test_one_value_has_neither_spread_nor_interval() -> None:
    assert Summary.of([0.97]) == (1, 0.97, None)
    assert Summary.of([0.97]).next_mean() is None


def test_the_interval_of_one_more_value() -> None:
    interval = Summary(20, 10, 1).next_mean()
    assert interval == pytest.approx((10 - 2.144711, 10 + 2.144711), abs=1e-5)  # 2.09302 * sqrt(1 + 1 / 20)


def test_the_mean_of_many_falls_nearer() -> None:
    interval = Summary(20, 10, 1).next_mean(n=5, level=0.95)
    assert interval == pytest.approx((10 - 1.046512, 10 + 1.046512), abs=1e-5)  # 2.0930 * sqrt(1 / 5 + 1 / 20)


def test_of_a_thousand_intervals_ninety_five_in_a_hundred_hold_the_next_value() -> None:
    chance = random.Random(0)
    held = 0
    for _ in range(1000):
        interval = Summary.of([chance.gauss(5, 2) for _ in range(5)]).next_mean()
        held += interval is not None and interval.low <= chance.gauss(5, 2) <= interval.high
    assert 930 <= held <= 970
