"""Plots that compare: a model on images corrupted in fifteen ways."""

from collections.abc import Sequence
from pathlib import Path

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
