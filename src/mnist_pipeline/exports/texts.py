"""The texts of an export, from Jinja templates: the card as Markdown, and the model as C for microcontrollers.

The card also says how a picture becomes a model's input, in words and as code, for those who only have the files.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from mnist_pipeline.exports.metadata import card_head, kind_of
from mnist_pipeline.numerals import DIGITS
from mnist_pipeline.runs.files import write_text

_WORDS = (
    "One digit, light on dark, as MNIST holds it: grey values, inverted if the picture's border is light; what is "
    "darker than Otsu's threshold set to 0; cut out, shrunk or grown to fit 20x20 with its proportions kept, and laid "
    "into 28x28 with its centre of mass in the middle. Then pixel / 255, or what the form's input range says. "
    "`mnist predict` does the same with more care: uneven light, several shapes, pictures that hold no digit."
)
_SNIPPET = '''\
import cv2
import numpy as np

def digit(path):
    """The picture's one digit as (28, 28) bytes, light on dark."""
    grey = cv2.imread(path, cv2.IMREAD_GRAYSCALE)
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    grey = 255 - grey if border.mean() > 127.5 else grey
    ink = cv2.threshold(grey, 0, 255, cv2.THRESH_TOZERO | cv2.THRESH_OTSU)[1]
    x, y, w, h = cv2.boundingRect(ink)
    size = [max(1, round(20 * side / max(w, h))) for side in (w, h)]
    small = cv2.resize(ink[y:y + h, x:x + w], size, interpolation=cv2.INTER_AREA)
    moments = cv2.moments(small)
    right, down = (round(14 - moments[axis] / moments["m00"]) for axis in ("m10", "m01"))
    return cv2.warpAffine(small, np.float32([[1, 0, right], [0, 1, down]]), (28, 28))
'''
_MARKUP = re.compile(r"([\\`*_\[\]<>&#|~])")


def preparation(classes: Sequence[str]) -> dict[str, str]:
    """How a picture becomes a model's input, in words and as code."""
    noun = "digit" if tuple(classes) == DIGITS else "shape"
    return {"words": _WORDS.replace("digit", noun), "snippet": _SNIPPET.replace("one digit", f"one {noun}")}


def licence(source: str) -> str:
    """The licence of the images that the model was trained on."""
    if source == "mnist":
        return "MNIST (LeCun, Cortes, Burges), CC BY-SA 3.0"
    return f"that of {Path(source).name}, which only its owner knows"


def markdown(card: dict[str, Any]) -> str:
    """The card as Markdown, from the tree that card.json holds; it begins with what the Hugging Face Hub reads."""
    return f"---\n{card_head(card)}---\n{_render('card.md.jinja', card | {'kind': kind_of(card)})}"


def save_c(model: bytes, signature: dict[str, Any], paths: list[Path], about: str, classes: Sequence[str]) -> None:
    """A LiteRT model in eight bits as C: its bytes as an array, and a header with its scales and zero points."""
    named = "digits 0 to 9" if tuple(classes) == DIGITS else f"classes {', '.join(classes)}".replace("*/", "* /")
    values = {**signature, "model": model, "about": about, "count": len(classes), "named": named}
    for path in paths:
        write_text(path, _render(f"{path.name}.jinja", values))


def _render(name: str, values: dict[str, Any]) -> str:
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=False,  # noqa: S701 - no HTML
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    templates.filters |= {"text": _text, "grouped": "{:,}".format, "percent": "{:.2%}".format}
    templates.filters["top"] = lambda file: file.split("/")[0]
    return templates.get_template(name).render(values)


def _text(words: str) -> str:
    """Words from a config or a file's name as one line of Markdown in which no character is markup."""
    return _MARKUP.sub(r"\\\1", " ".join(words.split()))
