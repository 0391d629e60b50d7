"""Pictures of counts: the confusion matrix and the class distribution."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import seaborn
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, ListedColormap, PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import ArrayLike, NDArray

from mnist_pipeline.numerals import counted, percent
from mnist_pipeline.plots.style import (
    BLUE,
    EDGE,
    HEAD,
    INK,
    LINE,
    MUTED,
    ORANGE,
    headline,
    panel,
    picture,
)

_RIGHT = ListedColormap(["#d9e8f3"])
_WRONG = LinearSegmentedColormap.from_list("wrong", ["#ffffff", "#fde3cf", "#f6b27c", ORANGE, "#8a3800"])
_FULL_COLOUR = 0.01  # share of a row that has the darkest colour, unless some mistake is more frequent


def confusion(matrix: ArrayLike, path: Path, title: str) -> None:
    """The counts: a row for each true digit, a column for each answer; the mistakes coloured by share."""
    counts = np.asarray(matrix, dtype=np.int64)
    total, right = int(counts.sum()), int(np.trace(counts))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    with picture(path, 1000, 960) as figure:
        headline(
            figure,
            f"{title}: {percent(right / max(total, 1))} right",
            f"{right:,} of {counted(total, 'image')} on the diagonal, {_beside(counts)}",
        )
        _cells(figure, counts, shares)


def _beside(counts: NDArray[np.int64]) -> str:
    wrong = counts - np.diag(np.diag(counts))
    if not wrong.any():
        return "no mistakes beside it"
    true, answer = np.unravel_index(int(wrong.argmax()), wrong.shape)
    mistakes = counted(int(wrong.sum()), "mistake")
    return f"{mistakes} beside it, most often {true} read as {answer} ({wrong.max():,})"


def _cells(figure: Figure, counts: NDArray[np.int64], shares: NDArray[np.float64]) -> None:
    diagonal = np.eye(len(counts), dtype=bool)
    norm = PowerNorm(0.5, vmin=0, vmax=max(_FULL_COLOUR, float(shares[~diagonal].max())))
    words = np.array([[f"{count:,}" if count else "" for count in row] for row in counts])
    axes, scale = panel(figure, 96, HEAD + 8, 780, 780), panel(figure, 906, HEAD + 8, 16, 780)
    look = {"ax": axes, "annot": words, "fmt": "", "linewidths": 1, "linecolor": LINE}
    seaborn.heatmap(
        shares, mask=diagonal, cmap=_WRONG, norm=norm, cbar_ax=scale, annot_kws={"size": 11}, **look,
        cbar_kws={"format": PercentFormatter(1, decimals=None, symbol=" %")},
    )  # fmt: skip
    seaborn.heatmap(
        shares,
        mask=~diagonal,
        cmap=_RIGHT,
        cbar=False,
        annot_kws={"size": 11, "color": INK, "weight": "bold"},
        **look,
    )
    axes.set_xlabel("answer", size=11, labelpad=8)
    axes.set_ylabel("true digit", size=11, labelpad=8)
    axes.tick_params(length=0, labelsize=12, labelcolor=INK, labelrotation=0)
    scale.set_title("share\nof row", size=9, weight="normal", color=MUTED, loc="center", pad=8)
    scale.tick_params(labelsize=9)


def distribution(train_counts: Sequence[int], test_counts: Sequence[int], path: Path) -> None:
    """How many images of each digit there are, to train on and to test on."""
    with picture(path, 1200, 440) as figure:
        headline(
            figure,
            f"{counted(sum(train_counts), 'image')} to train on, {sum(test_counts):,} to test on",
            "Images of each digit",
        )
        _bars(panel(figure, EDGE, HEAD + 30, 548, 276), "train", train_counts, BLUE)
        _bars(panel(figure, 620, HEAD + 30, 548, 276), "test", test_counts, ORANGE)


def _bars(axes: Axes, title: str, counts: Sequence[int], colour: str) -> None:
    """One bar a digit, with its count."""
    bars = axes.bar(range(len(counts)), counts, color=colour, width=0.78)
    axes.bar_label(bars, [f"{count:,}" for count in counts], padding=3, size=9)
    axes.set_title(title)
    axes.set_xticks(range(len(counts)))
    axes.set_yticks([])
    axes.set_ylim(0, max(*counts, 1) * 1.08)
    axes.spines["left"].set_visible(False)
    axes.tick_params(length=0, labelsize=11, labelcolor=INK)
    axes.margins(x=0.01)
