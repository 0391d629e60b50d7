"""What the verbs share: how they speak to the user, the options they have in common, and how they fail.

Results go to stdout, everything else to stderr.
"""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args

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
    """Print a result for a program on stdout: one object in one line."""
    say(as_json(value))


def as_json(value: Any) -> str:
    """JSON in one line; escaped where it holds control characters, or characters that stdout cannot encode."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, allow_nan=False)
    return text if text.isprintable() else json.dumps(value, allow_nan=False)


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


class _TextCheck(NamedTuple):
    """Stands in for Typer's check of a parameter: passes text, lists of text and nothing; Typer checks the rest."""

    typers_check: Callable[[], Any]

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value as the command's function takes it."""
        wanted = param.type_descriptor.annotation
        if value is None and not param.multiple and param.nargs == 1:
            return None
        if isinstance(value, str) and (wanted is str or value in get_args(wanted)):  # the arguments of a Literal
            return value
        if isinstance(value, tuple) and wanted == list[str]:
            return list(value)
        return self.typers_check().coerce(value, param=param, ctx=ctx)


def _without_pydantic(parameters: list[Any]) -> list[Any]:
    """Let parameters take text as it is: Typer checks it with pydantic, which takes 30 ms to load."""
    for parameter in parameters:
        check = getattr(parameter, "get_runtime_param", None)
        if check and not isinstance(check, partial):
            parameter.get_runtime_param = partial(_TextCheck, check)
    return parameters


class QuickCommand(TyperCommand):
    """A command that starts without pydantic."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, --help among them."""
        return _without_pydantic(super().get_params(ctx))


class Group(TyperGroup):
    """A group of commands: starts without pydantic, and ends an expected failure in a line instead of a traceback."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, --help among them."""
        return _without_pydantic(super().get_params(ctx))

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Parse the words of the command line; --help and --version are answered here."""
        with _errors_in_a_line():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        with _errors_in_a_line():
            return super().invoke(ctx)


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
