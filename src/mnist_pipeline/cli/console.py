"""What the verbs share: options, how they speak to the user whatever the streams lead to, and how they fail.

Results go to stdout, everything else to stderr.
"""

import codecs
import io
import json
import os
import re
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, TextIO, get_args

import typer
from typer.core import TyperCommand, TyperGroup

from mnist_pipeline.errors import MnistError, OutputError

ConfigOption = Annotated[
    str, typer.Option("--config", "-c", help="A config file, or the name of a shipped recipe (see mnist config list).")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="Change one setting: --set training.epochs=3. May be repeated.", metavar="KEY=VALUE"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else there.")]
RunArgument = Annotated[str | None, typer.Argument(help="A run's name or folder; by default the run trained last.")]
ModelOption = Annotated[
    Path | None, typer.Option("--model", help="An exported file, .onnx or .tflite, instead of a run.")
]
RuntimeOption = Annotated[
    Literal["opencv", "onnxruntime", "litert"] | None,
    typer.Option(
        "--runtime", help="The library that runs a model file; by default OpenCV for .onnx, LiteRT for .tflite."
    ),
]

# What moves a terminal's cursor, colours it or turns its text round; and the bytes of names that are no text.
_SHOWN = (
    {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}
    | {code: f"\\u{code:04x}" for code in (0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A))}
    | {0xDC00 + byte: f"\\x{byte:02x}" for byte in range(0x80, 0x100)}
    | str.maketrans({"\n": "\\n", "\r": "\\r", "\t": "\\t"})
)
_SHOWN_IN_LINES = {code: shown for code, shown in _SHOWN.items() if chr(code) not in "\n\t"}


def printable(text: str, *, lines: bool = False) -> str:
    r"""The text with its control characters shown as \x1b and the like, so that a terminal obeys none of them.

    It becomes one line, unless it is made of lines.
    """
    return text.translate(_SHOWN_IN_LINES if lines else _SHOWN)


def say(text: str = "") -> None:
    """Print a result on stdout; on a terminal without control characters, elsewhere unchanged."""
    print(printable(text, lines=True) if sys.stdout.isatty() else text, flush=True)  # noqa: T201


def table(columns: list[str], rows: list[list[str]]) -> None:
    """Print a table on stdout: the first column aligned left, the others right, never cut to the terminal's width."""
    shown = [[printable(cell) for cell in row] for row in [columns, *rows]]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        first, *others = zip(row, widths, strict=True)
        say("  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]).rstrip())


def say_json(value: Any) -> None:
    """Print a result for a program: one object in one line, escaped if it holds what a terminal obeys or cannot say."""
    text, encoding = json.dumps(value, ensure_ascii=False, allow_nan=False), sys.stdout.encoding or "utf-8"
    plain = text.isprintable() and text.encode(encoding, "replace").decode(encoding) == text
    say(text if plain else json.dumps(value, allow_nan=False))


def note(text: str) -> None:
    """Tell the user something in one line on stderr."""
    print(printable(text), file=sys.stderr, flush=True)  # noqa: T201


_ENDLESS = re.compile(r"(\S{100})\S{800,}(\S{100})")  # a word too long to be read


def complain(text: str, *, lines: bool = False) -> None:
    """Tell the user on stderr what went wrong, in one line unless the text is made of several."""
    coloured = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    label = typer.style("Error:", fg="red", bold=True) if coloured else "Error:"
    print(label, _ENDLESS.sub(r"\1...\2", printable(text, lines=lines)), file=sys.stderr, flush=True)  # noqa: T201


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
    encoding = replaced.encoding if replaced else "utf-8"
    return io.TextIOWrapper(io.BufferedWriter(stream), encoding, errors, line_buffering=True)


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
            if isinstance(error, BrokenPipeError):
                raise
            raise OutputError(f"the answer cannot be written to stdout ({error.strerror})") from None


def _sayable(error: UnicodeError) -> tuple[str | bytes, int]:
    r"""For encoding: a byte of a name that is no text goes out as it is, a character that cannot be said as \xe9."""
    assert isinstance(error, UnicodeEncodeError)
    error.end = error.start + 1
    how = "surrogateescape" if "\udc80" <= error.object[error.start] <= "\udcff" else "backslashreplace"
    return codecs.lookup_error(how)(error)


def _word(parameter: Any, context: Any, value: Any) -> Any:
    """A word, a list of words or nothing as the command's function takes it; Typer checks the rest."""
    wanted = parameter.type_descriptor.annotation
    if value is None or (isinstance(value, str) and (wanted is str or value in get_args(wanted))):  # of a Literal
        return value
    return list(value) if wanted == list[str] else type(parameter).process_value(parameter, context, value)


class _Quick:
    """Takes words as they are: Typer checks them with pydantic, which takes 30 ms to load."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, --help among them."""
        parameters: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for parameter in parameters:
            parameter.process_value = partial(_word, parameter)
        return parameters


class QuickCommand(_Quick, TyperCommand):
    """A command that starts without pydantic."""


@contextmanager
def _errors_in_a_line() -> Iterator[None]:
    """Turn a MnistError, an interruption or an error of the operating system into one line and an exit code."""
    try:
        yield
    except MnistError as error:
        complain(str(error), lines=True)
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        complain("interrupted")
        raise typer.Exit(130) from None
    except BrokenPipeError:  # whoever read the answer has left: Typer ends without a word
        raise
    except ModuleNotFoundError as error:  # whatever was not asked for before
        from mnist_pipeline.packages import lacking

        explained = lacking(error)
        if explained is None:
            raise
        complain(str(explained))
        raise typer.Exit(explained.exit_code) from None
    except OSError as error:  # a name that is too long, a full disk, no temporary folder
        problem = error.strerror or str(error)
        complain(f"{error.filename}: {problem}" if error.filename else problem)
        raise typer.Exit(2) from None


class Group(_Quick, TyperGroup):
    """A group of commands: an expected failure of one ends in a line instead of a traceback."""

    @_errors_in_a_line()
    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Parse the words of the command line; --help and --version are answered here."""
        return super().make_context(*args, **kwargs)

    @_errors_in_a_line()
    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        return super().invoke(ctx)
