"""The plot of a network: its layers from top to bottom, each with its output shape and its parameters."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch, Rectangle

from mnist_pipeline.evaluation.plots.style import EDGE, HEAD, Colour, canvas, headline, saved_figure
from mnist_pipeline.numerals import counted

_WIDTH, _BOX, _GAP, _TOTAL = 900, 50, 22, 28  # pixels: the figure's width; heights of a box, a gap, the last line
_INNER = _WIDTH - 2 * EDGE
_RIGHT = _INNER - 20  # where the numbers of parameters end
_NAME, _SHAPE = 226, 540  # from the left: where the name begins, the middle of the shape and of the arrow
_BAR = 120  # the width of the bar for a layer that has all parameters
_ARROW = {"arrowstyle": "-|>", "color": Colour.MUTED, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 11}
# The first of these words found in a layer's kind colours it.
_COLOURS = {
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
    with saved_figure(path, _WIDTH, HEAD + stack + _TOTAL + EDGE) as figure:
        headline(figure, title, note)
        axes = canvas(figure, EDGE, HEAD, _INNER, stack + _TOTAL)
        for number, layer in enumerate(layers):
            top = number * (_BOX + _GAP)
            _box(axes, layer, top, layer.parameters / max(total, 1))
            if number + 1 < len(layers):
                ends = (_SHAPE, top + _BOX + _GAP - 1), (_SHAPE, top + _BOX + 1)
                axes.annotate("", *ends, arrowprops=_ARROW)
        axes.text(20, stack + 6, "total", size=11, weight="bold", va="center")
        axes.text(_RIGHT, stack + 6, counted(total, "parameter"), size=11, weight="bold", va="center", ha="right")


def _box(axes: Axes, layer: Layer, top: int, share: float) -> None:
    colour = next((colour for word, colour in _COLOURS.items() if word in layer.kind.lower()), Colour.MUTED)
    shape = "round,pad=0,rounding_size=8"
    frame = FancyBboxPatch((1, top), _INNER - 2, _BOX, shape, facecolor=Colour.PAPER, edgecolor=Colour.LINE)
    axes.add_patch(frame)
    axes.add_patch(Rectangle((0, top), 10, _BOX, color=colour, linewidth=0)).set_clip_path(frame)
    middle = top + _BOX / 2
    axes.text(26, middle, layer.kind, size=11, weight="bold", va="center")
    axes.text(_NAME, middle, layer.name, color=Colour.MUTED, va="center")
    axes.text(_SHAPE, middle, " × ".join(map(str, layer.shape)), size=11, va="center", ha="center")
    if not layer.parameters:
        axes.text(_RIGHT, middle, "–", color=Colour.MUTED, va="center", ha="right")
        return
    axes.text(_RIGHT, middle - 5, f"{layer.parameters:,}", size=11, va="center", ha="right")
    for width, shade in ((_BAR, Colour.LINE), (_BAR * share, colour)):
        axes.add_patch(Rectangle((_RIGHT - width, top + _BOX - 13), width, 4, color=shade, linewidth=0))
