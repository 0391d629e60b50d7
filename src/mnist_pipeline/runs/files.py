"""Files written whole or not at all: beside their place first, then renamed."""

import csv
import io
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mnist_pipeline.errors import RunError

UNFINISHED = ".writing-"  # begins the name of what is not whole yet


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path to write to; the file takes its final name once the block has ended well, and not before.

    The stand-in has the suffix of the final name, because writers go by it, and the permissions that the umask leaves
    to any new file.
    """
    beside = path.parent / f"{UNFINISHED}{os.urandom(4).hex()}{path.suffix}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.touch(exist_ok=False)
        yield beside
        with beside.open("r+b") as written:  # Windows flushes only what may be written
            os.fsync(written.fileno())
        beside.replace(path)
    except OSError as error:
        raise RunError(f"{path}: cannot be written ({error.strerror or error}); nothing there was changed") from None
    finally:
        with suppress(OSError):  # the folder may be none
            beside.unlink()


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A folder to fill; it takes its final name, which nothing may have yet, once the block has ended well."""
    beside = path.parent / f"{UNFINISHED}{os.urandom(4).hex()}"
    try:
        if os.path.lexists(path):
            raise RunError(f"{path}: is there already, and nothing is overwritten: give another name")
        beside.mkdir(parents=True)
        yield beside
        beside.rename(path)
    except OSError as error:
        raise RunError(f"{path}: cannot be written ({error.strerror or error}); nothing there was changed") from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write the text as a whole file."""
    with whole(path) as beside:
        beside.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:
    """Write the value as readable JSON; NaN and infinity are refused, as other readers refuse them."""
    write_text(path, json.dumps(value, indent=1, allow_nan=False) + "\n")


def write_csv(path: Path, rows: Iterable[Sequence[Any]]) -> None:
    """Write the rows, the names of the columns first, as a whole file for spreadsheets."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    write_text(path, text.getvalue())


def remove(path: Path) -> None:
    """Take away a file or a folder, if it is there."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise RunError(f"{path}: cannot be taken away ({error.strerror})") from None
