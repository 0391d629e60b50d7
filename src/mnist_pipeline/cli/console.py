"""Words of a command line taken as they are: Typer's way loads pydantic, which takes half as long as a picture does."""

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import typer
from typer.core import TyperCommand, TyperGroup

from mnist_pipeline.cli.streams import printable
from mnist_pipeline.errors import MnistError


class WordsCommand(TyperCommand):
    """A verb for which milliseconds count."""

    def get_params(self, ctx: Any) -> list[Any]:
        """As ever, but for the words."""
        return [_as_it_is(parameter) for parameter in super().get_params(ctx)]


class WordsGroup(TyperGroup):
    """The group that such a verb belongs to."""

    def get_params(self, ctx: Any) -> list[Any]:
        """As ever, but for the words."""
        return [_as_it_is(parameter) for parameter in super().get_params(ctx)]


def _as_it_is(parameter: Any) -> Any:
    """Put our way before Typer's, where this Typer has one of that name."""
    if hasattr(parameter, "get_runtime_param") and "get_runtime_param" not in vars(parameter):
        way = _Words(parameter.type_descriptor.annotation, parameter.get_runtime_param)
        parameter.get_runtime_param = lambda: way
    return parameter


class _Words:
    """For what is not given, text, lists of text, and choices among words; all else is Typer's to check."""

    def __init__(self, annotation: Any, typers: Any) -> None:
        self._annotation, self._typers = annotation, typers

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value as the function wants it."""
        if value is None and not param.multiple and param.nargs == 1:
            return None
        if isinstance(value, str) and (self._annotation is str or self._is_choice(value)):
            return value
        if isinstance(value, tuple) and self._annotation == list[str]:
            return list(value)
        return self._typers().coerce(value, param=param, ctx=ctx)

    def _is_choice(self, value: str) -> bool:
        return get_origin(self._annotation) is Literal and value in get_args(self._annotation)


ConfigOption = Annotated[
    str,
    typer.Option("--config", "-c", help="A config file, or the name of a shipped one (mnist config list)."),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="Change one setting: --set training.epochs=3. May be repeated.", metavar="KEY=VALUE"),
]
SeedOption = Annotated[
    int | None, typer.Option("--seed", help="Train with this seed; the run is then called <name>-seed<N>.")
]
NameOption = Annotated[str | None, typer.Option("--name", help="Call the run so, instead of what the config says.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace a run of the same name.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else there.")]
RunArgument = Annotated[
    str | None,
    typer.Argument(help="A run's name or folder; without it the run trained last.", show_default=False),
]
ModelOption = Annotated[
    Path | None,
    typer.Option("--model", help="An exported file, .onnx or .tflite, instead of a run.", show_default=False),
]
RuntimeOption = Annotated[
    Literal["opencv", "onnxruntime", "litert"] | None,
    typer.Option("--runtime", help="What computes a model file; by default OpenCV for .onnx, LiteRT for .tflite."),
]


_ENDLESS = re.compile(r"(\S{100})\S{800,}(\S{100})")  # a word that nobody reads to its end
_as_is = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_escaped = json.JSONEncoder(allow_nan=False).encode


class Group(WordsGroup):
    """A command group whose expected failures end in a line for the user instead of a traceback."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Parse the words; --help and --version answer while this is done."""
        with _told_in_a_line():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        with _told_in_a_line():
            return super().invoke(ctx)


@contextmanager
def _told_in_a_line() -> Iterator[None]:
    """Turn a MnistError, and what the operating system refuses, into its text and exit code."""
    try:
        yield
    except MnistError as error:
        complain(str(error), lines=True)
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        complain("interrupted")
        raise typer.Exit(130) from None
    except BrokenPipeError:  # who read the answer has left, and Typer ends quietly
        raise
    except OSError as error:  # a name that is too long, a full disk, no temporary folder: no bug of ours
        problem = error.strerror or str(error)
        complain(f"{error.filename}: {problem}" if error.filename else problem)
        raise typer.Exit(2) from None


def say(text: str = "") -> None:
    """A result, on stdout: printable on a terminal, as it is on the way to a file or another program."""
    sys.stdout.write(f"{printable(text, lines=True) if sys.stdout.isatty() else text}\n")
    sys.stdout.flush()


def say_json(value: Any) -> None:
    """A result for a machine: one object, one line."""
    say(as_json(value))


def as_json(value: Any) -> str:
    """One line, in which is escaped what a terminal would obey, what is no text, and what stdout cannot say."""
    text = _as_is(value)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return _escaped(value)
    return text if text.isprintable() else _escaped(value)


def note(text: str) -> None:
    """What is good to know beside the result, on stderr, in a line."""
    _tell(printable(text))


def complain(text: str, *, lines: bool = False) -> None:
    """What went wrong, on stderr, in a line unless it is made of lines."""
    coloured = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    label = typer.style("Error:", fg="red", bold=True) if coloured else "Error:"
    _tell(f"{label} " + _ENDLESS.sub(r"\1...\2", printable(text, lines=lines)))


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def table(columns: list[str], rows: list[list[str]]) -> None:
    """Columns on stdout, the first aligned left and the others right; never cut to the terminal's width."""
    shown = [[printable(cell) for cell in row] for row in [columns, *rows]]
    widths = [max(len(row[at]) for row in shown) for at in range(len(columns))]
    for row in shown:
        cells = [
            row[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
        ]
        say("  ".join(cells).rstrip())
