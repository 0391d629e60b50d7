"""The look of all plots: palette and fonts, figures laid out in pixels from the top left, and how one is saved."""

import textwrap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mnist_pipeline.runs.files import whole


class Colour:
    """The palette; the first six colours are Okabe and Ito's, which colour-blind readers can tell apart."""

    BLUE, ORANGE, GREEN, SKY, PURPLE, YELLOW = "#0072b2", "#d55e00", "#009e73", "#56b4e9", "#cc79a7", "#e69f00"
    INK, MUTED, LINE, PAPER, PALE_BLUE = "#1c2733", "#5f6b7a", "#dbe1e8", "#f1f4f7", "#a9c7dc"


EDGE = 32  # pixels kept free around a figure
HEAD = 92  # pixels from the top that the headline takes

_DPI = 100
_STYLE: dict[Any, Any] = {
    "figure.dpi": _DPI, "savefig.dpi": _DPI,
    "font.family": "DejaVu Sans",  # comes with matplotlib, so it is everywhere
    "font.size": 10, "text.color": Colour.INK,
    "text.parse_math": False,  # a dollar in a name is a dollar
    "axes.edgecolor": Colour.LINE, "axes.labelcolor": Colour.MUTED,
    "axes.titlecolor": Colour.INK, "axes.titlesize": 11, "axes.titleweight": "bold",
    "axes.titlelocation": "left", "axes.titlepad": 10,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": False, "axes.axisbelow": True,
    "grid.color": Colour.LINE, "xtick.color": Colour.LINE, "ytick.color": Colour.LINE,
    "xtick.labelcolor": Colour.MUTED, "ytick.labelcolor": Colour.MUTED, "legend.frameon": False,
}  # fmt: skip
_settings = Lock()  # matplotlib has one set of settings for all threads of a process


@contextmanager
def saved_figure(path: Path, width: int, height: int) -> Iterator[Figure]:
    """A figure of width x height pixels to draw on, saved as a PNG when the block ends without an error."""
    with _settings, style.context(_STYLE, after_reset=True), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # it is drawn as a box
        figure = Figure(figsize=(width / _DPI, height / _DPI))
        yield figure
        # Without matplotlib's version in the file: what is drawn alike has the same bytes.
        with whole(path) as beside:
            figure.savefig(beside, format="png", metadata={"Software": None})


def headline(figure: Figure, title: str, note: str = "") -> None:
    """The title in bold at the top left of a figure, on at most two lines, and a note on how to read it below."""
    width, height = figure.bbox.size
    # A file's name may hold bytes that are no text, which matplotlib cannot draw. A bold letter takes about 11 pixels.
    lines = textwrap.wrap(title.encode(errors="replace").decode(), int(width / 11))[:2]
    step, top = 24 / height, 1 - 26 / height
    for number, line in enumerate(lines):
        figure.text(EDGE / width, top - number * step, line, size=13, weight="bold", va="top")
    if note:
        figure.text(EDGE / width, top - len(lines) * step - 2 / height, note, color=Colour.MUTED, va="top")


def panel(figure: Figure, left: int, top: int, width: int, height: int) -> Axes:
    """Axes of width x height pixels, their corner left and top pixels from that of the figure."""
    across, down = figure.bbox.size
    return figure.add_axes((left / across, 1 - (top + height) / down, width / across, height / down))


def canvas(figure: Figure, left: int, top: int, width: int, height: int) -> Axes:
    """Axes without frame and ticks, in whose coordinates one unit is one pixel and y grows downwards."""
    axes = panel(figure, left, top, width, height)
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    return axes
