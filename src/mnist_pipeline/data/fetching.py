"""A published data set into a folder here: each file resumed where it stopped, and kept only if its digest is right.

By urllib: of the libraries for this, pooch goes on with no download that broke off and knows no mirrors.
What is under way lies in a hidden folder beside the final one, which is there only once it is whole.
"""

import errno
import hashlib
import shutil
import time
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from mnist_pipeline.data.published import Published, Remote, kept_in, published
from mnist_pipeline.data.sources import write_names
from mnist_pipeline.errors import DataError
from mnist_pipeline.runs.files import remove
from mnist_pipeline.runs.watching import ignore

Progress = Callable[[str, int, int | None], None]  # of a file: its name, the bytes that are here, all its bytes
_LARGEST = 2**30  # bytes of a file; EMNIST's archive, the largest, has half as many
_PIECE = 2**18  # bytes read at once
_SILENCE = 30  # seconds without a byte, after which a server is given up
_TRIES = 3  # of one address, where what went wrong may pass
PAUSE = 1.0  # seconds before the second try; twice as many before the third
_PASSING = (408, 425, 429, 500, 502, 503, 504)  # HTTP answers after which another try may help


class _FailedError(Exception):
    """Why an address gave no file, in a few words."""

    def __init__(self, why: str, *, passing: bool = False) -> None:
        super().__init__(why)
        self.passing = passing


def fetch(name: str, by_hand: Iterable[Path] = (), progress: Progress = ignore) -> Path:
    """The folder of a data set, with all its files as they were published; what is whole there is left alone.

    With `by_hand`, files or folders of them, nothing is downloaded.
    """
    wanted, folder, given = published(name), kept_in() / name, list(by_hand)
    if folder.is_dir() and (wanted.members or all(_is(folder / remote.name, remote) for remote in wanted.files)):
        return folder
    with _workplace(folder) as place:
        # EMNIST's archive stays, for its other parts.
        files = folder.parent if wanted.members else place
        if given:
            _take(name, wanted, given, files)
        for remote in [] if given else wanted.files:
            _download(name, remote, files, progress)
        if wanted.members:
            _unpack(files / wanted.files[0].name, wanted.members, place)
        if wanted.classes:
            write_names(wanted.classes, place)
        place.replace(folder)
    return folder


@contextmanager
def _workplace(folder: Path) -> Iterator[Path]:
    """The hidden folder in which a data set is put together, by one process at a time; the disk's errors as a line."""
    from filelock import FileLock, Timeout  # 35 ms, which only those wait for who fetch

    place = folder.with_name(f".fetching-{folder.name}")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(".lock"), timeout=0):
            if folder.is_dir():  # a file in it was found damaged
                folder.replace(place)
            place.mkdir(exist_ok=True)
            yield place
    except Timeout:
        raise DataError(f"{folder.name}: another process fetches into {folder.parent} right now") from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            for part in (*place.glob("*.part"), *folder.parent.glob("*.part")):
                remove(part)
        problem = f"cannot be written ({error.strerror or error})"
        raise DataError(f"{error.filename or folder.parent}: {problem}; {folder.name} was not fetched") from None


def _is(path: Path, remote: Remote) -> bool:
    """Whether a file is there and as it was published."""
    return path.is_file() and md5_of(path) == remote.md5


def _download(name: str, remote: Remote, place: Path, progress: Progress) -> None:
    """One file of a data set, from the first address that gives it."""
    whole, part = place / remote.name, place / f"{remote.name}.part"
    if _is(whole, remote):
        return
    failures = list[str]()
    for address in remote.addresses:
        try:
            _from_address(address, remote, part, progress)
            part.replace(whole)
            return
        except _FailedError as failure:
            failures.append(f"{urlsplit(address).netloc} {failure}")
    raise DataError(
        f"{name}: {remote.name} cannot be fetched: {'; '.join(failures)}. Try again later, which goes on from what is "
        f"here, or download {remote.addresses[0]} by hand: mnist data fetch {name} --from FILE"
    )


def _from_address(address: str, remote: Remote, part: Path, progress: Progress) -> None:
    """The bytes from one address into a file, after those that it holds; tried again where that may help."""
    for further in range(_TRIES):
        resumed = part.is_file() and part.stat().st_size > 0
        try:
            _receive(address, remote.name, part, progress)
        except _FailedError as failure:
            if not failure.passing or further == _TRIES - 1:
                raise
            time.sleep(PAUSE * 2**further)
            continue
        if _is(part, remote):
            return
        remove(part)
        if not resumed:  # else it may be the beginning that was wrong
            break
    raise _FailedError("gave another file than the published one (its MD5 differs)")


def _receive(address: str, name: str, part: Path, progress: Progress) -> None:
    """Append what the address still has of a file."""
    there = part.stat().st_size if part.is_file() else 0
    with _opened(address, there) as response:
        if response is None:
            return
        if response.status != 206 or not response.headers.get("Content-Range", "").startswith(f"bytes {there}-"):
            there = 0  # it sends the whole file, whatever was asked for
        length = response.headers.get("Content-Length") or ""
        total = there + int(length) if length.isdecimal() else None
        _check_room(part, there, total)
        with part.open("r+b" if there else "wb") as file:
            file.truncate(there)
            file.seek(there)
            for piece in _pieces(response, there, total):
                file.write(piece)
                there += len(piece)
                progress(name, there, total)


@contextmanager
def _opened(address: str, there: int) -> Iterator[HTTPResponse | None]:
    """The answer of an address that was asked for the bytes after those that are here; None where it has no more."""
    headers = {"User-Agent": "mnist-kit", "Accept-Encoding": "identity"}
    if there:
        headers["Range"] = f"bytes={there}-"
    try:
        response = urlopen(Request(address, headers=headers), timeout=_SILENCE)  # noqa: S310 - an address of our own
    except HTTPError as error:
        if error.code == 416 and there:
            yield None
            return
        raise _FailedError(f"answers {error.code} {error.reason}", passing=error.code in _PASSING) from None
    except (OSError, HTTPException) as error:
        raise _FailedError(f"cannot be reached ({_said(error)})", passing=True) from None
    with response:
        yield response


def _said(error: Exception) -> str:
    """What went wrong on the network, in the words of the system."""
    reason = error.reason if isinstance(error, URLError) else error
    return str(getattr(reason, "strerror", None) or reason or type(reason).__name__)


def _check_room(part: Path, there: int, total: int | None) -> None:
    """Refuse what is no file of a data set, for its size, and what has no room on the disk."""
    if total and total > _LARGEST:
        raise _FailedError(f"has {total:,} bytes, more than the {_LARGEST:,} of any file here")
    free = shutil.disk_usage(part.parent).free
    if total and total - there > free:
        raise OSError(errno.ENOSPC, f"{total - there:,} bytes are needed and {free:,} are free", str(part.parent))


def _pieces(response: HTTPResponse, there: int, total: int | None) -> Iterator[bytes]:
    """The body of an answer that follows the bytes that are here, piece by piece, to its end."""
    try:
        while piece := response.read(_PIECE):
            there += len(piece)
            if there > _LARGEST:
                raise _FailedError(f"sends more than {_LARGEST:,} bytes")
            yield piece
    except (OSError, HTTPException) as error:
        raise _FailedError(f"broke off ({_said(error)})", passing=True) from None
    if total is not None and there < total:
        raise _FailedError(f"broke off after {there:,} of {total:,} bytes", passing=True)


def md5_of(path: Path) -> str:
    """The MD5 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _take(name: str, wanted: Published, given: list[Path], place: Path) -> None:
    """Copy the files of a data set that were downloaded by hand, whatever they are called now."""
    by_digest = {remote.md5: remote for remote in wanted.files}
    for path in given:
        inside = sorted(filter(Path.is_file, path.iterdir())) if path.is_dir() else [path]
        taken = 0
        for file in inside:
            if remote := by_digest.get(_md5_given(file)):
                shutil.copyfile(file, place / f"{remote.name}.part")
                (place / f"{remote.name}.part").replace(place / remote.name)
                taken += 1
        if not taken:
            what = "holds no file" if path.is_dir() else "is no file"
            raise DataError(
                f"{path}: {what} of {wanted.title} as it was published (the MD5 differs): see {wanted.page}"
            )
    lacking = [remote.name for remote in wanted.files if not (place / remote.name).is_file()]
    if lacking:
        raise DataError(f"{name}: still lacks {', '.join(lacking)}; those given are kept: give these with --from too")


def _md5_given(path: Path) -> str:
    try:
        return md5_of(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None


def _unpack(archive: Path, members: str, place: Path) -> None:
    """The files of a part out of an archive."""
    try:
        with zipfile.ZipFile(archive) as packed:
            for info in packed.infolist():
                name = Path(info.filename).name
                if name.startswith(members) and name != archive.name and info.file_size <= _LARGEST:
                    with packed.open(info) as source, (place / name).open("wb") as target:
                        shutil.copyfileobj(source, target)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DataError(f"{archive}: not a whole archive ({error}): take it away and fetch it again") from None
