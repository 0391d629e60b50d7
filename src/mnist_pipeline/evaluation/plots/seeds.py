"""The picture of recipes over seeds: every dot a run, what was reported as lines, where one more run falls."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from mnist_pipeline.evaluation.plots.style import BLUE, EDGE, HEAD, INK, MUTED, ORANGE, SKY, headline, panel, picture

_ROW = 168  # pixels that a recipe takes
_DRAWN = 84  # of which so many are the panel


class Strip(NamedTuple):
    """One figure of one recipe."""

    title: str
    values: Sequence[float]
    interval: tuple[float, float] | None
    lines: Sequence[tuple[str, float]]
    """What was reported: a word and a value."""
    percent: bool


def seeds(rows: Sequence[Sequence[Strip]], path: Path) -> None:
    """A row a recipe, its figures side by side, each on a scale of its own."""
    with picture(path, 1200, HEAD + _ROW * len(rows)) as figure:
        note = "Each dot is a run. Shaded: where one more run falls with 95 %. Orange: what was reported."
        headline(figure, "Recipes over seeds", note)
        for down, row in enumerate(rows):
            width = (1200 - EDGE * (len(row) + 1)) // len(row)
            for across, strip in enumerate(row):
                left = EDGE + across * (width + EDGE)
                _strip(panel(figure, left, HEAD + 30 + down * _ROW, width, _DRAWN), strip)


def _strip(axes: Axes, strip: Strip) -> None:
    if strip.interval:
        axes.axvspan(*strip.interval, color=SKY, alpha=0.25, linewidth=0)
    mean = sum(strip.values) / len(strip.values)
    axes.plot([mean, mean], [-1, 1], color=INK, linewidth=1.5)
    axes.scatter(strip.values, _heights(strip), s=42, color=BLUE, alpha=0.75, linewidth=0, zorder=3)
    axes.set_title(strip.title)
    axes.set_ylim(-1.6, 2.6)
    axes.margins(x=0.08)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
    axes.tick_params(axis="x", color=MUTED, length=3)
    if strip.percent:
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.4g} %"))
    _reports(axes, strip.lines)


def _reports(axes: Axes, lines: Sequence[tuple[str, float]]) -> None:
    """Lines with their words beside them, on the side that has room, one below the other."""
    for _, value in lines:
        axes.axvline(value, color=ORANGE, linewidth=2, linestyle="--")
    left, right = axes.get_xlim()
    for down, (word, value) in enumerate(sorted(lines, key=lambda line: line[1])):
        turned = value > (left + right) / 2
        axes.annotate(
            word, (value, 1), xytext=(-4 if turned else 4, -2 - 12 * down), textcoords="offset points",
            xycoords=("data", "axes fraction"), color=ORANGE, va="top", ha="right" if turned else "left", size=9,
        )  # fmt: skip


def _heights(strip: Strip) -> list[float]:
    """Dots that would lie on each other go up and down in turn."""
    ends = [*strip.values, *(value for _, value in strip.lines)]
    near = (max(ends) - min(ends)) / 60
    order = sorted(range(len(strip.values)), key=strip.values.__getitem__)
    heights, stack = [0.0] * len(order), 0
    for before, at in zip([None, *order], order, strict=False):
        close = before is not None and strip.values[at] - strip.values[before] < near
        stack = stack + 1 if close else 0
        heights[at] = (-1) ** stack * 0.45 * ((stack + 1) // 2 % 3)
    return heights
