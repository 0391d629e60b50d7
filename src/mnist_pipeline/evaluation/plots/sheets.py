"""Sheets of digits: samples with their answers, the worst mistakes, the classes of a data set."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike, NDArray

from mnist_pipeline.evaluation.plots.style import EDGE, HEAD, INK, MUTED, ORANGE, canvas, headline, picture
from mnist_pipeline.numerals import counted, sure

_SAMPLES, _MISTAKES, _PER_CLASS = 40, 30, 12
_INK = np.array([16, 24, 40], dtype=np.float32)
_PAPER = np.array([238, 242, 246], dtype=np.float32)
_WRONG_PAPER = np.array([253, 226, 207], dtype=np.float32)


class _Grid(NamedTuple):
    """How the tiles stand, in pixels: a tile is 28 times the scale wide."""

    columns: int
    scale: int
    gap: int
    caption: int  # room below each tile

    @property
    def tile(self) -> int:
        return 28 * self.scale

    @property
    def width(self) -> int:
        return self.columns * (self.tile + self.gap) - self.gap

    def height(self, count: int) -> int:
        return -(-count // self.columns) * (self.tile + self.caption)

    def place(self, number: int) -> tuple[int, int]:
        """Left and top of a tile."""
        row, column = divmod(number, self.columns)
        return column * (self.tile + self.gap), row * (self.tile + self.caption)


def samples(
    images: NDArray[np.uint8], labels: ArrayLike, answers: ArrayLike, confidences: ArrayLike, path: Path
) -> None:
    """The first images with their answers, the wrong ones marked."""
    truth, said, confidence = (np.asarray(values)[:_SAMPLES] for values in (labels, answers, confidences))
    wrong = truth != said
    grid = _Grid(columns=10, scale=3, gap=32, caption=54)
    with picture(path, grid.width + 2 * EDGE, HEAD + grid.height(len(truth)) + EDGE // 2) as figure:
        headline(
            figure,
            f"The first {counted(len(truth), 'image')}, {int(wrong.sum()) or 'none'} read wrong",
            "The answer and how sure the model was; a wrong one is framed and named with the true digit",
        )
        axes = _tiles(figure, images[: len(truth)], grid, wrong)
        for number in range(len(truth)):
            answer = f"{truth[number]} read as {said[number]}" if wrong[number] else f"{said[number]}"
            _caption(axes, grid, number, answer, sure(confidence[number]), ORANGE if wrong[number] else INK)


def mistakes(
    images: NDArray[np.uint8], labels: ArrayLike, answers: ArrayLike, confidences: ArrayLike, path: Path
) -> None:
    """The wrong answers that the model was surest of, the surest first."""
    truth, said, confidence = (np.asarray(values) for values in (labels, answers, confidences))
    wrong = np.flatnonzero(truth != said)
    worst = wrong[np.argsort(-confidence[wrong], kind="stable")][:_MISTAKES]
    grid = _Grid(columns=6, scale=5, gap=56, caption=64)
    with picture(path, grid.width + 2 * EDGE, HEAD + grid.height(len(worst)) + EDGE // 2) as figure:
        if not len(worst):
            headline(figure, "No mistakes", f"{counted(len(truth), 'image')} read, each of them right")
            return
        headline(
            figure,
            f"{_which(len(worst), len(wrong))} in {counted(len(truth), 'image')}",
            "The true digit, the answer, and how sure the model was of it; the surest first",
        )
        axes = _tiles(figure, images[worst], grid, np.zeros(len(worst), dtype=bool))
        for number, index in enumerate(worst):
            _caption(
                axes,
                grid,
                number,
                f"{truth[index]} read as {said[index]}",
                f"{sure(confidence[index])} sure",
                INK,
            )


def _which(shown: int, found: int) -> str:
    if found == 1:
        return "The only mistake"
    return f"The {shown} worst of {found:,} mistakes" if shown < found else f"All {found:,} mistakes"


def digits(images: NDArray[np.uint8], labels: ArrayLike, path: Path, title: str) -> None:
    """The first twelve images of each class, a row a class; what is beyond 9 is none and has no name."""
    truth = np.asarray(labels)
    classes = np.unique(truth)
    grid = _Grid(columns=_PER_CLASS, scale=3, gap=8, caption=8)
    margin = 40  # for the name of the row
    width, height = grid.width + margin + 2 * EDGE, grid.height(len(classes) * _PER_CLASS)
    with picture(path, width, HEAD + height + EDGE // 2) as figure:
        headline(figure, title, f"The first {_PER_CLASS} images of each digit, of {len(truth):,} images in all")
        names = canvas(figure, EDGE, HEAD, margin, height)
        for row, digit in enumerate(classes):
            chosen = images[truth == digit][:_PER_CLASS]
            top = row * (grid.tile + grid.caption)
            _tiles(figure, chosen, grid, np.zeros(len(chosen), dtype=bool), left=EDGE + margin, top=HEAD + top)
            names.text(0, top + grid.tile / 2, str(digit) if digit <= 9 else "–", size=18, weight="bold", va="center")


def _tiles(
    figure: Figure,
    images: NDArray[np.uint8],
    grid: _Grid,
    wrong: NDArray[np.bool_],
    left: int = EDGE,
    top: int = HEAD,
) -> Axes:
    """All tiles as one image, dark ink on light paper; its axes, in pixels, for what stands between them."""
    height = grid.height(len(images))
    sheet = np.full((height, grid.width, 3), 255, dtype=np.uint8)
    axes = canvas(figure, left, top, grid.width, height)
    for number, image in enumerate(images):
        paper = _WRONG_PAPER if wrong[number] else _PAPER
        small = paper + (_INK - paper) * (image[..., None] / np.float32(255))
        x, y = grid.place(number)
        sheet[y : y + grid.tile, x : x + grid.tile] = np.kron(small, np.ones((grid.scale, grid.scale, 1)))
        if wrong[number]:
            axes.add_patch(Rectangle((x, y), grid.tile, grid.tile, fill=False, edgecolor=ORANGE, linewidth=2.5))
    axes.imshow(sheet, extent=(0, grid.width, height, 0), interpolation="nearest", aspect="auto")
    return axes


def _caption(axes: Axes, grid: _Grid, number: int, answer: str, certainty: str, colour: str) -> None:
    """Two lines centred below a tile."""
    x, y = grid.place(number)
    middle, below = x + grid.tile / 2, y + grid.tile
    axes.text(middle, below + 7, answer, size=11, weight="bold", color=colour, ha="center", va="top")
    axes.text(middle, below + 26, certainty, size=9, color=MUTED, ha="center", va="top")
