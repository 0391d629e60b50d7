"""Plots that compare: a model on images corrupted in fifteen ways; recipes and what others report, by their costs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from mnist_pipeline.evaluation.plots.style import EDGE, HEAD, Colour, headline, panel, saved_figure
from mnist_pipeline.numerals import percent
from mnist_pipeline.runs.results import CorruptionRow

_ROW, _NAMES = 30, 150  # pixels: the height of a bar, the width of the names left of the bars


def corruptions(rows: Sequence[CorruptionRow], clean: float, mean: float, path: Path, title: str) -> None:
    """A bar for each way to corrupt the images: right, and where the model refuses, refused and wrong."""
    refuses = any(row["refused"] for row in rows)
    note = f"Corrupted test images: {percent(mean)} right in the mean. The dashed line: as they are, {percent(clean)}"
    with saved_figure(path, 1200, HEAD + _ROW * len(rows) + 66) as figure:
        headline(figure, f"{title}: fifteen corruptions", note)
        axes = panel(figure, EDGE + _NAMES, HEAD + 4, 1200 - 2 * EDGE - _NAMES, _ROW * len(rows))
        places = range(len(rows))
        right = [row["accuracy"] for row in rows]
        axes.barh(places, right, color=Colour.BLUE, height=0.7, label="likeliest class right")
        for place, row in zip(places, rows, strict=True):
            beside = f"{percent(row['accuracy'])}"
            if refuses:
                beside += f"   {percent(row['refused'])} refused, {percent(row['wrong'])} answered wrongly"
            inside = row["accuracy"] > 0.6
            axes.text(
                row["accuracy"] + (-0.006 if inside else 0.006), place, beside, va="center", size=9,
                ha="right" if inside else "left", color=Colour.PAPER if inside else Colour.INK,
            )  # fmt: skip
        axes.axvline(clean, color=Colour.ORANGE, linewidth=2, linestyle="--")
        axes.set(xlim=(0, 1), ylim=(len(rows) - 0.4, -0.6), xticks=[])
        axes.set_yticks(places, [row["corruption"] for row in rows])
        axes.spines["bottom"].set_visible(False)
        axes.tick_params(length=0, labelsize=11, labelcolor=Colour.INK)


class Claim(NamedTuple):
    """One accuracy on a plot of many: a recipe of ours over its seeds, or what somebody else reports."""

    name: str
    accuracy: float
    sd: float | None
    seconds: float | None  # of one training
    parameters: int | None
    chosen: str  # "" for ours; of others how it was chosen


_TALL = 430  # pixels of a panel
_LEVELS = (0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995)
_AXES = {"seconds": "seconds of one training", "parameters": "parameters of the network"}
_LOOKS = {
    "": ("o", Colour.BLUE, "recipes here: mean ± s.d. over seeds"),
    "honest": ("D", Colour.GREEN, "others, honest"),
    "on the test set": ("X", Colour.ORANGE, "others, chosen on the test set"),
    "not said": ("s", Colour.MUTED, "others, not said how chosen"),
}
_LETTER, _LINE, _MARK = 6.6, 14, 7  # pixels: the width of a letter, the height of a name, half of a mark


def frontier(claims: Sequence[Claim], path: Path) -> None:
    """Accuracy against the seconds of a training, and against parameters; halving the errors is the same step up."""
    errors = [max(1 - claim.accuracy, 1e-4) for claim in claims]
    limits = max(errors) * 1.5, min(errors) / 1.4
    levels = [level for level in _LEVELS if limits[1] <= 1 - level <= limits[0]]
    note = "Each line up is about half as many mistakes. The seconds of others are those of a GPU"
    with saved_figure(path, 1200, HEAD + _TALL + 110) as figure:
        headline(figure, "Accuracy on the test images, and what it takes", note)
        for left, (cost, title) in zip((EDGE + 60, 690), _AXES.items(), strict=True):
            axes = panel(figure, left, HEAD + 30, 1168 - 690, _TALL)
            axes.set(xscale="log", yscale="log", ylim=limits, title=title)
            axes.set_yticks([1 - level for level in levels], [f"{100 * level:g} %" for level in levels])
            axes.minorticks_off()
            axes.grid(visible=True)
            axes.tick_params(length=0)
            axes.xaxis.set_major_formatter(FuncFormatter(_number))
            _points(axes, cost, [claim for claim in claims if getattr(claim, cost)])
        _legend(figure, {claim.chosen for claim in claims})


def _number(value: float, _: int) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def _points(axes: Axes, cost: str, claims: Sequence[Claim]) -> None:
    """A mark for each claim, its spread as a bar, and its name beside it."""
    costs = [float(getattr(claim, cost)) for claim in claims]
    axes.set_xlim(min(costs) / 4, max(costs) * 4)
    for x, claim in zip(costs, claims, strict=True):
        marker, colour, _ = _LOOKS[claim.chosen]
        error, sd = 1 - claim.accuracy, claim.sd or 0.0
        spread = [[min(sd, 0.9 * error)], [sd]]
        axes.errorbar([x], [error], yerr=spread, fmt=marker, color=colour, markersize=8, elinewidth=2, zorder=3)
    places = axes.transData.transform([(x, 1 - claim.accuracy) for x, claim in zip(costs, claims, strict=True)])
    for claim, (end, middle, side) in zip(claims, _beside(places, claims, axes.bbox.x0, axes.bbox.x1), strict=True):
        x, y = axes.transData.inverted().transform((end, middle))
        look: dict[str, Any] = {"size": 8.5, "va": "center", "color": _LOOKS[claim.chosen][1], "zorder": 4}
        axes.text(x, y, claim.name, ha="left" if side > 0 else "right", **look)


def _beside(places: NDArray[Any], claims: Sequence[Claim], low: float, high: float) -> list[tuple[float, float, int]]:
    """Where each name stands, in pixels: right (1) or left (-1) of its mark, as near as others and edges leave room."""
    taken = [(x - _MARK, x + _MARK, y) for x, y in places]  # left, right and middle of what a name must not cover
    found = []
    for (x, y), claim in zip(places, claims, strict=True):
        width = _LETTER * len(claim.name)
        tries = [(y + 0.7 * _LINE * up, side) for up in (0, 1, -1, 2, -2, 3, -3, 4, -4) for side in (1, -1)]
        boxes = [(*sorted((x + side * (_MARK + 3), x + side * (_MARK + 3 + width))), at, side) for at, side in tries]
        free = [
            (left, right, at, side)
            for left, right, at, side in boxes
            if low < left and right < high
            and not any(left < end and begin < right and abs(at - other) < _LINE for begin, end, other in taken)
        ]  # fmt: skip
        left, right, at, side = (free or boxes)[0]
        taken.append((left, right, at))
        found.append((left if side > 0 else right, at, side))
    return found


def _legend(figure: Figure, kinds: set[str]) -> None:
    marks = [
        Line2D([], [], marker=marker, color=colour, linestyle="", markersize=8, label=label)
        for kind, (marker, colour, label) in _LOOKS.items()
        if kind in kinds
    ]
    figure.legend(handles=marks, loc="lower left", ncols=4, bbox_to_anchor=(0.02, 0.0))
