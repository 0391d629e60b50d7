"""The picture of one answer: what was given, every step from it to what the model saw, how sure it was."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from mnist_pipeline.evaluation.plots.style import BLUE, EDGE, HEAD, LINE, headline, panel, picture
from mnist_pipeline.numerals import sure

_SIDE = 260  # pixels of each panel
_TITLE = 34  # pixels above a panel that its title takes
_ROW = _SIDE + _TITLE + 24


def seen(
    pictures: Sequence[tuple[str, NDArray[np.uint8]]],
    probabilities: Sequence[float] | None,
    sentence: str,
    path: Path,
) -> None:
    """Every step from the picture as given to the 28x28 pixels that the model saw, and the ten probabilities."""
    panels = len(pictures) + (probabilities is not None)
    columns = 3 if panels in (3, 5, 6, 9) else 4  # whichever leaves no gap, or the smaller one
    rows = -(-panels // columns)
    with picture(path, EDGE + columns * (_SIDE + EDGE), HEAD - _TITLE + 8 + rows * _ROW) as figure:
        headline(figure, sentence)
        places = [
            (EDGE + number % columns * (_SIDE + EDGE), HEAD + 8 + number // columns * _ROW) for number in range(panels)
        ]
        for (left, top), (title, image) in zip(places, pictures, strict=False):
            _grey(panel(figure, left, top, _SIDE, _SIDE), _shrunk(image), title)
        if probabilities is not None:
            left, top = places[-1]
            bars = panel(figure, left + 16, top, _SIDE - 16, _SIDE)
            bars.set_title("probability of each digit")
            _probabilities(bars, probabilities)


def _shrunk(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A photo of millions of pixels takes seconds to draw and shows no more."""
    by = _SIDE / max(grey.shape)
    if by >= 1:
        return grey
    height, width = (max(1, round(side * by)) for side in grey.shape)
    return cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)


def _grey(axes: Axes, image: NDArray[np.uint8], title: str) -> None:
    axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.set_title(title)
    axes.spines[:].set(visible=True, color=LINE)
    axes.set_anchor("NW")


def _probabilities(axes: Axes, probabilities: Sequence[float]) -> None:
    best = int(np.argmax(probabilities))
    colours = [BLUE if digit == best else "#a9c7dc" for digit in range(len(probabilities))]
    bars = axes.barh(range(len(probabilities)), probabilities, color=colours, height=0.76)
    axes.bar_label(bars, [sure(share) for share in probabilities], padding=4, size=8)
    axes.set_yticks(range(len(probabilities)))
    axes.set(xlim=(0, 1.25), xticks=[])
    axes.invert_yaxis()
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(length=0, labelsize=11)
    axes.yaxis.get_ticklabels()[best].set_fontweight("bold")
