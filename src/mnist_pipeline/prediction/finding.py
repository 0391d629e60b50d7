"""Words on the command line to picture files: files, folders, patterns, or a list on stdin; one after the other."""

import os
import re
import select
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
_PIECE = 65536  # bytes of a list read at once
_LONGEST_LINE = 8192  # bytes of it that are kept; no path has as many


class Found(NamedTuple):
    """A file to read, or a word that leads to none."""

    path: str
    problem: str | None = None
    """Why there is no picture to be found there, in a line that names it."""


def find(words: Iterable[str], listed: int = 0) -> Iterator[Found | None]:
    """The files that the words mean, in their order; `-` is the list that comes from the file descriptor `listed`.

    None stands where the next one is not there yet: whoever gathers several should first answer those that he has.
    """
    for word in words:
        if word == "-":
            yield from _lines(listed)
        else:
            yield from _meant(word)


def count(words: Iterable[str]) -> int | None:
    """How many files the words mean; None when a list has to be read to know."""
    return None if "-" in (words := list(words)) else sum(1 for _ in find(words))


def _meant(word: str) -> Iterator[Found]:
    if os.path.isdir(word):  # noqa: PTH112 - a word that is too long for a name is no folder, and no error
        yield from _inside(word)
    elif re.search(r"[*?\[]", word) and not os.path.lexists(word):
        matches = _matches(word)
        if not matches:
            yield Found(word, f"{word}: no file fits this pattern")
        for match in matches:
            yield from _inside(match) if Path(match).is_dir() else [Found(match)]
    else:
        yield Found(word)


def _matches(pattern: str) -> list[str]:
    """As a shell has them: nothing hidden, unless the pattern names it. Path.glob follows no link round and round."""
    root, named = Path(pattern).anchor, set(Path(pattern).parts)
    try:
        found = Path(root).glob(pattern.removeprefix(root))
        shown = [path for path in found if not any(part[0] == "." and part not in named for part in path.parts)]
    except (ValueError, OSError, RecursionError):  # such as **.png
        return []
    return sorted(map(str, shown), key=_naturally)


def _inside(folder: str) -> Iterator[Found]:
    """By name, the pictures of a folder before those of the folders in it; nothing hidden, and no link to a folder."""
    nothing, waiting = True, [folder]
    while waiting:
        pictures, folders, problem = _listed(waiting.pop())
        waiting += reversed(folders)
        for found in (*map(Found, pictures), *problem):
            nothing = False
            yield found
    if nothing:
        yield Found(folder, f"{folder}: no picture in this folder (names ending in {', '.join(SUFFIXES)})")


def _listed(folder: str) -> tuple[list[str], list[str], list[Found]]:
    """A folder's pictures, its folders, and why there are none."""
    pictures, folders = [], []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif entry.name.lower().endswith(SUFFIXES):
                    pictures.append(entry.path)
    except OSError as error:
        return [], [], [Found(folder, f"{folder}: cannot be read ({error.strerror})")]
    return sorted(pictures, key=_naturally), sorted(folders, key=_naturally), []


def _naturally(path: str) -> tuple[list[str | int], str]:
    """2.png before 10.png."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", path)], path


def _lines(source: int) -> Iterator[Found | None]:
    """A path a line; a list that has NULs between its paths from the start has them to the end (find -print0)."""
    rest, separator = b"", b""  # which of the two is seen with the first that comes, however slowly
    try:
        while True:
            if not select.select([source], [], [], 0)[0]:
                yield None
            piece = os.read(source, _PIECE)
            separator = separator or next((mark for mark in (b"\0", b"\n") if mark in piece), b"")
            whole = rest + piece
            *paths, rest = [whole, b""] if not piece else whole.split(separator) if separator else [whole]
            for path in paths:
                if path:
                    yield Found(os.fsdecode(path))
            if not piece:
                return
            rest = rest[:_LONGEST_LINE]
    except OSError as error:
        yield Found("-", f"-: the list on stdin cannot be read ({error.strerror})")
