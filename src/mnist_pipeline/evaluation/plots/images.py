"""Plots that show images: samples, mistakes, the classes of a data set, and the steps to one answer."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from mnist_pipeline.evaluation.plots.charts import names_room
from mnist_pipeline.evaluation.plots.style import EDGE, HEAD, Colour, canvas, headline, panel, saved_figure
from mnist_pipeline.numerals import DIGITS, counted, noun, sure

if TYPE_CHECKING:
    from mnist_pipeline.data import Part

_SAMPLES, _MISTAKES, _PER_CLASS = 40, 30, 12  # images on a plot
_TILE_INK, _TILE_PAPER, _WRONG_PAPER = np.array([[16, 24, 40], [238, 242, 246], [253, 226, 207]], np.float32)

_PANEL = 260  # pixels: the side of a step's panel
_TITLE = 34  # pixels above a panel that its title takes
_PANEL_ROW = _PANEL + _TITLE + 24
_MOST_BARS = 10  # classes whose probabilities have room in a panel
_SLIGHT = 0.02  # of a probability: an answer that loses no more hangs on no place, and its panel stays pale


class _Grid(NamedTuple):
    """Tiles in rows, in pixels; a tile is an image enlarged `scale` times."""

    columns: int
    scale: int
    gap: int
    caption: int  # the height below each tile that its caption takes

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


_FLAGGED = _Grid(columns=10, scale=3, gap=32, caption=54)


class Read(NamedTuple):
    """Images with their true classes, the answers for them, and the probabilities of those answers."""

    images: NDArray[np.uint8]
    labels: NDArray[Any]
    answers: NDArray[Any]
    confidences: NDArray[Any]

    def told(self) -> Iterator[tuple[str, float]]:
        """What is said of each image, beside the class that a wrong one is, and how sure that is."""
        for _, label, answer, confidence in zip(*self, strict=True):
            yield f"{label} read as {answer}" if label != answer else f"{answer}", confidence


def answers(part: "Part", probabilities: NDArray[np.float32], folder: Path) -> None:
    """The plots of a part's images with the answers for them: samples.png and mistakes.png."""
    names = np.array(part.classes, object)
    read = Read(part.images, names[part.labels], names[probabilities.argmax(axis=1)], probabilities.max(axis=1))
    samples(read, folder / "samples.png")
    mistakes(read, folder / "mistakes.png")


def samples(read: Read, path: Path) -> None:
    """The first images of a part with their answers, the wrong ones marked."""
    first = Read(*(values[:_SAMPLES] for values in read))
    wrong = first.labels != first.answers
    title = f"The first {counted(len(wrong), 'image')}, {int(wrong.sum()) or 'none'} read wrong"
    note = "The answer and how sure the model was; a wrong one is framed and named with what it is"
    flagged(first.images, [(said, sure(share)) for said, share in first.told()], path, title, note, wrong=wrong)


def mistakes(read: Read, path: Path) -> None:
    """The wrong answers of which the model was surest, the surest first."""
    wrong = np.flatnonzero(read.labels != read.answers)
    worst = wrong[np.argsort(-read.confidences[wrong], kind="stable")][:_MISTAKES]
    total, shown, found = counted(len(read.labels), "image"), len(worst), len(wrong)
    title, note = "No mistakes", f"{total} read, each of them right"
    if found:
        which = f"The {shown} worst of" if shown < found else "All"
        title = f"{which} {found:,} mistakes in {total}" if found > 1 else f"The only mistake in {total}"
        note = "What it is, the answer, and how sure the model was of it; the surest first"
    some = Read(*(values[worst] for values in read))
    captions = [(said, f"{sure(share)} sure") for said, share in some.told()]
    flagged(some.images, captions, path, title, note, grid=_Grid(columns=6, scale=5, gap=56, caption=64))


def disagreements(
    images: NDArray[np.uint8], rows: Sequence[Mapping[str, Any]], path: Path, count: str, runs: int
) -> None:
    """The images on which every run disagrees with the label, each with its number in the test set."""
    captions = [
        (f"{row['label']} read as {row['answer']}", f"no. {row['image']}, {sure(row['confidence'])}") for row in rows
    ]
    note = "The label, the answer, the image's number, and the mean confidence of the answer; the surest first"
    flagged(images, captions, path, f"{count} on which all of {runs} runs disagree with the label", note)


def digits(
    images: NDArray[np.uint8], labels: NDArray[Any], path: Path, title: str, classes: Sequence[str] = DIGITS
) -> None:
    """The first twelve images of each class, a row a class; a label beyond the classes is shown as a dash."""
    margin = 20 * min(max(map(len, classes)) + 1, 12)  # pixels left of a row for the name of its class
    rows = [
        (classes[number] if number < len(classes) else "–", images[labels == number][:_PER_CLASS])
        for number in np.unique(labels)
    ]
    note = f"The first {_PER_CLASS} images of each {noun(classes)}, of {len(labels):,} images in all"
    grid = _Grid(columns=_PER_CLASS, scale=3, gap=8, caption=8)
    _sheet(rows, path, grid, margin, title, note, lambda name: _fitting(name, margin, 18))


def _sheet(
    rows: Sequence[tuple[str, NDArray[np.uint8]]], path: Path, grid: _Grid, margin: int, title: str, note: str,
    size: Callable[[str], float], **look: Any,
) -> None:  # fmt: skip
    """A row of tiles for each name, which stands in a margin of so many pixels left of it."""
    height = len(rows) * grid.height(1)
    with saved_figure(path, grid.width + margin + 2 * EDGE, HEAD + height + EDGE // 2) as figure:
        headline(figure, title, note)
        names = canvas(figure, EDGE, HEAD, margin, height)
        for row, (name, shown) in enumerate(rows):
            top = row * grid.height(1)
            _tiles(canvas(figure, EDGE + margin, HEAD + top, grid.width, grid.height(1)), shown, grid)
            names.text(0, top + grid.tile / 2, name, size=size(name), weight="bold", va="center", **look)


def _fitting(text: str, width: int, most: float) -> float:
    """The size of letters in bold at which a text is no wider than so many pixels."""
    return float(min(most, max(5, width / max(len(text), 1))))


_A_SHEET = 800  # images on a contact sheet


def contact_sheets(part: "Part", folder: Path) -> list[Path]:
    """Every image under its label, to check the labels on: sheet.png, and sheet-2.png and so on where it takes more.

    Beside each row stands its class, and which image of the class is the first one in it.
    """
    rows, grid = list[tuple[str, NDArray[np.uint8]]](), _Grid(columns=20, scale=2, gap=4, caption=4)
    for number, name in enumerate(part.classes):
        of_class = part.images[part.labels == number]
        for first in range(0, len(of_class), grid.columns):
            rows.append((f"{name}\nfrom {first + 1}", of_class[first : first + grid.columns]))
    many = _A_SHEET // grid.columns
    sheets = [rows[first : first + many] for first in range(0, len(rows), many)]
    paths = [folder / f"sheet{f'-{number}' if number > 1 else ''}.png" for number in range(1, len(sheets) + 1)]
    for number, (path, sheet) in enumerate(zip(paths, sheets, strict=True), 1):
        title = f"{counted(len(part), 'image')}, sheet {number} of {len(sheets)}"
        note = "Beside each row its class, and which image of the class is the first in the row"
        _sheet(sheet, path, grid, 96, title, note, lambda _: 10, clip_on=True)
    return paths


def _tiles(axes: Axes, images: NDArray[np.uint8], grid: _Grid, wrong: NDArray[np.bool_] | None = None) -> None:
    """All tiles in one bitmap on a canvas of its size, dark ink on light paper, the wrong ones framed.

    A sheet of 120 tiles took 2.2 s as axes of their own, and takes 0.5 s as one bitmap.
    """
    height = grid.height(len(images))
    sheet = np.full((height, grid.width, 3), 255, np.uint8)
    for number, image in enumerate(images):
        marked = wrong is not None and wrong[number]
        paper = _WRONG_PAPER if marked else _TILE_PAPER
        coloured = paper + (_TILE_INK - paper) * (image[..., None] / np.float32(255))
        x, y = grid.place(number)
        sheet[y : y + grid.tile, x : x + grid.tile] = np.kron(coloured, np.ones((grid.scale, grid.scale, 1)))
        if marked:
            axes.add_patch(Rectangle((x, y), grid.tile, grid.tile, fill=False, edgecolor=Colour.ORANGE, linewidth=2.5))
    axes.imshow(sheet, extent=(0, grid.width, height, 0), interpolation="nearest", aspect="auto")


def flagged(
    images: NDArray[np.uint8], captions: Sequence[tuple[str, str]], path: Path, title: str, note: str, *,
    grid: _Grid = _FLAGGED, wrong: NDArray[np.bool_] | None = None,
) -> None:  # fmt: skip
    """Images with two lines of words below each, the wrong ones framed."""
    height = grid.height(len(images))
    with saved_figure(path, grid.width + 2 * EDGE, HEAD + height + EDGE // 2) as figure:
        headline(figure, title, note)
        if not len(images):
            return
        axes = canvas(figure, EDGE, HEAD, grid.width, height)
        _tiles(axes, images, grid, wrong)
        for number, (upper, lower) in enumerate(captions):
            x, y = grid.place(number)
            below: dict[str, Any] = {"x": x + grid.tile / 2, "ha": "center", "va": "top"}
            size, colour = _fitting(upper, grid.tile + grid.gap, 11), Colour.INK
            if wrong is not None and wrong[number]:
                colour = Colour.ORANGE
            axes.text(y=y + grid.tile + 7, s=upper, size=size, weight="bold", color=colour, **below)
            axes.text(y=y + grid.tile + 26, s=lower, size=9, color=Colour.MUTED, **below)


Steps = Sequence[tuple[str, NDArray[np.uint8]]]  # each with its name
Losses = Sequence[Sequence[float]]  # of probability, where a patch covers the place


def answer_steps(
    steps: Steps,
    probabilities: Sequence[float] | None,
    sentence: str,
    path: Path,
    explanation: Losses | None = None,
    classes: Sequence[str] = DIGITS,
) -> None:
    """Each step from the picture as given to the 28x28 pixels that the model saw, then what it made of them."""
    panels = len(steps) + (explanation is not None) + (probabilities is not None)
    columns = 3 if panels in (3, 5, 6, 9) else 4  # whichever leaves no gap, or the smaller one
    rows = -(-panels // columns)
    with saved_figure(path, EDGE + columns * (_PANEL + EDGE), HEAD - _TITLE + 8 + rows * _PANEL_ROW) as figure:
        headline(figure, sentence)
        places = [
            (EDGE + number % columns * (_PANEL + EDGE), HEAD + 8 + number // columns * _PANEL_ROW)
            for number in range(panels)
        ]
        for (left, top), (title, image) in zip(places, steps, strict=False):
            _image(panel(figure, left, top, _PANEL, _PANEL), _shrunk(image), title)
        if explanation is not None:
            _occluded(panel(figure, *places[len(steps)], _PANEL, _PANEL), steps[-1][1], np.array(explanation))
        if probabilities is not None:
            left, top = places[-1]
            room = 16 + min(names_room(classes), _PANEL // 2)
            _probabilities(panel(figure, left + room, top, _PANEL - room, _PANEL), probabilities, classes)


def _occluded(axes: Axes, pixels: NDArray[np.uint8], losses: NDArray[np.float64]) -> None:
    """The digit on paper, the more orange the more a patch over the place takes from the probability of the answer."""
    most = float(losses.max())
    share = np.clip(losses / max(most, _SLIGHT), 0, 1)[..., None]
    ink = pixels[..., None] / 255
    blue, orange, paper = (np.array(to_rgb(colour)) for colour in (Colour.PALE_BLUE, Colour.ORANGE, Colour.PAPER))
    around, stroke = paper + (orange - paper) * share / 4, blue + (orange - blue) * share
    _image(axes, around * (1 - ink) + stroke * ink, "what the answer hangs on")
    axes.set_xlabel(f"covering the orange costs the answer {max(most, 0):.1%}", size=8, loc="left")


def _shrunk(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image no larger than its panel: a photo of millions of pixels takes seconds to draw and shows no more."""
    factor = min(1, _PANEL / max(grey.shape))
    height, width = (max(1, round(side * factor)) for side in grey.shape)
    return cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)


def _image(axes: Axes, image: NDArray[Any], title: str) -> None:
    axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set(xticks=[], yticks=[], title=title)
    axes.spines[:].set(visible=True, color=Colour.LINE)
    axes.set_anchor("NW")


def _probabilities(axes: Axes, probabilities: Sequence[float], classes: Sequence[str]) -> None:
    """A bar for each class, or for the ten likeliest ones."""
    likeliest = sorted(range(len(classes)), key=lambda number: -probabilities[number])[:_MOST_BARS]
    shown = sorted(likeliest)
    shares, best = [probabilities[number] for number in shown], shown.index(likeliest[0])
    colours = [Colour.BLUE if row == best else Colour.PALE_BLUE for row in range(len(shown))]
    bars = axes.barh(range(len(shown)), shares, color=colours, height=0.76)
    axes.bar_label(bars, [sure(share) for share in shares], padding=4, size=8)
    title = f"probability of each {noun(classes)}" if len(shown) == len(classes) else "the likeliest classes"
    axes.set(title=title, xlim=(0, 1.25), xticks=[])
    axes.set_yticks(range(len(shown)), [classes[number] for number in shown])
    axes.invert_yaxis()
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(length=0, labelsize=11)
    axes.yaxis.get_ticklabels()[best].set_fontweight("bold")
