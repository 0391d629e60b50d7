"""The plots: each a readable PNG of a sensible size, the same bytes for the same input."""

from collections.abc import Callable
from pathlib import Path

import cv2
import matplotlib
import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_pipeline.evaluation.plots.charts import Layer, Strip, architecture, confusion, curves, distribution, seeds
from mnist_pipeline.evaluation.plots.comparisons import Claim, corruptions, frontier
from mnist_pipeline.evaluation.plots.images import Read, answer_steps, digits, mistakes, samples
from mnist_pipeline.runs.results import CorruptionRow

Draw = Callable[[Path], None]

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (60, 28, 28), dtype=np.uint8)
LABELS = np.arange(60) % 10
ANSWERS = np.where(np.arange(60) % 7 == 0, (LABELS + 1) % 10, LABELS)
CONFIDENCES = RANDOM.uniform(0.3, 1, 60)
MATRIX = np.diag(np.full(10, 95)) + RANDOM.integers(0, 5, (10, 10))
HISTORY = {
    "loss": [0.5, 0.3, 0.2],
    "accuracy": [0.8, 0.9, 0.95],
    "val_loss": [0.4, 0.35, 0.3],
    "val_accuracy": [0.85, 0.9, 0.92],
    "learning_rate": [0.001, 0.001, 0.0005],
}
LAYERS = [
    Layer("input", "InputLayer", (28, 28), 0),
    Layer("conv", "Conv2D", (28, 28, 32), 320),
    Layer("flatten", "Flatten", (25088,), 0),
    Layer("dense", "Dense", (10,), 250890),
]
STRIP = Strip(
    title="dense: test accuracy",
    values=RANDOM.normal(0.97, 0.001, 20).tolist(),
    interval=(0.968, 0.972),
    lines=[("R1: 96.60 %", 0.966)],
    percent=True,
)
CORRUPTED: list[CorruptionRow] = [
    {"corruption": "fog", "accuracy": 0.3, "refused": 0.2, "wrong": 0.5},
    {"corruption": "shear", "accuracy": 0.9, "refused": 0.0, "wrong": 0.1},
]
CLAIMS = [
    Claim("dense", 0.97, 0.004, 2.6, 42_310, ""), Claim("cnn", 0.994, 0.001, 200.0, 459_210, ""),
    Claim("cnn-portable", 0.994, 0.001, 190.0, 459_210, ""), Claim("tiny", 0.92, None, 1.2, 8_180, ""),
    Claim("others", 0.996, 0.0005, 960.0, 327_242, "honest"), Claim("record", 1.0, None, None, 697, "on the test set"),
    Claim("somebody", 0.99, None, 0.8, None, "not said"),
]  # fmt: skip

NAMES = tuple(f"{number}" for number in range(47))
WORDS = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
PLOTS: dict[str, Draw] = {
    "confusion": lambda path: confusion(MATRIX, path, "dense"),
    "samples": lambda path: samples(Read(IMAGES, LABELS, ANSWERS, CONFIDENCES), path),
    "mistakes": lambda path: mistakes(Read(IMAGES, LABELS, ANSWERS, CONFIDENCES), path),
    "curves": lambda path: curves(HISTORY, path),
    "architecture": lambda path: architecture(LAYERS, path, "dense"),
    "digits": lambda path: digits(IMAGES, LABELS, path, "MNIST"),
    "distribution": lambda path: distribution([6000] * 10, [1000] * 10, path),
    "seeds": lambda path: seeds([[STRIP, STRIP._replace(percent=False)]], path),
    "corruptions": lambda path: corruptions(CORRUPTED, 0.97, 0.6, path, "dense"),
    "frontier": lambda path: frontier(CLAIMS, path),
    "confusion of letters": lambda path: confusion(np.diag([9] * 47) + np.eye(47, k=3, dtype=int), path, "x", NAMES),
    "distribution of letters": lambda path: distribution([2400] * 47, [400] * 47, path, NAMES),
    "confusion of words": lambda path: confusion(MATRIX, path, "clothes", WORDS),
    "distribution of words": lambda path: distribution([6000] * 10, [1000] * 10, path, WORDS),
    "digits of words": lambda path: digits(IMAGES, LABELS, path, "clothes", WORDS),
    "answer_steps of letters": lambda path: answer_steps(
        [("as given", IMAGES[0])], [1 / 47] * 47, "a letter", path, None, NAMES
    ),
    "answer_steps": lambda path: answer_steps(
        [("tall", IMAGES[0].repeat(20, axis=0)), ("small", IMAGES[0])], [0.1] * 10, "A 7", path
    ),
}


def read(path: Path) -> NDArray[np.uint8]:
    plot = cv2.imread(str(path))
    assert plot is not None
    return plot.astype(np.uint8)


def drawn(draw: Draw, path: Path) -> NDArray[np.uint8]:
    draw(path)
    return read(path)


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with each of the plots."""
    folder = tmp_path_factory.mktemp("plots") / "new folder"
    for name, draw in PLOTS.items():
        draw(folder / f"{name}.png")
    return folder


@pytest.mark.parametrize("name", PLOTS)
def test_a_plot_is_wide_enough_to_read_and_has_something_on_it(name: str, gallery: Path) -> None:
    plot = read(gallery / f"{name}.png")
    height, width, _ = plot.shape
    assert 900 <= width <= 1400
    assert 200 <= height <= 1400
    assert plot.std() > 5


@pytest.mark.parametrize("name", PLOTS)
def test_the_same_input_gives_the_same_bytes_whatever_the_reader_set_up(
    name: str, gallery: Path, tmp_path: Path
) -> None:
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black", "savefig.dpi": 20}):
        PLOTS[name](tmp_path / "again.png")
        assert matplotlib.rcParams["font.size"] == 30
    assert (tmp_path / "again.png").read_bytes() == (gallery / f"{name}.png").read_bytes()


def orange(plot: NDArray[np.uint8]) -> int:
    """How many pixels have the palette's colour for what is wrong."""
    return int((plot == (0x00, 0x5E, 0xD5)).all(axis=-1).sum())


def test_a_perfect_confusion_matrix_has_no_coloured_cell(gallery: Path, tmp_path: Path) -> None:
    cells = slice(100, 880), slice(96, 876)  # without the colour scale beside them
    perfect = drawn(lambda path: confusion(np.diag([100] * 10), path, "best"), tmp_path / "p.png")[cells]
    usual = read(gallery / "confusion.png")[cells]
    reddish = [int((cells[..., 2].astype(int) - cells[..., 0] > 30).sum()) for cells in (perfect, usual)]
    assert reddish[0] == 0
    assert reddish[1] > 10_000


def test_one_mistake_shows_beside_a_strong_diagonal(tmp_path: Path) -> None:
    matrix = np.diag([1000] * 10)
    matrix[4, 9] = 1
    plot = drawn(lambda path: confusion(matrix, path, "almost"), tmp_path / "p.png")
    row, column = 100 + int(4.2 * 78), 96 + int(9.2 * 78)  # inside the cell, off its text
    blue, _, red = (int(value) for value in plot[row, column])
    assert red - blue > 10


def test_a_class_without_images_leaves_an_empty_row(tmp_path: Path) -> None:
    drawn(lambda path: confusion(np.diag([0] + [5] * 9), path, "nine"), tmp_path / "p.png")


def test_samples_mark_what_is_wrong_and_only_that(gallery: Path, tmp_path: Path) -> None:
    wrong = read(gallery / "samples.png")
    right = drawn(lambda path: samples(Read(IMAGES, LABELS, LABELS, CONFIDENCES), path), tmp_path / "r.png")
    assert orange(wrong) > 1000
    assert orange(right) == 0


def test_no_mistakes_is_said_on_a_small_sheet(tmp_path: Path) -> None:
    plot = drawn(lambda path: mistakes(Read(IMAGES, LABELS, LABELS, CONFIDENCES), path), tmp_path / "p.png")
    assert plot.shape[0] < 200
    assert plot.std() > 1


def test_the_surest_mistakes_come_first(tmp_path: Path) -> None:
    images = np.zeros((40, 28, 28), dtype=np.uint8)
    images[33] = 255  # of all forty mistakes the surest
    sure = np.full(40, 0.5)
    sure[33] = 0.9
    plot = drawn(
        lambda path: mistakes(Read(images, np.zeros(40, int), np.ones(40, int), sure), path),
        tmp_path / "p.png",
    )
    assert plot[92 + 70, 32 + 70].mean() < 60  # the middle of the first tile
    assert plot[92 + 70, 32 + 70 + 196].mean() > 200  # the middle of the second


@pytest.mark.parametrize(("epochs", "validated"), [(1, True), (1, False), (200, False)])
def test_curves_of_few_and_many_epochs_with_and_without_validation(
    epochs: int, validated: bool, tmp_path: Path
) -> None:
    history = {key: values[:1] * epochs for key, values in HISTORY.items()}
    if not validated:
        del history["val_loss"]
        history["val_accuracy"] = []
    plot = drawn(lambda path: curves(history, path), tmp_path / "p.png")
    assert (orange(plot) > 0) == validated
    assert plot.shape[0] < 520  # a constant learning rate needs no panel


def test_thirty_layers_stack_up(gallery: Path, tmp_path: Path) -> None:
    four = read(gallery / "architecture.png")
    layers = [Layer(f"batch_normalization_{n}", "BatchNormalization", (28, 28, 32), 128) for n in range(30)]
    thirty = drawn(lambda path: architecture(layers, path, "deep"), tmp_path / "thirty.png")
    assert thirty.shape[1] == four.shape[1]
    assert thirty.shape[0] - four.shape[0] == 26 * 72


def test_digits_has_a_row_for_each_class_that_is_there(gallery: Path, tmp_path: Path) -> None:
    all_ten = read(gallery / "digits.png")
    three = drawn(lambda path: digits(IMAGES, LABELS % 3, path, "three"), tmp_path / "three.png")
    assert all_ten.shape[0] - three.shape[0] == 7 * 92


def test_words_are_drawn_as_given_even_without_a_glyph_for_them(tmp_path: Path) -> None:
    sentence = "数字 $x^2$ \\frac{ cost.png: " + "a long name " * 20
    drawn(lambda path: answer_steps([(sentence, IMAGES[0])], [0.1] * 10, sentence, path), tmp_path / "p.png")


def test_bytes_of_a_name_that_are_no_text_are_drawn_as_question_marks(tmp_path: Path) -> None:
    title = "Training images of digits\udcff.npz"
    as_bytes = drawn(lambda path: digits(IMAGES, LABELS, path, title), tmp_path / "bytes.png")
    as_text = drawn(lambda path: digits(IMAGES, LABELS, path, title.replace("\udcff", "?")), tmp_path / "t.png")
    assert np.array_equal(as_bytes, as_text)


def test_a_large_photo_is_drawn_small(tmp_path: Path) -> None:
    photo = np.zeros((3000, 4000), dtype=np.uint8)
    plot = drawn(lambda path: answer_steps([("photo", photo)] * 2, [0.1] * 10, "photo", path), tmp_path / "p.png")
    assert plot.shape[1] == 908


def test_an_answer_without_probabilities_shows_the_steps_alone(tmp_path: Path) -> None:
    six = drawn(lambda path: answer_steps([("step", IMAGES[0])] * 6, None, "no digit", path), tmp_path / "six.png")
    seven = drawn(lambda path: answer_steps([("step", IMAGES[0])] * 6, [0.1] * 10, "a digit", path), tmp_path / "7.png")
    assert six.shape[1] < seven.shape[1]
    assert six.shape[0] == seven.shape[0]


def test_seeds_that_lie_on_each_other_and_one_alone_without_an_interval(tmp_path: Path) -> None:
    strips = [STRIP._replace(values=[0.97] * 20, lines=[]), STRIP._replace(values=[0.97], interval=None)]
    plot = drawn(lambda path: seeds([[strip] for strip in strips], path), tmp_path / "p.png")
    assert orange(plot) > 0
