"""The house style: palette and fonts, a figure laid out in pixels, and how it becomes a file."""

import textwrap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mnist_pipeline.runs.files import whole

# Okabe and Ito's palette, which colour-blind readers can tell apart.
BLUE, ORANGE, GREEN, SKY, PURPLE, YELLOW = "#0072b2", "#d55e00", "#009e73", "#56b4e9", "#cc79a7", "#e69f00"
INK, MUTED, LINE, PAPER = "#1c2733", "#5f6b7a", "#dbe1e8", "#f1f4f7"

EDGE = 32  # pixels kept free around a picture
HEAD = 92  # pixels from the top that the headline takes

_DPI = 100
_STYLE: dict[Any, Any] = {
    "figure.dpi": _DPI,
    "savefig.dpi": _DPI,
    "font.family": "DejaVu Sans",  # comes with matplotlib, so it is everywhere
    "font.size": 10,
    "text.color": INK,
    "text.parse_math": False,  # a dollar in a name is a dollar
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "axes.titlecolor": INK,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "legend.frameon": False,
}
_one_at_a_time = Lock()  # matplotlib keeps its settings for the whole process


@contextmanager
def picture(path: Path, width: int, height: int) -> Iterator[Figure]:
    """A figure of so many pixels to draw on; it becomes the PNG once the block has ended well."""
    with _one_at_a_time, matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # it is drawn as a box
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        figure = Figure(figsize=(width / _DPI, height / _DPI))
        yield figure
        # No word of the program's version: the same input gives the same bytes.
        with whole(path) as beside:
            figure.savefig(beside, format="png", metadata={"Software": None})


def headline(figure: Figure, title: str, note: str = "") -> None:
    """What the picture says, in bold at its top left, and below it how to read it."""
    width, height = size(figure)
    # A file's name may hold bytes that are no text, and matplotlib draws none.
    lines = textwrap.wrap(title.encode(errors="replace").decode(), width // 11)[:2]
    step = 24 / height
    top = 1 - 26 / height
    for number, line in enumerate(lines):
        figure.text(EDGE / width, top - number * step, line, size=13, weight="bold", va="top")
    if note:
        figure.text(EDGE / width, top - len(lines) * step - 2 / height, note, color=MUTED, va="top")


def panel(figure: Figure, left: int, top: int, width: int, height: int) -> Axes:
    """Axes at a place counted in pixels from the top left."""
    across, down = size(figure)
    return figure.add_axes((left / across, 1 - (top + height) / down, width / across, height / down))


def canvas(figure: Figure, left: int, top: int, width: int, height: int) -> Axes:
    """Bare axes in which a unit is a pixel, counted from the top left."""
    axes = panel(figure, left, top, width, height)
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    return axes


def size(figure: Figure) -> tuple[int, int]:
    """Width and height in pixels."""
    return round(figure.get_figwidth() * _DPI), round(figure.get_figheight() * _DPI)
