"""Standard streams on which no writing ends in a traceback, whatever they lead to and whatever their encoding lacks."""

import codecs
import errno
import io
import os
import select
import sys
from typing import Any, TextIO

from mnist_pipeline.errors import MnistError
from mnist_pipeline.process import WINDOWS


def make_safe() -> None:
    """Open what the caller has closed, and put streams in place on which no writing ends in a traceback."""
    # Open the wrong way round, so that using them fails as it does for closed ones. Left closed, the next file
    # opened would take the number, and what libraries print to stderr would be written into it.
    for descriptor, mode in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_RDONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, mode), True)
    codecs.register_error("sayable", _sayable)
    sys.stdin = sys.stdin or io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)))
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")  # a file's name comes in as the bytes that it is
    sys.stdout = _text(_Stream(1, needed=True), sys.stdout, "sayable")
    sys.stderr = _text(_Stream(2, needed=False), sys.stderr, "backslashreplace")


def _text(stream: "_Stream", replaced: TextIO | None, errors: str) -> TextIO:
    if WINDOWS and isinstance(replaced, io.TextIOWrapper) and replaced.isatty():
        replaced.reconfigure(errors=errors)  # it writes to the console, which knows no bytes
        return replaced
    encoding = replaced.encoding if replaced else "utf-8"
    return io.TextIOWrapper(io.BufferedWriter(stream), encoding, errors, newline="\n", line_buffering=True)


class _Stream(io.FileIO):
    """Where text goes out: what is needed fails once, and is let go after that; what is not needed never fails."""

    def __init__(self, descriptor: int, *, needed: bool) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._needed = needed

    def write(self, data: Any, /) -> int:
        """Write, or say in a line that it cannot be done; whoever reads a pipe may go away without a word."""
        try:
            while (written := super().write(data)) is None:  # a pipe that its other owners made not to wait
                select.select([], [self], [])
            return written
        except OSError as error:
            if not self._needed:
                return len(data)
            self._needed = False  # Python tries again at the end to write what is left
            if isinstance(error, BrokenPipeError) or (WINDOWS and error.errno == errno.EINVAL):
                raise BrokenPipeError(errno.EPIPE, error.strerror) from None
            raise MnistError(f"the answer cannot be written to stdout ({error.strerror})") from None


def _sayable(error: UnicodeError) -> tuple[str | bytes, int]:
    r"""For encoding: a byte of a name that is no text goes out as it is, a character that cannot be said as \xe9."""
    assert isinstance(error, UnicodeEncodeError)
    error.end = error.start + 1
    how = "surrogateescape" if "\udc80" <= error.object[error.start] <= "\udcff" else "backslashreplace"
    return codecs.lookup_error(how)(error)
