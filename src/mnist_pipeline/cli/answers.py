"""Answers as they leave: sentences, JSON or CSV on stdout, at once; those about unreadable files are counted."""

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
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet computes, because it begins so


class Answers:
    """Writes what comes, and remembers how many files could not be read."""

    def __init__(self, form: Literal["text", "json", "csv"], complain: Callable[[str], None]) -> None:
        self.unread = 0
        self._complain = complain
        self._written = {"text": self._sentences, "json": _objects, "csv": _rows}[form]
        if form == "csv":
            _write(_table([COLUMNS]))

    def write(self, batch: "list[Prediction]") -> None:
        """Some answers, in their order."""
        self.unread += sum(answer.error is not None for answer in batch)
        _write(self._written(batch))

    def _sentences(self, batch: "list[Prediction]") -> str:
        """A line a picture, whatever its name holds; what goes to stderr goes there between those before and after."""
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
    """No formula: ./ before a name leads to the same file. Names are bytes in a file, and printable on a terminal."""
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
    """RFC 4180; what there is not is an empty cell."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()
