"""Plots of numbers: confusion matrix, classes, curves of a training, layers of a network, recipes over seeds."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import seaborn
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, ListedColormap, PowerNorm
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from mnist_pipeline.evaluation.plots.style import EDGE, HEAD, Colour, canvas, headline, panel, saved_figure
from mnist_pipeline.numerals import DIGITS, counted, noun, percent

_RIGHT = ListedColormap(["#d9e8f3"])
_WRONG = LinearSegmentedColormap.from_list("wrong", ["#ffffff", "#fde3cf", "#f6b27c", Colour.ORANGE, "#8a3800"])
_FULL_COLOUR = 0.01  # share of a row that has the darkest colour, unless some mistake is more frequent
_DOTS_UP_TO = 40  # epochs; the dots of more would run into a band
_SIDE, _SMALL_CELL = 780, 24  # pixels: of a matrix of few classes, of a cell among more
_FEW, _SHORT = 12, 2  # classes; letters of a name
_LEFT = EDGE + 60  # room for the numbers of the y axis


def confusion(counts: NDArray[np.int64], path: Path, title: str, classes: Sequence[str] = DIGITS) -> None:
    """The confusion matrix: a row for each true class, a column for each answer; mistakes coloured by share of row."""
    total, right = int(counts.sum()), int(np.trace(counts))
    note = f"{right:,} of {counted(total, 'image')} on the diagonal, {_beside_diagonal(counts, classes)}"
    side = _SIDE if len(classes) <= _FEW else _SMALL_CELL * len(classes)
    room = names_room(classes)
    with saved_figure(path, side + 220 + room, side + 180 + room) as figure:
        headline(figure, f"{title}: {percent(right / max(total, 1))} right", note)
        _cells(figure, counts, classes, side, room)


def _beside_diagonal(counts: NDArray[np.int64], classes: Sequence[str]) -> str:
    wrong = counts - np.diag(np.diag(counts))
    if not wrong.any():
        return "no mistakes beside it"
    true, answer = divmod(int(wrong.argmax()), len(classes))
    mistakes = counted(int(wrong.sum()), "mistake")
    return f"{mistakes} beside it, most often {classes[true]} read as {classes[answer]} ({wrong.max():,})"


def _cells(figure: Figure, counts: NDArray[np.int64], classes: Sequence[str], side: int, room: int) -> None:
    """Two heat maps on one panel: the diagonal in one colour, all else on a scale for mistakes."""
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    diagonal = np.eye(len(counts), dtype=bool)
    norm = PowerNorm(0.5, vmin=0, vmax=max(_FULL_COLOUR, float(shares[~diagonal].max())))
    words = np.array([[f"{count:,}" if count else "" for count in row] for row in counts])
    axes = panel(figure, 96 + room, HEAD + 8, side, side)
    scale = panel(figure, 126 + room + side, HEAD + 8, 16, side)
    names, size = {"xticklabels": classes, "yticklabels": classes}, 11 if side == _SIDE else 7
    look = {"ax": axes, "annot": words, "fmt": "", "linewidths": 1, "linecolor": Colour.LINE, **names}
    seaborn.heatmap(
        shares, mask=diagonal, cmap=_WRONG, norm=norm, cbar_ax=scale, annot_kws={"size": size}, **look,
        cbar_kws={"format": PercentFormatter(1, decimals=None, symbol=" %")},
    )  # fmt: skip
    on_diagonal = {"size": size, "color": Colour.INK, "weight": "bold"}
    seaborn.heatmap(shares, mask=~diagonal, cmap=_RIGHT, cbar=False, annot_kws=on_diagonal, **look)
    axes.set_xlabel("answer", size=11, labelpad=8)
    axes.set_ylabel(f"true {noun(classes)}", size=11, labelpad=8)
    axes.tick_params(length=0, labelsize=12 if side == _SIDE else 9, labelcolor=Colour.INK, labelrotation=0)
    if room:
        axes.tick_params(axis="x", labelrotation=90)
    scale.set_title("share\nof row", size=9, weight="normal", color=Colour.MUTED, loc="center", pad=8)
    scale.tick_params(labelsize=9)


def names_room(classes: Sequence[str]) -> int:
    """Pixels beside or below a plot that the names of the classes take; none for a letter or two."""
    longest = max(map(len, classes))
    return 0 if longest <= _SHORT else 8 * longest


def distribution(
    train_counts: Sequence[int], test_counts: Sequence[int], path: Path, classes: Sequence[str] = DIGITS
) -> None:
    """The number of training and of test images of each class, as bars."""
    title = f"{counted(sum(train_counts), 'image')} to train on, {sum(test_counts):,} to test on"
    few, room = len(classes) <= _FEW, names_room(classes)
    width = 548 if few else max(1136, _SMALL_CELL * len(classes))
    places = ((EDGE, HEAD + 30), (620, HEAD + 30) if few else (EDGE, HEAD + 410 + room))
    with saved_figure(path, 1200 if few else width + 2 * EDGE, (440 if few else 820 + room) + room) as figure:
        headline(figure, title, f"Images of each {noun(classes)}")
        _bars(panel(figure, *places[0], width, 276), "train", classes, train_counts, Colour.BLUE)
        _bars(panel(figure, *places[1], width, 276), "test", classes, test_counts, Colour.ORANGE)


def _bars(axes: Axes, title: str, classes: Sequence[str], counts: Sequence[int], colour: str) -> None:
    bars = axes.bar(range(len(counts)), counts, color=colour, width=0.78)
    many = len(classes) > _FEW
    turned: dict[str, Any] = {"rotation": 90, "size": 7} if many else {"size": 9}
    axes.bar_label(bars, [f"{count:,}" for count in counts], padding=3, **turned)
    axes.set(title=title, yticks=[], ylim=(0, max(*counts, 1) * (1.2 if many else 1.08)))
    axes.set_xticks(range(len(counts)), classes)
    axes.spines["left"].set_visible(False)
    axes.tick_params(length=0, labelsize=11, labelcolor=Colour.INK)
    if names_room(classes):
        axes.tick_params(axis="x", labelrotation=90)
    axes.margins(x=0.01)


def curves(history: Mapping[str, Sequence[float]], path: Path) -> None:
    """Loss and accuracy over the epochs, side by side; below them the learning rate, where it changes."""
    rates = history.get("learning_rate", [])
    changing = len(set(rates)) > 1
    with saved_figure(path, 1200, 678 if changing else 498) as figure:
        headline(figure, f"Training, {counted(len(history['loss']), 'epoch')}", _last_epoch(history))
        _curve(panel(figure, _LEFT, HEAD + 32, 492, 300), "loss", history)
        accuracy = panel(figure, 676, HEAD + 32, 492, 300)
        _curve(accuracy, "accuracy", history)
        accuracy.yaxis.set_major_formatter(PercentFormatter(1, decimals=None, symbol=" %"))
        if changing:
            _rates(panel(figure, _LEFT, 534, 1200 - _LEFT - EDGE, 80), rates)


def _last_epoch(history: Mapping[str, Sequence[float]]) -> str:
    names = {"training": "accuracy", "validation": "val_accuracy"}
    said = [f"{name} accuracy {percent(history[key][-1])}" for name, key in names.items() if history.get(key)]
    return f"After the last epoch: {', '.join(said)}" if said else ""


def _curve(axes: Axes, name: str, history: Mapping[str, Sequence[float]]) -> None:
    """One line for training and, where a part of the images validated, one for validation."""
    lines = (("training", name, Colour.BLUE, "-"), ("validation", f"val_{name}", Colour.ORANGE, "--"))
    for label, key, colour, dash in lines:
        if values := history.get(key):
            _draw_line(axes, values, linestyle=dash, color=colour, label=label)
    axes.set(title=name, xlabel="epoch")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0.2)
    _epoch_axis(axes, len(history.get(name, [])))


def _rates(axes: Axes, rates: Sequence[float]) -> None:
    _draw_line(axes, rates, color=Colour.GREEN, drawstyle="steps-mid")
    if min(rates) > 0:
        axes.set_yscale("log")
    axes.set_title("learning rate")
    axes.minorticks_off()
    levels = sorted({min(rates), max(rates)})
    axes.set_yticks(levels, [f"{level:.2g}" for level in levels])
    axes.margins(y=0.2)
    _epoch_axis(axes, len(rates))


def _draw_line(axes: Axes, values: Sequence[float], **look: Any) -> None:
    """A line over the epochs, with a dot for each epoch unless they are many."""
    if len(values) <= _DOTS_UP_TO:
        look |= {"marker": "o", "markersize": 5 if len(values) > 1 else 9}
    axes.plot(range(1, len(values) + 1), values, linewidth=2, **look)


def _epoch_axis(axes: Axes, count: int) -> None:
    """Whole epochs on the x axis, even for a single one, where matplotlib would show fractions."""
    margin = max(0.4, 0.02 * count)
    axes.set_xlim(1 - min(margin, 0.9), count + margin)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=12, integer=True, min_n_ticks=1))
    axes.grid(visible=True, axis="y")
    axes.tick_params(length=0)


# The network: its layers from top to bottom, each with its output shape and its parameters

_NETWORK, _BOX, _GAP, _TOTAL = 900, 50, 22, 28  # pixels: the figure's width; heights of a box, a gap, the last line
_INNER = _NETWORK - 2 * EDGE
_AMOUNTS = _INNER - 20  # where the numbers of parameters end
_NAMES, _SHAPES = 226, 540  # from the left: where the name begins, the middle of the shape and of the arrow
_BAR = 120  # the width of the bar for a layer that has all parameters
_ARROW = {"arrowstyle": "-|>", "color": Colour.MUTED, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 11}
# The first of these words found in a layer's kind colours it.
_KINDS = {
    "input": Colour.MUTED, "conv": Colour.BLUE, "norm": Colour.PURPLE, "pool": Colour.GREEN,
    "dropout": Colour.YELLOW, "dense": Colour.ORANGE, "flatten": Colour.SKY, "reshape": Colour.SKY,
}  # fmt: skip


class Layer(NamedTuple):
    """A layer as the plot shows it."""

    name: str
    kind: str
    shape: tuple[int, ...]  # of its output, without the batch
    parameters: int


def architecture(layers: Sequence[Layer], path: Path, title: str) -> None:
    """The layers from input to output, with arrows between them and the total of the parameters below."""
    total = sum(layer.parameters for layer in layers)
    stack = len(layers) * (_BOX + _GAP)
    note = f"{counted(len(layers), 'layer')}: output shape, and parameters with their share of all"
    with saved_figure(path, _NETWORK, HEAD + stack + _TOTAL + EDGE) as figure:
        headline(figure, title, note)
        axes = canvas(figure, EDGE, HEAD, _INNER, stack + _TOTAL)
        for number, layer in enumerate(layers):
            top = number * (_BOX + _GAP)
            _layer(axes, layer, top, layer.parameters / max(total, 1))
            if number + 1 < len(layers):
                ends = (_SHAPES, top + _BOX + _GAP - 1), (_SHAPES, top + _BOX + 1)
                axes.annotate("", *ends, arrowprops=_ARROW)
        axes.text(20, stack + 6, "total", size=11, weight="bold", va="center")
        axes.text(_AMOUNTS, stack + 6, counted(total, "parameter"), size=11, weight="bold", va="center", ha="right")


def _layer(axes: Axes, layer: Layer, top: int, share: float) -> None:
    colour = next((colour for word, colour in _KINDS.items() if word in layer.kind.lower()), Colour.MUTED)
    shape = "round,pad=0,rounding_size=8"
    frame = FancyBboxPatch((1, top), _INNER - 2, _BOX, shape, facecolor=Colour.PAPER, edgecolor=Colour.LINE)
    axes.add_patch(frame)
    axes.add_patch(Rectangle((0, top), 10, _BOX, color=colour, linewidth=0)).set_clip_path(frame)
    middle = top + _BOX / 2
    axes.text(26, middle, layer.kind, size=11, weight="bold", va="center")
    axes.text(_NAMES, middle, layer.name, color=Colour.MUTED, va="center")
    axes.text(_SHAPES, middle, " × ".join(map(str, layer.shape)), size=11, va="center", ha="center")
    if not layer.parameters:
        axes.text(_AMOUNTS, middle, "–", color=Colour.MUTED, va="center", ha="right")
        return
    axes.text(_AMOUNTS, middle - 5, f"{layer.parameters:,}", size=11, va="center", ha="right")
    for width, shade in ((_BAR, Colour.LINE), (_BAR * share, colour)):
        axes.add_patch(Rectangle((_AMOUNTS - width, top + _BOX - 13), width, 4, color=shade, linewidth=0))


# Recipes over seeds: a dot for each run, a line for each reported number, a band for one more run

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
