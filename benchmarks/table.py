"""Repeated measurements as a Markdown table: medians, ranges, ratios within a round, targets met or missed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

# Of each variant and each figure, the values of all rounds.
Measured = Mapping[str, Mapping[str, Sequence[float]]]

HEAD = ("measured", "plain Keras", "here", "times less", "n", "target")


@dataclass(frozen=True)
class Row:
    """One line of a table: a figure of a variant, beside the same figure of a baseline where there is one."""

    label: str
    figure: str
    ours: str
    plain: str | None = None
    unit: str = " s"
    at_least: float | None = None
    """The smallest ratio that is asked for."""
    at_most: float | None = None
    """The largest value of ours that is asked for."""
    no_less: float | None = None
    """The smallest value of ours that is asked for."""

    def cells(self, measured: Measured) -> list[str]:
        """The line's cells."""
        ours = measured[self.ours][self.figure]
        cells = [self.label, "–", Spread.of(ours).text(self.unit), "–", str(len(ours)), self._verdict(Spread.of(ours))]
        if self.plain is not None:
            plain = measured[self.plain][self.figure]
            ratio = ratios(plain, ours)
            cells[1], cells[3] = Spread.of(plain).text(self.unit), ratio.text("x")
            if self.at_least is not None:
                cells[5] = f"at least {self.at_least:g}x: {_word(ratio.median >= self.at_least)}"
        return cells

    def _verdict(self, ours: "Spread") -> str:
        if self.no_less is not None:
            return f"at least {self.no_less:,.0f}{self.unit}: {_word(ours.median >= self.no_less)}"
        if self.at_most is None:
            return ""
        return f"at most {short(self.at_most)}{self.unit}: {_word(ours.median <= self.at_most)}"


@dataclass(frozen=True)
class Spread:
    """Median and range of n values."""

    median: float
    least: float
    most: float
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Median and range of at least one value."""
        return cls(median(values), min(values), max(values), len(values))

    def text(self, unit: str) -> str:
        """As it stands in a table."""
        middle = f"{short(self.median)}{unit}"
        return middle if self.n == 1 else f"{middle} ({short(self.least)} .. {short(self.most)})"


def ratios(plain: Sequence[float], ours: Sequence[float]) -> Spread:
    """How many times less ours is, round by round: what disturbs a round disturbs both sides of it."""
    return Spread.of([a / b for a, b in zip(plain, ours, strict=True)])


def short(value: float) -> str:
    """Three figures, without an exponent; a thousand and more with all of its figures before the point."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(rows: Sequence[Row], measured: Measured) -> str:
    """The rows of which both sides were measured."""
    there = [row for row in rows if row.ours in measured and (row.plain is None or row.plain in measured)]
    lines = [HEAD, ["---"] * len(HEAD), *(row.cells(measured) for row in there)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _word(met: bool) -> str:
    return "met" if met else "missed"
