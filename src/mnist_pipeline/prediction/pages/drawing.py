"""A page drawn with a box around every digit and the answer above it, readable at any size."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.errors import MnistError
from mnist_pipeline.pixels.pictures import read_grey
from mnist_pipeline.prediction.pages.reading import PageDigit
from mnist_pipeline.runs.files import whole

_SURE, _REFUSED = (178, 92, 20), (40, 40, 214)  # blue and red, as OpenCV has them: blue, green, red
_FONT = cv2.FONT_HERSHEY_DUPLEX
_SMALLEST = 640  # pixels of the longer side: a smaller picture is enlarged, so that answers are readable
_CAPITAL = 22  # pixels that the font's digits are tall at scale 1


def drawn(grey: NDArray[np.uint8], lines: list[list[PageDigit]]) -> NDArray[np.uint8]:
    """The page in colour, with boxes and answers."""
    times = max(1, -(-_SMALLEST // max(grey.shape)))
    size = (grey.shape[1] * times, grey.shape[0] * times)
    page = cv2.cvtColor(cv2.resize(grey, size, interpolation=cv2.INTER_NEAREST), cv2.COLOR_GRAY2BGR)
    for digit in (digit for line in lines for digit in line):
        _draw(page, digit, times)
    return np.asarray(page, np.uint8)


def _draw(page: cv2.typing.MatLike, digit: PageDigit, times: int) -> None:
    """Draw a digit's box, and its answer above it, or inside at the top of the page."""
    x, y, width, height = (side * times for side in digit.box)
    text, colour = ("?", _REFUSED) if digit.digit is None else (str(digit.digit), _SURE)
    thick = max(1, round(max(page.shape) / 700))
    corner = (x + width + thick, y + height + thick)
    cv2.rectangle(page, (x - thick - 1, y - thick - 1), corner, colour, thick, cv2.LINE_AA)
    by = float(np.clip(0.5 * height, 14, max(18, max(page.shape) / 40))) / _CAPITAL
    (wide, tall), _ = cv2.getTextSize(text, _FONT, by, thick)
    left, foot = min(max(x, 0), page.shape[1] - wide - 2), max(y - 2 * thick - 1, tall + 4)
    cv2.rectangle(page, (left - 2, foot - tall - 4), (left + wide + 2, foot), colour, cv2.FILLED)
    cv2.putText(page, text, (left, foot - 2), _FONT, by, (255, 255, 255), thick, cv2.LINE_AA)


def save_drawn(picture: str | Path, lines: list[list[PageDigit]], path: Path) -> None:
    """Write the page that a picture file holds, with its digits drawn in, as a whole file."""
    page = drawn(read_grey(picture), lines)
    with whole(path) as beside:
        written, data = cv2.imencode(path.suffix, page)
        if not written:
            raise MnistError(f"{path}: the picture cannot be written")
        beside.write_bytes(data.tobytes())  # not by imwrite, to which on Windows a path must be ASCII
