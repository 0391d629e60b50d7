"""Holds back what C++ libraries print to stderr of themselves; lets it out when the block fails."""

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
