"""What the verbs share: how they speak to the user, the options they have in common, and how they fail.

Results go to stdout, everything else to stderr.
"""

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import typer
from typer.core import TyperCommand, TyperGroup

from mnist_pipeline.cli.streams import printable
from mnist_pipeline.errors import MnistError

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


def say(text: str = "") -> None:
    """Print a result on stdout; on a terminal without control characters, elsewhere unchanged."""
    sys.stdout.write(f"{printable(text, lines=True) if sys.stdout.isatty() else text}\n")
    sys.stdout.flush()


def table(columns: list[str], rows: list[list[str]]) -> None:
    """Print a table on stdout: the first column aligned left, the others right, never cut to the terminal's width."""
    shown = [[printable(cell) for cell in row] for row in [columns, *rows]]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        first, *others = zip(row, widths, strict=True)
        say("  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]).rstrip())


def say_json(value: Any) -> None:
    """Print a result for a program: one object in one line, escaped where it has to be.

    That is where it holds control characters, or characters that stdout cannot encode.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
        plain = text.isprintable()
    except UnicodeEncodeError:
        plain = False
    say(text if plain else json.dumps(value, allow_nan=False))


def note(text: str) -> None:
    """Tell the user something in one line on stderr."""
    _write_error(printable(text))


_ENDLESS = re.compile(r"(\S{100})\S{800,}(\S{100})")  # a word too long to be read


def complain(text: str, *, lines: bool = False) -> None:
    """Tell the user on stderr what went wrong, in one line unless the text is made of several."""
    coloured = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    label = typer.style("Error:", fg="red", bold=True) if coloured else "Error:"
    _write_error(f"{label} " + _ENDLESS.sub(r"\1...\2", printable(text, lines=lines)))


def _write_error(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


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
