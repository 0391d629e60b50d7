"""The picture of a training: loss, accuracy and learning rate, epoch by epoch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from mnist_pipeline.numerals import counted, percent
from mnist_pipeline.plots.style import BLUE, EDGE, GREEN, HEAD, ORANGE, headline, panel, picture

_DOTS_UP_TO = 40  # epochs; more would run into a band
_LEFT = EDGE + 60  # room for the numbers of the y axis


def curves(history: Mapping[str, Sequence[float]], path: Path) -> None:
    """Loss and accuracy side by side, and below them the learning rate where it changes."""
    rates = history.get("learning_rate", [])
    changing = len(set(rates)) > 1
    epochs = len(history["loss"])
    with picture(path, 1200, 678 if changing else 498) as figure:
        headline(figure, f"Training, {counted(epochs, 'epoch')}", _last(history))
        loss = panel(figure, _LEFT, HEAD + 32, 492, 300)
        accuracy = panel(figure, 676, HEAD + 32, 492, 300)
        _lines(loss, "loss", history.get("loss", []), history.get("val_loss", []))
        _lines(accuracy, "accuracy", history.get("accuracy", []), history.get("val_accuracy", []))
        accuracy.yaxis.set_major_formatter(PercentFormatter(1, decimals=None, symbol=" %"))
        if changing:
            _rates(panel(figure, _LEFT, 534, 1200 - _LEFT - EDGE, 80), rates)


def _last(history: Mapping[str, Sequence[float]]) -> str:
    said = [
        f"{name} accuracy {percent(history[key][-1])}"
        for name, key in (("training", "accuracy"), ("validation", "val_accuracy"))
        if history.get(key)
    ]
    return f"After the last epoch: {', '.join(said)}" if said else ""


def _lines(axes: Axes, title: str, training: Sequence[float], validation: Sequence[float]) -> None:
    for name, values, colour, dash in (
        ("training", training, BLUE, "-"),
        ("validation", validation, ORANGE, "--"),
    ):
        if len(values):
            axes.plot(*_points(values), dash, color=colour, linewidth=2, label=name, **_dots(values))
    axes.set_title(title)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0.2)
    _epochs(axes, max(len(training), len(validation)))
    axes.set_xlabel("epoch")


def _rates(axes: Axes, rates: Sequence[float]) -> None:
    axes.plot(*_points(rates), color=GREEN, linewidth=2, drawstyle="steps-mid", **_dots(rates))
    if min(rates) > 0:
        axes.set_yscale("log")
    axes.set_title("learning rate")
    axes.minorticks_off()
    levels = sorted({min(rates), max(rates)})
    axes.set_yticks(levels, [f"{level:.2g}" for level in levels])
    axes.margins(y=0.2)
    _epochs(axes, len(rates))


def _points(values: Sequence[float]) -> tuple[range, Sequence[float]]:
    return range(1, len(values) + 1), values


def _dots(values: Sequence[float]) -> dict[str, Any]:
    return {"marker": "o", "markersize": 5 if len(values) > 1 else 9} if len(values) <= _DOTS_UP_TO else {}


def _epochs(axes: Axes, count: int) -> None:
    """Whole epochs on the x axis, however few."""
    margin = max(0.4, 0.02 * count)
    axes.set_xlim(1 - min(margin, 0.9), count + margin)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=12, integer=True, min_n_ticks=1))
    axes.grid(visible=True, axis="y")
    axes.tick_params(length=0)
