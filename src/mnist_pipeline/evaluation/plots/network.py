"""One layer of a network as people speak of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch, Rectangle

from mnist_pipeline.evaluation.plots.style import (  # fmt: skip
    BLUE,
    EDGE,
    GREEN,
    HEAD,
    LINE,
    MUTED,
    ORANGE,
    PAPER,
    PURPLE,
    SKY,
    YELLOW,
    canvas,
    headline,
    picture,
)
from mnist_pipeline.numerals import counted


class Layer(NamedTuple):
    """Name, kind, output shape without the batch, and number of parameters."""

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int


_WIDTH, _BOX, _GAP = 900, 50, 22  # pixels
_NAME, _SHAPE = 226, 540  # from the left: where the name begins, the middle of the shape and of the arrow
# The first word found in a layer's kind colours it.
_COLOURS = {
    "input": MUTED,
    "conv": BLUE,
    "norm": PURPLE,
    "pool": GREEN,
    "dropout": YELLOW,
    "dense": ORANGE,
    "flatten": SKY,
    "reshape": SKY,
}


def architecture(layers: Sequence[Layer], path: Path, title: str) -> None:
    """The layers from top to bottom with kind, output shape and parameters, and the total of these."""
    total = sum(layer.parameters for layer in layers)
    stack = len(layers) * (_BOX + _GAP)
    with picture(path, _WIDTH, HEAD + stack + 28 + EDGE) as figure:
        headline(
            figure, title, f"{counted(len(layers), 'layer')}: output shape, and parameters with their share of all"
        )
        axes = canvas(figure, EDGE, HEAD, _WIDTH - 2 * EDGE, stack + 28)
        for number, layer in enumerate(layers):
            top = number * (_BOX + _GAP)
            _box(axes, layer, top, layer.parameters / max(total, 1))
            if number + 1 < len(layers):
                _arrow(axes, top + _BOX)
        end = _WIDTH - 2 * EDGE - 20
        axes.text(20, stack + 6, "total", size=11, weight="bold", va="center")
        axes.text(end, stack + 6, counted(total, "parameter"), size=11, weight="bold", va="center", ha="right")


def _box(axes: Axes, layer: Layer, top: int, share: float) -> None:
    width, middle, colour = _WIDTH - 2 * EDGE, top + _BOX / 2, _colour(layer.kind)
    frame = FancyBboxPatch(
        (1, top), width - 2, _BOX, boxstyle="round,pad=0,rounding_size=8", facecolor=PAPER, edgecolor=LINE
    )
    axes.add_patch(frame)
    band = Rectangle((0, top), 10, _BOX, color=colour, linewidth=0)
    axes.add_patch(band)
    band.set_clip_path(frame)
    axes.text(26, middle, layer.kind, size=11, weight="bold", va="center")
    axes.text(_NAME, middle, layer.name, color=MUTED, va="center")
    axes.text(_SHAPE, middle, " × ".join(map(str, layer.shape)), size=11, va="center", ha="center")
    if layer.parameters:
        axes.text(width - 20, middle - 5, f"{layer.parameters:,}", size=11, va="center", ha="right")
        axes.add_patch(Rectangle((width - 140, top + _BOX - 13), 120, 4, color=LINE, linewidth=0))
        axes.add_patch(
            Rectangle((width - 20 - 120 * share, top + _BOX - 13), 120 * share, 4, color=colour, linewidth=0)
        )
    else:
        axes.text(width - 20, middle, "–", color=MUTED, va="center", ha="right")


def _arrow(axes: Axes, top: int) -> None:
    axes.annotate(
        "", (_SHAPE, top + _GAP - 1), (_SHAPE, top + 1),
        arrowprops={"arrowstyle": "-|>", "color": MUTED, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 11},
    )  # fmt: skip


def _colour(kind: str) -> str:
    return next((colour for word, colour in _COLOURS.items() if word in kind.lower()), MUTED)
