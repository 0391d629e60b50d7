"""The picture of one answer: what was given, what the model saw, how sure it was."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from mnist_pipeline.plots.style import BLUE, EDGE, HEAD, LINE, headline, panel, percent, picture

_SIDE = 300  # pixels of each panel


def seen(
    grey: NDArray[np.uint8],
    model_input: NDArray[np.uint8],
    probabilities: Sequence[float],
    sentence: str,
    path: Path,
) -> None:
    """The picture as given, the 28x28 pixels that the model saw, and the ten probabilities."""
    with picture(path, 1100, HEAD + _SIDE + 34 + EDGE) as figure:
        headline(figure, sentence)
        top = HEAD + 24
        height, width = grey.shape
        _grey(panel(figure, EDGE, top, _SIDE, _SIDE), _shrunk(grey), f"as given, {width} × {height}")
        _grey(panel(figure, 2 * EDGE + _SIDE, top, _SIDE, _SIDE), model_input, "as the model saw it, 28 × 28")
        bars = panel(figure, 3 * EDGE + 2 * _SIDE + 24, top, 312, _SIDE)
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
    axes.bar_label(bars, [percent(share) for share in probabilities], padding=4, size=9)
    axes.set_yticks(range(len(probabilities)))
    axes.set(xlim=(0, 1.2), xticks=[])
    axes.invert_yaxis()
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(length=0, labelsize=11)
    axes.yaxis.get_ticklabels()[best].set_fontweight("bold")
