"""Pictures of your own to a set of IDX files: labelled by their folders or a table, each seen in the one way.

A picture that cannot be read, shows nothing or comes a second time is left out, and the manifest says why.
"""

import csv
import gzip
import hashlib
import io
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.data.loading import Part
from mnist_pipeline.data.sources import SUFFIXES, shown, write_names
from mnist_pipeline.data.splitting import split
from mnist_pipeline.errors import DataError, PictureError
from mnist_pipeline.numerals import MOST_CLASSES, counted, fault_of
from mnist_pipeline.pixels.light import Grey, Invert
from mnist_pipeline.pixels.pictures import LARGEST_FILE, read_grey, unforeseen
from mnist_pipeline.pixels.preprocess import LONGEST, Seen, look_at, plain
from mnist_pipeline.runs.files import write_json
from mnist_pipeline.runs.watching import ignore

_LARGEST_TABLE = 64 * 2**20  # bytes


class Labelled(NamedTuple):
    """A picture file and what is said of it."""

    path: Path
    name: str  # as the folder or the table has it
    label: str
    group: str = ""  # the writer or session that it comes from, where that is said
    problem: str | None = None  # why it is left out unread


@dataclass(frozen=True)
class Entry:
    """A picture of the manifest: what it is, and its 28x28 pixels unless it was refused."""

    name: str
    label: str
    group: str
    sha256: str | None
    pixels: Grey | None = None
    note: str | None = None
    refused: str | None = None


@dataclass(frozen=True)
class Imported:
    """What became of the pictures: those that are kept, which of them test, and every one as it was found."""

    whole: Part
    tests: NDArray[np.bool_]
    split_by: str  # group or class
    entries: list[Entry]

    @property
    def train(self) -> Part:
        """The kept pictures to train on."""
        return self._part(~self.tests)

    @property
    def test(self) -> Part:
        """The kept pictures to test on."""
        return self._part(self.tests)

    @property
    def refused(self) -> list[Entry]:
        """The pictures that are left out."""
        return [entry for entry in self.entries if entry.refused is not None]

    def _part(self, chosen: NDArray[np.bool_]) -> Part:
        return Part(self.whole.images[chosen], self.whole.labels[chosen], self.whole.classes)


def import_pictures(
    source: str | Path, group: str | None = None, invert: Invert = "auto", way: str = "mnist", share: float = 0.2,
    seed: int = 0, progress: Callable[[int, int], None] = ignore,
) -> Imported:  # fmt: skip
    """The pictures of a folder, in it a folder for each class, or of a table with the columns file and label.

    `share` of them become the test part, by the seed's choice: whole groups where groups are known, else of each class.
    `progress` is told how many pictures are done, of how many.
    """
    labelled = _listed(Path(source).expanduser(), group)
    entries = list[Entry]()
    for found in labelled:
        entries.append(_seen(found, invert, way))
        progress(len(entries), len(labelled))
    entries = list(_once(entries))
    kept = [entry for entry in entries if entry.refused is None]
    if not kept:
        raise DataError(f"{source}: none of {counted(len(entries), 'picture')} can be used: {entries[0].refused}")
    names = sorted({entry.label for entry in kept}, key=_naturally)
    if not 2 <= len(names) <= MOST_CLASSES:
        many = f"of {len(names)} classes" if len(names) > 1 else f"of one class alone ({names[0]})"
        raise DataError(f"{source}: pictures {many}, expected 2 to {MOST_CLASSES} classes")
    images = np.stack([entry.pixels for entry in kept if entry.pixels is not None])
    labels = np.array([names.index(entry.label) for entry in kept], np.uint8)
    groups = [entry.group for entry in kept]
    try:
        tests = split(labels, groups, share, seed)
    except DataError as error:
        raise DataError(f"{source}: {error}") from None
    return Imported(Part(images, labels, tuple(names)), tests, "group" if all(groups) else "class", entries)


def write_set(imported: Imported, folder: Path, settings: dict[str, Any]) -> None:
    """Fill a folder: four IDX files, the names of the classes, and the manifest."""
    for word, part in (("train", imported.train), ("t10k", imported.test)):
        for kind, array in (("images-idx3", part.images), ("labels-idx1", part.labels)):
            header = struct.pack(f">I{array.ndim}I", 0x800 + array.ndim, *array.shape)
            packed = gzip.compress(header + array.tobytes(), mtime=0)  # without the time: equal sets have equal files
            (folder / f"{word}-{kind}-ubyte.gz").write_bytes(packed)
    classes = imported.whole.classes
    write_names(classes, folder)
    parts = iter(np.where(imported.tests, "test", "train").tolist())
    files = [
        {
            "file": entry.name, "label": entry.label, "group": entry.group or None, "sha256": entry.sha256,
            "part": None if entry.refused is not None else next(parts), "refused": entry.refused, "note": entry.note,
        }
        for entry in imported.entries
    ]  # fmt: skip
    counts = {"train": imported.train.counts, "test": imported.test.counts}
    tree = settings | {"split_by": imported.split_by, "classes": classes, "counts": counts, "files": files}
    write_json(folder / "manifest.json", tree)


# Which pictures there are, and what is said of them


def _listed(source: Path, group: str | None) -> list[Labelled]:
    try:
        if source.is_dir():
            found = list(_in_folders(source))
            where = f"in {source}: give it a folder for each class, or a table of file and label"
        else:
            found = list(_in_table(source, group))
            where = f"in {source}: below its first row, give a file and its label in each"
    except OSError as error:
        raise DataError(f"{error.filename or source}: cannot be read ({error.strerror})") from None
    if not any(labelled.problem is None for labelled in found):
        raise DataError(f"no picture of a class {where}")
    return found


def _in_folders(folder: Path) -> Iterator[Labelled]:
    """Pictures in folders named by their class; a folder inside one names a group. Links to folders lead nowhere."""
    inside = shown(folder)
    folders = [path for path in inside if path.is_dir() and not path.is_symlink()]
    if {path.name for path in folders} == {"train", "test"}:
        raise DataError(f"{folder}: is split into train/ and test/ already: train on it as it is, with data.source")
    for path in inside:
        if path not in folders:
            yield Labelled(path, path.name, "", problem="lies in no folder of a class")
    waiting = folders[::-1]
    while waiting:  # the folders in a folder come before those beside it
        here = waiting.pop()
        parts = here.relative_to(folder).parts
        below = []
        for path in shown(here):
            if path.is_dir():
                below += [] if path.is_symlink() else [path]
                continue
            known = path.suffix.lower() in SUFFIXES
            problem = None if known else f"its name ends in none of {', '.join(SUFFIXES)}"
            name = path.relative_to(folder).as_posix()
            yield Labelled(path, name, parts[0], "/".join(parts[1:]), problem)
        waiting += below[::-1]


def _in_table(table: Path, group: str | None) -> Iterator[Labelled]:
    """Pictures in the rows of a table with commas, semicolons or tabs; paths in it are seen from where it lies."""
    if table.stat().st_size > _LARGEST_TABLE:
        raise DataError(f"{table}: larger than the {_LARGEST_TABLE // 2**20} MiB that a table may have")
    try:
        text = table.read_text(encoding="utf-8-sig")
        first = text.partition("\n")[0]
        rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count), strict=True)
        columns = {(name or "").strip().lower(): name for name in rows.fieldnames or ()}
        wanted = ["file", "label", *([group.lower()] if group else [])]
        lacking = [name for name in wanted if name not in columns]
        if lacking:
            there = ", ".join(columns) or "nothing"
            raise DataError(f"{table}: its first row names no column {' or '.join(lacking)} (it has {there})")
        for row in rows:
            file, label, *of_group = ((row[columns[name]] or "").strip() for name in wanted)
            problem = None if file and label else f"row {rows.line_num} of the table lacks the file or the label"
            yield Labelled(table.parent / file, file, label, of_group[0] if of_group else "", problem)
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{table}: not a table of file and label in UTF-8 ({error})") from None


def _naturally(label: str) -> tuple[bool, int, str]:
    """A key to order classes by: numbers by their value, before all else."""
    return (False, int(label), label) if label.isdecimal() else (True, 0, label)


# What a picture shows


def _seen(found: Labelled, invert: Invert, way: str) -> Entry:
    """A picture as it was read, or why it was refused."""
    entry = Entry(found.name, found.label, found.group, None)
    if problem := found.problem or fault_of([found.label]):
        return replace(entry, refused=problem)
    try:
        seen = look_at(found.path, invert) if way == "mnist" else Seen(*plain(read_grey(found.path, LONGEST), invert))
    except PictureError as error:
        return replace(entry, refused=str(error).removeprefix(f"{found.path}: "))
    except Exception as error:
        return replace(entry, refused=str(unforeseen(str(found.path), error)).removeprefix(f"{found.path}: "))
    entry = replace(entry, sha256=_sha256(found.path))
    if seen.pixels is None or not seen.pixels.any():
        return replace(entry, refused=seen.reason or "nothing is drawn")
    return replace(entry, pixels=seen.pixels, note=seen.reason and "several shapes")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.sha256(file.read(LARGEST_FILE)).hexdigest()


def _once(entries: Sequence[Entry]) -> Iterator[Entry]:
    """The entries, all but the first of one digest refused: a test part may hold nothing that is trained on."""
    first: dict[str, Entry] = {}
    for entry in entries:
        before = first.setdefault(entry.sha256, entry) if entry.sha256 and entry.refused is None else entry
        if before is entry:
            yield entry
        else:
            other = "" if before.label == entry.label else f", which is labelled {before.label}"
            yield replace(entry, pixels=None, refused=f"the same file as {before.name}{other}")
