"""Pictures from Python: files, bytes, open files and arrays are read alike, errors are raised, answers explained."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_pipeline import predict
from mnist_pipeline.errors import PictureError
from mnist_pipeline.prediction.prediction import occlusion
from mnist_pipeline.prediction.predictor import Predictor

SEVEN = Path("examples/7.png")
PIXELS = cv2.cvtColor(np.asarray(cv2.imread(str(SEVEN))), cv2.COLOR_BGR2RGB).astype(np.uint8)
GREY = np.asarray(cv2.imread(str(SEVEN), cv2.IMREAD_GRAYSCALE)).astype(np.uint8)

AS: dict[str, Callable[[], Any]] = {
    "bytes": SEVEN.read_bytes,
    "a stream": lambda: io.BytesIO(SEVEN.read_bytes()),
    "RGB": lambda: PIXELS,
    "RGB and alpha": lambda: np.dstack([PIXELS, np.full_like(GREY, 255)]),
    "grey": lambda: GREY,
    "grey in three dimensions": lambda: GREY[..., None],
    "integers": lambda: GREY.astype(np.int64),
    "16 bits": lambda: GREY.astype(np.uint16) * 257,
    "fractions": lambda: GREY / 255,
    "fractions up to 255": lambda: GREY.astype(np.float16),
}


@pytest.mark.parametrize("kind", AS)
def test_a_picture_gets_the_same_probabilities_however_it_comes(kind: str, model: Predictor) -> None:
    assert model.predict(AS[kind]()).probabilities == model.predict(SEVEN).probabilities


def test_an_open_file_is_called_by_its_name(model: Predictor) -> None:
    with SEVEN.open("rb") as file:
        assert model.predict(file) == model.predict(SEVEN)


def test_a_file_opened_as_text_is_refused(model: Predictor) -> None:
    with SEVEN.open() as file, pytest.raises(PictureError, match=r"7\.png: of type TextIOWrapper: give a path"):
        model.predict(file)  # type: ignore[arg-type]


def test_truth_values_are_black_and_white(model: Predictor) -> None:
    assert model.predict(GREY > 128).digit == 7


def test_red_is_the_first_of_three_colours(model: Predictor) -> None:
    """Blue is darker than red as grey: as ink on red paper it is to be inverted, and the other way round not."""
    blue_on_red = np.where(GREY[..., None] > 128, (0, 0, 255), (255, 0, 0)).astype(np.uint8)
    assert model.predict(blue_on_red).inverted is True
    assert model.predict(blue_on_red[..., ::-1]).inverted is False


def test_an_array_is_left_as_it_was(model: Predictor) -> None:
    given = GREY / np.float32(255)
    before = given.copy()
    model.predict(given)
    np.testing.assert_array_equal(given, before)


UNREADABLE: dict[str, tuple[Callable[[], Any], str]] = {
    "no such file": (lambda: "none.png", "none.png: no such file"),
    "no picture": (lambda: b"text", "the bytes given: not a picture of a known kind"),
    "nothing": (lambda: b"", "the bytes given: the file is empty"),
    "too much": (lambda: io.BytesIO(bytes(64 * 2**20 + 1)), "more than the 64 MiB read here"),
    "text": (lambda: io.StringIO("text"), "the picture given: of type StringIO: give a path"),
    "something else": (lambda: [[0, 1]], "the picture given: of type list: give a path"),
    "a row": (lambda: np.zeros(784), r"the array given: its shape is \(784,\): give"),
    "seven channels": (lambda: np.zeros((28, 28, 7)), r"its shape is \(28, 28, 7\): give"),
    "too small": (lambda: np.zeros((3, 28), np.uint8), "28 x 3 pixels: too small"),
    "too large": (lambda: np.broadcast_to(np.uint8(0), (10_000, 10_000)), "10000 x 10000 pixels, more than"),
    "words": (lambda: np.full((28, 28), "x"), "pixels of type <U1 are not read here"),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_what_cannot_be_read_is_an_exception_of_one_line(kind: str, model: Predictor) -> None:
    given, line = UNREADABLE[kind]
    with pytest.raises(PictureError, match=line) as raised:
        model.predict(given())
    assert "\n" not in str(raised.value)
    with pytest.raises(PictureError, match=line):
        model.read_page(given())


def test_a_page_comes_as_a_picture_does(model: Predictor) -> None:
    page = np.hstack([PIXELS, PIXELS])
    assert model.read_page(page).text == "77"
    assert model.read_page(cv2.imencode(".png", page)[1].tobytes()).text == "77"


def test_of_many_pictures_one_that_cannot_be_read_is_an_answer(model: Predictor) -> None:
    first, second = model.predict_many([b"text", GREY])
    assert first.error is not None
    assert second.digit == 7


def test_an_answer_hangs_on_the_pixels_that_the_model_looks_at() -> None:
    """Here on the bar's middle, and on nothing of its ends."""
    bar = np.zeros((28, 28), np.uint8)
    bar[4:24, 13:15] = 255

    def seen(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        found = np.zeros((len(images), 10), np.float32)
        found[:, 1] = images[:, 14, 13] / 255
        return found

    losses = np.array(occlusion(bar, 1, seen))
    assert losses.max() == losses[14, 13] == 1
    assert losses[14, 13 + 4] == pytest.approx(0.2)
    assert losses[:10].max() == 0
    assert losses.min() == 0


def test_an_explanation_is_there_only_when_it_is_asked_for(model: Predictor) -> None:
    assert "explanation" not in model.predict(SEVEN).tree()
    told = json.loads(json.dumps(predict(SEVEN, "shipped", explain=True).tree()))
    losses = np.array(told["explanation"])
    assert losses.shape == (28, 28)
    assert losses.max() > 0.05
    assert losses[0].max() == 0
    assert model.predict(np.full((40, 40), 255, np.uint8), explain=True).explanation is None
