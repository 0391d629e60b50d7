"""Holds back what C and C++ libraries print to stderr of themselves."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


def _place() -> IO[bytes]:
    """A file to hold it in; where there is no temporary folder to write to, nothing is held and nothing let out."""
    try:
        return tempfile.TemporaryFile()
    except OSError:
        return Path(os.devnull).open("r+b")


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Nothing written to the file descriptor inside the block is seen, unless the block fails."""
    if sys.stderr is None:  # the caller has closed it
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    with _place() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(kept, held.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


@contextmanager
def libraries_muted() -> Iterator[None]:
    """Nothing that libraries print inside the block is ever seen; what Python writes to sys.stderr is, at once.

    For as long as pictures are read in a process of our own: libpng's and libjpeg's lines name no file, and to hold
    them back picture by picture would cost time and, in several threads, mix up whose they are.
    """
    if sys.stderr is None:  # the caller has closed it
        yield
        return
    kept, null, said = os.dup(2), os.open(os.devnull, os.O_WRONLY), sys.stderr
    if python_stderr() == 2:
        said.flush()
        sys.stderr = open(kept, "w", 1, said.encoding, said.errors, closefd=False)  # noqa: SIM115
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(null)
        sys.stderr = said
        os.close(kept)


def python_stderr() -> int | None:
    """The file descriptor behind sys.stderr, for the processes that are started while libraries are muted."""
    try:
        return sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):  # there is none
        return None
