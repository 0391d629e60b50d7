"""Answers as rows of a file: CSV, JSON lines or Parquet, written part by part and then joined in their order."""

import csv
import io
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mnist_pipeline.runs.files import whole

if TYPE_CHECKING:
    import pyarrow as pa

    from mnist_pipeline.prediction.prediction import Prediction

Tally = Counter[str]  # how many pictures were read, refused or unread
COLUMNS = ("image", "digit", "label", "confidence", "guess", "nearest", "reason", "error", "model")  # of CSV
# Before what a spreadsheet would compute: a cell that begins like a formula, and is no number.
_FORMULA = re.compile(r"\A(?=[=@\t\r]|[+-](?!(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\Z))", re.IGNORECASE)
_BEGINS = tuple("=@\t\r+-")  # its first characters, which are quicker to look for in every cell
_GROUP = 65_536  # rows that are joined to one group of Parquet, which a reader takes at a time
_PIECE = 2**20  # bytes


class Form(NamedTuple):
    """How answers are written: a part, what a part tells of its answers, and parts as one file."""

    write: Callable[[Sequence["Prediction"], Path], None]
    tally: Callable[[Path], Tally]
    join: Callable[[Iterable[Path], Path], None]


def tally_of(answers: Iterable["Prediction"]) -> Tally:
    """How many of the answers are read, refused or unread."""
    return Tally(_kind(found.label, found.error) for found in answers)


def _kind(label: object, error: object) -> str:
    return "unread" if error is not None else "refused" if label is None else "read"


def cells(found: "Prediction") -> list[Any]:
    """A row of CSV in which nothing is computed: ./ before a name leads to the same file."""
    values = (getattr(found, column) for column in COLUMNS)
    return [
        _FORMULA.sub("./", value) if isinstance(value, str) and value.startswith(_BEGINS) else value for value in values
    ]


# Text: in the bytes of the file system, so that a name which is no UTF-8 is still the file's.

_TEXT: Any = {"encoding": "utf-8", "errors": "surrogateescape", "newline": ""}


def _write_csv(answers: Sequence["Prediction"], path: Path) -> None:
    with path.open("w", **_TEXT) as file:
        csv.writer(file).writerows([COLUMNS, *map(cells, answers)])


def _tally_csv(path: Path) -> Tally:
    with path.open(**_TEXT) as file:
        return Tally(_kind(row["label"] or None, row["error"] or None) for row in csv.DictReader(file))


def _join_csv(parts: Iterable[Path], path: Path) -> None:
    header = io.StringIO()
    csv.writer(header).writerow(COLUMNS)
    _join_text(parts, path, header.getvalue().encode())


def _write_lines(answers: Sequence["Prediction"], path: Path) -> None:
    lines = (json.dumps(found.tree(), allow_nan=False) for found in answers)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def _tally_lines(path: Path) -> Tally:
    with path.open(encoding="utf-8") as file:
        return Tally(_kind(found["label"], found.get("error")) for found in map(json.loads, file))


def _join_text(parts: Iterable[Path], path: Path, header: bytes = b"") -> None:
    with path.open("wb") as joined:
        joined.write(header)
        for part in parts:
            with part.open("rb") as file:
                file.seek(len(header))
                while piece := file.read(_PIECE):
                    joined.write(piece)


# Parquet


def _schema() -> "pa.Schema":
    import pyarrow as pa

    kinds = {
        "image": pa.string(), "digit": pa.int16(), "label": pa.string(), "guess": pa.int16(), "nearest": pa.string(),
        "confidence": pa.float64(), "probabilities": pa.list_(pa.float64()), "inverted": pa.bool_(),
        "reason": pa.string(), "model": pa.string(), "error": pa.string(),
    }  # fmt: skip
    return pa.schema(list(kinds.items()))


_HOW: Any = {"compression": "zstd", "use_dictionary": ["label", "nearest", "reason", "model"]}


def _write_parquet(answers: Sequence["Prediction"], path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    columns = {name: [getattr(found, name) for found in answers] for name in _schema().names}
    for name in ("image", "label", "nearest", "error", "model"):
        columns[name] = [text and _valid(text) for text in columns[name]]
    parquet.write_table(pa.table(columns, _schema()), path, **_HOW)


def _valid(text: str) -> str:
    r"""The text as Parquet takes it, valid UTF-8: a byte of a name that is none is shown as \xff."""
    return text if text.isascii() else os.fsencode(text).decode("utf-8", "backslashreplace")


def _tally_parquet(path: Path) -> Tally:
    from pyarrow import parquet

    found = parquet.read_table(path, columns=["label", "error"])
    return Tally(map(_kind, found["label"].to_pylist(), found["error"].to_pylist()))


def _join_parquet(parts: Iterable[Path], path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    def groups() -> Iterator[pa.Table]:
        gathered: list[pa.Table] = []
        for part in parts:
            gathered.append(parquet.read_table(part, schema=_schema()))
            if sum(map(len, gathered)) >= _GROUP:
                yield pa.concat_tables(gathered)
                gathered = []
        if gathered:
            yield pa.concat_tables(gathered)

    with parquet.ParquetWriter(path, _schema(), **_HOW) as writer:
        for group in groups():
            writer.write_table(group, _GROUP)


FORMS = {
    ".parquet": Form(_write_parquet, _tally_parquet, _join_parquet),
    ".csv": Form(_write_csv, _tally_csv, _join_csv),
    ".jsonl": Form(_write_lines, _tally_lines, _join_text),
}


def write_part(answers: Sequence["Prediction"], path: Path) -> None:
    """Write answers as a whole file, in the form that its suffix says."""
    with whole(path) as beside:
        FORMS[path.suffix].write(answers, beside)
