"""Millions of pictures as shards, each a unit of work: files of a list, a stretch of a tar, a stretch of an IDX file.

Nothing is unpacked to disk: a member of an archive is read in place, and its name is a label, whatever it looks like.
What an archive claims is checked; what it holds beside pictures, labels for instance, is passed over as in a folder.
"""

import hashlib
import json
import math
import re
import struct
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from mnist_pipeline.data.formats import read_idx
from mnist_pipeline.errors import DataError, PictureError, RunError
from mnist_pipeline.pixels.pictures import LARGEST_FILE, Picture, too_long
from mnist_pipeline.prediction.finding import SUFFIXES, Found, find

MOST = 2000  # pictures of a shard: about a second of work, which is what a kill costs a worker
LAST = 250  # pictures of the last shards of a list
_MOST_BYTES = 256 * 2**20  # of a tar in a shard: large pictures take longer
_TAR, _IDX = re.compile(r"\.tar$", re.IGNORECASE), re.compile(r"(\.idx|idx3-ubyte)(\.gz)?$", re.IGNORECASE)
_PACKED_TAR = re.compile(r"\.(tar\.(gz|bz2|xz|zst|lz4)|tgz|tbz2?|txz|tzst)$", re.IGNORECASE)
_BLOCK = 512  # bytes of a tar: all in it begins at a multiple
_BUFFER = 2**20  # bytes of an archive that are read at a time
_LONGEST_NAME = 65536  # bytes of a name, or of what else stands before a member
_REGULAR, _FOLDER, _BEFORE = b"0\x007", b"5", b"LKxg"  # kinds of members; the last stand before another
_LINKS = {b"1": "a link", b"2": "a link", b"3": "a device", b"4": "a device", b"6": "a pipe"}

Named = tuple[str, Picture | PictureError]  # a picture under the name that its answer has, or why there is none


class Shard(NamedTuple):
    """A unit of work, which a worker reads for itself."""

    size: int  # pictures
    files: list[Found] = []  # noqa: RUF012 - picture files, or else:
    path: str = ""  # an archive or an IDX file
    start: int = 0  # the byte of the archive, or the number of the image, that it begins with
    state: tuple[int, int] = (0, 0)  # size and time of change of what is at the path

    def digest(self) -> str:
        """What tells it from every other shard."""
        return hashlib.sha256(json.dumps(self).encode()).hexdigest()[:16]


def shard_of(values: list[Any]) -> Shard:
    """A shard that has come as JSON."""
    size, files, path, start, state = values
    return Shard(size, [Found(*file) for file in files], path, start, tuple(state))


def shards(words: Iterable[str], listed: int = 0) -> Iterator[Shard]:
    """All that the words mean, in their order; a folder's archives are meant by a pattern, as `shards/*.tar`."""
    gathered: list[Found] = []
    for found in find(words, listed):
        cut = found and not found.problem and _cutter(found.path)
        if found and not cut:
            gathered.append(found)
        if len(gathered) == 2 * MOST:
            yield Shard(MOST, gathered[:MOST])
            gathered = gathered[MOST:]
        if found and cut:
            yield from _last(gathered)
            gathered = []
            yield from _cut_up(found.path, cut)
    yield from _last(gathered)


def _last(files: list[Found]) -> Iterator[Shard]:
    """The last files in small shards, so that all workers end at about the same time.

    Of 200,000 pictures, with shards of one size, one of two workers had nothing to do for the last 0.7 of 42 seconds.
    """
    for start in range(0, len(files), LAST):
        few = files[start : start + LAST]
        yield Shard(len(few), few)


_Cutter = Callable[[str, tuple[int, int]], Iterator[Shard]]


def _cutter(path: str) -> _Cutter | None:
    """What cuts up a file of many pictures, which is told by its name; None for any other."""
    if path.endswith(SUFFIXES):  # as most, quick to see
        return None
    cutters = {_TAR: _cut_tar, _IDX: _cut_idx, _PACKED_TAR: _refuse_packed}
    return next((cut for name, cut in cutters.items() if name.search(path)), None)


def _cut_up(path: str, cut: _Cutter) -> Iterator[Shard]:
    """The shards of a file of many pictures; one that cannot be read is a shard that says so."""
    try:
        yield from cut(path, _state(path))
    except OSError as error:
        yield Shard(1, [Found(path, f"{path}: cannot be read ({error.strerror})")])
    except DataError as error:
        yield Shard(1, [Found(path, str(error))])


def _state(path: str) -> tuple[int, int]:
    found = Path(path).stat()
    return found.st_size, found.st_mtime_ns


def _refuse_packed(path: str, _: tuple[int, int]) -> Iterator[Shard]:
    raise DataError(f"{path}: a compressed archive, of which no part can be read alone: unpack it to a .tar")


def pictures(shard: Shard) -> Iterator[Named]:
    """The pictures of a shard, one after the other."""
    if not shard.path:
        for path, problem in shard.files:
            yield path, PictureError(problem) if problem else path
        return
    if _state(shard.path) != shard.state:
        raise RunError(f"{shard.path}: was changed while it was read; begin again")
    if _IDX.search(shard.path):
        for number, image in enumerate(_images(shard), shard.start):
            yield f"{shard.path}:{number}", image
    else:
        with Path(shard.path).open("rb", buffering=_BUFFER) as file:
            file.seek(shard.start)
            members = _members(file, shard.state[0])
            for _, member in zip(range(shard.size), members, strict=False):
                name = f"{shard.path}:{member.name}" if member.name else shard.path
                yield name, _content(file, member, name)


# IDX


def _cut_idx(path: str, state: tuple[int, int]) -> Iterator[Shard]:
    count, _, _ = _shape(path)
    for start in range(0, count, MOST):
        yield Shard(min(MOST, count - start), path=path, start=start, state=state)


def _shape(path: str) -> tuple[int, int, int]:
    """How many images of what height and width an IDX file holds."""
    if path.lower().endswith(".gz"):
        count, height, width = _unpacked(path).shape
        return count, height, width
    with Path(path).open("rb") as file:
        header = file.read(16)
    magic, *shape = struct.unpack(">4I", header) if len(header) == 16 else (0, 0, 0, 0)
    if magic != 0x00000803 or not all(shape):
        raise DataError(f"{path}: no IDX file of images (magic number 0x{magic:08x}, expected 0x00000803)")
    if 16 + math.prod(shape) != Path(path).stat().st_size:
        raise DataError(f"{path}: its size is not that of {shape[0]:,} images of {shape[1]}x{shape[2]}: fetch it again")
    return shape[0], shape[1], shape[2]


@lru_cache(maxsize=1)
def _unpacked(path: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return read_idx(Path(path), "images")[0]


def _images(shard: Shard) -> np.ndarray[Any, np.dtype[np.uint8]]:
    if shard.path.lower().endswith(".gz"):
        return _unpacked(shard.path)[shard.start : shard.start + shard.size]
    _, height, width = _shape(shard.path)
    size = height * width
    found = np.fromfile(shard.path, np.uint8, shard.size * size, offset=16 + shard.start * size)
    return found.reshape(shard.size, height, width)


# Tar


class _Member(NamedTuple):
    """A picture in an archive, or why there is none."""

    name: str
    begin: int  # the byte at which its first header begins
    at: int = 0
    size: int = 0
    problem: str = ""


def _cut_tar(path: str, state: tuple[int, int]) -> Iterator[Shard]:
    start, count, any_at_all = 0, 0, False
    with Path(path).open("rb", buffering=_BUFFER) as file:
        for member in _members(file, state[0]):
            if count == MOST or (count and member.at + member.size - start > _MOST_BYTES):
                yield Shard(count, path=path, start=start, state=state)
                count = 0
            start, count, any_at_all = (start if count else member.begin), count + 1, True
    if count:
        yield Shard(count, path=path, start=start, state=state)
    if not any_at_all:
        raise DataError(f"{path}: no picture in this archive (names ending in {', '.join(SUFFIXES)})")


def _members(file: BinaryIO, length: int) -> Iterator[_Member]:
    """The pictures from where the archive stands on; one that is damaged ends there, with a problem as its last."""
    begin = at = file.tell()
    long, claimed = b"", None  # what a header before a member's own says of its name and size
    while (block := file.read(_BLOCK)).count(0) < len(block):
        kind, size = block[156:157], _number(block[124:136])
        if size is None or _number(block[148:156]) != sum(block) - sum(block[148:156]) + 8 * ord(" "):
            yield _Member("", begin, at, 0, "the archive is damaged or cut short, and is read no further than here")
            return
        size = size if claimed is None or kind in _BEFORE else claimed
        at += _BLOCK
        if at + size > length:
            yield _Member("", begin, at, 0, "the archive is cut short: fetch it again")
            return
        if kind in _BEFORE:
            if kind in b"Lx" and size <= _LONGEST_NAME:
                said = file.read(size)
                long, claimed = (said.rstrip(b"\0"), claimed) if kind == b"L" else _pax(said, long)
        else:
            name = (long or _name(block)).decode("utf-8", "surrogateescape")
            if kind != _FOLDER and _is_shown(name):
                problem = "" if kind in _REGULAR else f"{_LINKS.get(kind, 'a rare kind of member')}, not a picture"
                yield _Member(name, begin, at, size, problem)
            begin, long, claimed = at + _padded(size), b"", None
        at += _padded(size)
        file.seek(at)


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _number(field: bytes) -> int | None:
    """A number in octal digits, or in binary behind a byte of 128; None for anything else."""
    digits = field.strip(b" \0")
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    return int(digits or b"0", 8) if not digits.strip(b"01234567") else None


def _name(block: bytes) -> bytes:
    before = block[345:500].split(b"\0")[0] if block[257:263] == b"ustar\0" else b""
    name = block[:100].split(b"\0")[0]
    return before + b"/" + name if before else name


def _pax(said: bytes, long: bytes) -> tuple[bytes, int | None]:
    """The name and the size in records such as "19 path=digits/7.png", where they are given."""
    found = dict(re.findall(rb"(?:^|\n)\d{1,6} (path|size)=([^\n]*)", said))
    size = found.get(b"size", b"")
    return found.get(b"path", long), int(size) if size.isdigit() and len(size) < 16 else None


def _is_shown(name: str) -> bool:
    """Whether a name is a picture's and, as in a folder, nothing on its way is hidden."""
    hidden = any(part[0] == "." and part not in (".", "..") for part in name.split("/") if part)
    return name.lower().endswith(SUFFIXES) and not hidden


def _content(file: BinaryIO, member: _Member, name: str) -> bytes | PictureError:
    if member.problem:
        return PictureError(f"{name}: {member.problem}")
    if member.size > LARGEST_FILE:  # which need not be read to be refused
        return PictureError(f"{name}: {too_long(member.size)}")
    file.seek(member.at)
    return file.read(member.size)
