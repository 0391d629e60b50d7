"""Answers about digits on stdout as they come: sentences, JSON or CSV; those about unreadable files are counted."""

import csv
import io
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Literal

from mnist_pipeline.cli.console import as_json
from mnist_pipeline.cli.streams import printable

if TYPE_CHECKING:
    from mnist_pipeline.prediction.predictor import Prediction

COLUMNS = ("image", "digit", "confidence", "guess", "reason", "error")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a cell that begins so is computed by a spreadsheet


class Answers:
    """Writes answers in one form, and counts the files that could not be read."""

    def __init__(self, form: Literal["text", "json", "csv"], complain: Callable[[str], None]) -> None:
        self.unread = 0
        self._complain = complain
        self._text = {"text": self._sentences, "json": _objects, "csv": _rows}[form]
        if form == "csv":
            _write(_table([COLUMNS]))

    def write(self, batch: "list[Prediction]") -> None:
        """Write some answers, in their order."""
        self.unread += sum(answer.error is not None for answer in batch)
        _write(self._text(batch))

    def _sentences(self, batch: "list[Prediction]") -> str:
        """A line for each picture; what precedes a complaint is written before it, so that the order stays."""
        text = ""
        for answer in batch:
            if answer.error is None:
                text += f"{printable(answer.sentence())}\n"
            else:
                _write(text)
                self._complain(answer.error)
                text = ""
        return text


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _objects(batch: "list[Prediction]") -> str:
    return "".join(f"{as_json(answer.tree())}\n" for answer in batch)


def _rows(batch: "list[Prediction]") -> str:
    return _table([_cell(getattr(answer, column)) for column in COLUMNS] for answer in batch)


def _cell(value: object) -> object:
    """A value that no spreadsheet computes: ./ before a name leads to the same file. Names stay bytes in a file."""
    if not isinstance(value, str):
        return value
    safe = f"./{value}" if value.startswith(_FORMULA) and not _is_number(value) else value
    return printable(safe) if sys.stdout.isatty() else safe


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _table(rows: Iterable[Iterable[object]]) -> str:
    """Rows of CSV (RFC 4180); a value that is missing is an empty cell."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()
