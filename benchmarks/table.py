"""Measurements as a Markdown table, each row with its target and whether it was met."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.spread import Spread, ratios, short

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

    def _verdict(self, ours: Spread) -> str:
        if self.no_less is not None:
            return f"at least {self.no_less:,.0f}{self.unit}: {_word(ours.median >= self.no_less)}"
        if self.at_most is None:
            return ""
        return f"at most {short(self.at_most)}{self.unit}: {_word(ours.median <= self.at_most)}"


def table(rows: Sequence[Row], measured: Measured) -> str:
    """Those rows of which both sides were measured."""
    there = [row for row in rows if row.ours in measured and (row.plain is None or row.plain in measured)]
    lines = [HEAD, ["---"] * len(HEAD), *(row.cells(measured) for row in there)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _word(met: bool) -> str:
    return "met" if met else "missed"
