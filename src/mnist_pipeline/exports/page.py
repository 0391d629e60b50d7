"""A run as one HTML page that reads what is drawn on it: its network and all its code are inside, nothing is fetched.

The page's own files lie in page_files/. Its code needs no page to compute, so that the proof runs it in Node.
"""

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from mnist_pipeline.errors import ExportError
from mnist_pipeline.exports.forms import NO_MEANS
from mnist_pipeline.exports.page_network import Bits, read_network
from mnist_pipeline.numerals import DIGITS, named, percent
from mnist_pipeline.prediction.foreign import vet
from mnist_pipeline.prediction.shipping import SHIPPED, ShippedRun, run_called
from mnist_pipeline.runs.files import write_text
from mnist_pipeline.runs.run import Run

_FILES = Path(__file__).parent / "page_files"
_COMMENT = re.compile(r"(^|\s+)//\s.*")  # our files have no text in quotes that looks like one
_WORDS = re.compile(r'("[^"\n]*"|`[^`\n]*`)')  # what stands in quotes, in which every space counts
_SPACED = re.compile(r" ?([=!<>]==?|=>|&&|\|\||\?\?|[-+*/%=<>?:,;(){}|&]) ?")
_GOES_ON = re.compile(r"(?<=[;{,(\[])\n")
# In the order in which one builds on those before it.
_SCRIPTS = ("network.js", "fitting.js", "reading.js", "drawing.js", "views.js", "page.js")


class Parts(NamedTuple):
    """The page as three files, for a server: the HTML asks for page.css and page.js beside it."""

    html: str
    css: str
    js: str


def build(run: str | Path | Run | None = SHIPPED, bits: Bits = 8) -> str:
    """The whole page as one text: of the model that comes with the package, or of a trained run."""
    css, js = style(), script()
    rules = f"default-src 'none'; style-src {_digest(css)}; script-src {_digest(js)}; img-src data:; base-uri 'none'"
    return _render(run, bits, css=css, js=js, rules=rules)


def save_page(path: Path, run: str | Path | Run | None = SHIPPED, bits: Bits = 8) -> None:
    """Write the whole page as a file."""
    write_text(path, build(run, bits))


def parts(run: str | Path | Run | None = SHIPPED, bits: Bits = 8, *, head: str = "", body: str = "") -> Parts:
    """The page in parts, no style or script among the HTML; with more HTML in its head and at the end of its body."""
    html = _render(run, bits, css=None, js=None, rules=None, head=head, body=body)
    return Parts(html, style(), script())


def style() -> str:
    """How the page looks, without the spaces that only a reader needs."""
    return re.sub(r"\s*([{};,])\s*|(:)\s+", r"\1\2", _text("page.css"))


def script() -> str:
    """The code of the page: what it computes with, and what it shows where there is a document."""
    code = "".join(_text(name) for name in _SCRIPTS)
    parts = _WORDS.split(code)
    parts[::2] = [_GOES_ON.sub("", _SPACED.sub(r"\1", part)) for part in parts[::2]]
    return '"use strict";\n' + "".join(parts)


def _render(run: str | Path | Run | None, bits: Bits, head: str = "", body: str = "", **how: Any) -> str:
    pages = Environment(
        loader=FileSystemLoader(_FILES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    model = _model(run, bits)
    # In a block of data no < may stand that could end it.
    data = json.dumps(model, separators=(",", ":")).replace("<", "\\u003c")
    return pages.get_template("page.html.jinja").render(model=model, data=data, head=head, body=body, **how)


def _model(where: str | Path | Run | None, bits: Bits) -> dict[str, Any]:
    """What the page has of a model: its network, the confidence below which it refuses, and what is said about it."""
    run = run_called(where)
    if run.config().averages:
        raise ExportError(f"{run.path}: {NO_MEANS}: export another form")
    vet(run.onnx_file, None)
    known = isinstance(run, ShippedRun) or "evaluate" in run.metrics()
    accuracy = run.figures("evaluate")["test_accuracy"] if known else None
    name, parameters = run.name, run.figures("train")["parameters"]
    said = {"name": name, "parameters": parameters, "accuracy": accuracy and percent(accuracy)}
    names = run.classes
    classes = {"classes": names, "named": [named(label) for label in names], "digits": names == DIGITS}
    return {**said, **classes, "threshold": run.threshold(), "network": read_network(run.onnx_file, bits)}


def _text(name: str) -> str:
    """A style or a script as the page holds it: without indentation and comments, a fifth of its size."""
    lines = (_COMMENT.sub("", line).strip() for line in (_FILES / name).read_text(encoding="utf-8").splitlines())
    return "".join(f"{line}\n" for line in lines if line)


def _digest(text: str) -> str:
    """What a content security policy calls a text by."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
