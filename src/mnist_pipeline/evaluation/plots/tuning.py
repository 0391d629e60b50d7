"""The plots of a study: every trial's score in turn with the best so far, and how much each setting matters."""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path

from matplotlib.ticker import MaxNLocator

from mnist_pipeline.evaluation.plots.style import EDGE, HEAD, Colour, headline, panel, saved_figure

_ROW = 34  # pixels a setting


def history(scores: Sequence[float | None], path: Path, title: str, *, rising: bool) -> None:
    """A dot for each trial that was trained to the end, and the best score so far; None is a trial without a score."""
    there = [(number, score) for number, score in enumerate(scores) if score is not None]
    best = list(accumulate((score for _, score in there), max if rising else min))
    with saved_figure(path, 1200, 440) as figure:
        headline(figure, title, "Each dot is a trial that was trained to the end. The line is the best so far.")
        axes = panel(figure, EDGE + 60, HEAD + 20, 1200 - 2 * EDGE - 70, 270)
        numbers = [number for number, _ in there]
        axes.plot(numbers, [score for _, score in there], "o", color=Colour.BLUE, alpha=0.75)
        axes.step(numbers, best, where="post", color=Colour.ORANGE, linewidth=2)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set(xlabel="trial")


def importance(shares: Mapping[str, float], path: Path, title: str) -> None:
    """A bar for each setting: its share of the differences between scores, the largest on top."""
    with saved_figure(path, 1200, HEAD + 60 + _ROW * len(shares)) as figure:
        headline(figure, title, "How much of the difference between good trials and the others each setting explains.")
        axes = panel(figure, EDGE + 300, HEAD + 20, 1200 - 2 * EDGE - 360, _ROW * len(shares))
        bars = axes.barh(list(shares), list(shares.values()), color=Colour.BLUE)
        axes.bar_label(bars, [f"{100 * share:.0f} %" for share in shares.values()], padding=4)
        axes.invert_yaxis()
        axes.set(xticks=[], xlim=(0, 1.1 * max([*shares.values(), 1e-9])))
        axes.tick_params(length=0, labelcolor=Colour.INK)
