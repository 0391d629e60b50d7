"""Answers as they leave: sentences, JSON or CSV on stdout, at once; those about unreadable files are counted."""

import csv
import io
import json
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from mnist_pipeline.prediction import Prediction

COLUMNS = ("image", "digit", "confidence", "guess", "reason", "error")
_as_is = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_escaped = json.JSONEncoder(allow_nan=False).encode


class Answers:
    """Writes what comes, and remembers how many files could not be read."""

    def __init__(self, form: Literal["text", "json", "csv"], complain: Callable[[str], None]) -> None:
        self.unread = 0
        self._complain = complain
        self._written = {"text": self._sentences, "json": _objects, "csv": _rows}[form]
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="surrogateescape")  # a file's name goes out as the bytes that it is
        if form == "csv":
            _write(_table([COLUMNS]))

    def write(self, batch: "list[Prediction]") -> None:
        """Some answers, in their order."""
        self.unread += sum(answer.error is not None for answer in batch)
        _write(self._written(batch))

    def _sentences(self, batch: "list[Prediction]") -> str:
        """What goes to stderr goes there between those before and after it."""
        text = ""
        for answer in batch:
            if answer.error is None:
                text += f"{answer.sentence()}\n"
            else:
                _write(text)
                self._complain(answer.error)
                text = ""
        return text


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _objects(batch: "list[Prediction]") -> str:
    return "".join(f"{_object(answer.tree())}\n" for answer in batch)


def _object(tree: dict[str, object]) -> str:
    """Names that are no text are escaped: JSON is UTF-8."""
    text = _as_is(tree)
    try:
        text.encode()
    except UnicodeEncodeError:
        return _escaped(tree)
    return text


def _rows(batch: "list[Prediction]") -> str:
    return _table([getattr(answer, column) for column in COLUMNS] for answer in batch)


def _table(rows: Iterable[Iterable[object]]) -> str:
    """RFC 4180; what there is not is an empty cell."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()
