"""The plot of recipes over seeds: a dot for each run, a line for each reported number, a band for one more run."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import seaborn
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from mnist_pipeline.evaluation.plots.style import EDGE, HEAD, Colour, headline, panel, saved_figure

_ROW, _PANEL = 168, 84  # pixels: the height of a recipe's row, and of the panels in it


class Strip(NamedTuple):
    """One metric of one recipe over its runs, on an axis of its own."""

    title: str
    values: Sequence[float]  # one for each run
    interval: tuple[float, float] | None  # in which one more run falls with 95 %
    lines: Sequence[tuple[str, float]]  # the reported numbers, each with its source in words
    percent: bool  # whether the axis shows the values as percentages


def seeds(rows: Sequence[Sequence[Strip]], path: Path) -> None:
    """A row of strips for each recipe, one strip for each metric."""
    with saved_figure(path, 1200, HEAD + _ROW * len(rows)) as figure:
        note = "Each dot is a run. Shaded: where one more run falls with 95 %. Orange: what was reported."
        headline(figure, "Recipes over seeds", note)
        for down, row in enumerate(rows):
            width = (1200 - EDGE * (len(row) + 1)) // len(row)
            for across, strip in enumerate(row):
                left = EDGE + across * (width + EDGE)
                _strip(panel(figure, left, HEAD + 30 + down * _ROW, width, _PANEL), strip)


def _strip(axes: Axes, strip: Strip) -> None:
    if strip.interval:
        axes.axvspan(*strip.interval, color=Colour.SKY, alpha=0.25, linewidth=0)
    mean = sum(strip.values) / len(strip.values)
    axes.plot([mean, mean], [-1, 1], color=Colour.INK, linewidth=1.5)
    seaborn.swarmplot(x=strip.values, ax=axes, size=6.5, color=Colour.BLUE, alpha=0.75, warn_thresh=1)
    axes.set(title=strip.title, ylim=(-1.6, 2.6), yticks=[])
    axes.margins(x=0.08)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
    axes.tick_params(axis="x", color=Colour.MUTED, length=3)
    if strip.percent:
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.4g} %"))
    _reported(axes, strip.lines)


def _reported(axes: Axes, lines: Sequence[tuple[str, float]]) -> None:
    """A dashed line for each reported number, its words on the side that has room, each below the one before."""
    for _, value in lines:
        axes.axvline(value, color=Colour.ORANGE, linewidth=2, linestyle="--")
    left, right = axes.get_xlim()
    for down, (words, value) in enumerate(sorted(lines, key=lambda line: line[1])):
        turned = value > (left + right) / 2
        axes.annotate(
            words, (value, 1), xytext=(-4 if turned else 4, -2 - 12 * down), textcoords="offset points",
            xycoords=("data", "axes fraction"), color=Colour.ORANGE, va="top", ha="right" if turned else "left", size=9,
        )  # fmt: skip
