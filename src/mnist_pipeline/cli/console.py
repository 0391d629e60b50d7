"""What the verbs share: options, how they speak to the user, how the words of a call are read, and how they fail.

Results go to stdout, everything else to stderr.
"""

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import typer
from typer._click.exceptions import NoArgsIsHelpError, NoSuchOption, UsageError
from typer.core import TyperCommand, TyperGroup

from mnist_pipeline.errors import MnistError
from mnist_pipeline.packages import explained


def recipe_names() -> list[str]:
    """The shipped recipes, for a shell to complete."""
    from mnist_pipeline.config.recipes import shipped_configs

    return list(shipped_configs())


def run_names() -> list[str]:
    """The runs that there are, for a shell to complete."""
    from mnist_pipeline.runs.run import all_runs

    return [*(run.name for run in all_runs()), "shipped"]


SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="Change one setting: --set training.epochs=3. May be repeated.", metavar="KEY=VALUE"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else there.")]
Invert = Literal["auto", "yes", "no"]
Way = Literal["mnist", "plain"]
RunArgument = Annotated[
    str | None,
    typer.Argument(help="A run's name or folder; by default the run trained last.", autocompletion=run_names),
]
_RUN = "The run that answers; by default the one trained last, or else the `shipped` model."
RunOption = Annotated[str | None, typer.Option("--run", help=_RUN, autocompletion=run_names)]
ModelOption = Annotated[
    Path | None, typer.Option("--model", help="An exported file, .onnx or .tflite, instead of a run.")
]
_RUNTIME = "The library that runs a model file; by default OpenCV for .onnx, LiteRT for .tflite."
RuntimeOption = Annotated[Literal["opencv", "onnxruntime", "litert"] | None, typer.Option("--runtime", help=_RUNTIME)]
WorkersOption = Annotated[
    int | None, typer.Option(min=1, max=256, help="Trainings at a time; by default as many as the cores can carry.")
]
RayOption = Annotated[
    str | None,
    typer.Option(
        "--ray", help="Work on the Ray cluster whose head is at HOST:PORT; auto finds the one here, local starts one.",
        metavar="ADDRESS",
    ),
]  # fmt: skip

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


def say(text: str) -> None:
    """Print a result on stdout; on a terminal without control characters, elsewhere unchanged."""
    print(printable(text, lines=True) if sys.stdout.isatty() else text, flush=True)  # noqa: T201


def table(columns: list[str], rows: Iterable[list[str]]) -> str:
    """A table as text: the first column aligned left, the others right, never cut to the terminal's width."""
    shown = [[printable(cell) for cell in row] for row in [columns, *rows]]
    first, *others = (max(map(len, column)) for column in zip(*shown, strict=True))
    form = "  ".join([f"{{:<{first}}}", *(f"{{:>{width}}}" for width in others)])
    return "\n".join(form.format(*row).rstrip() for row in shown)


def answer(value: dict[str, Any], text: str, as_json: bool) -> None:
    """Print a result: in words, or for a program as one object in one line, escaped if a terminal would obey it."""
    if as_json:
        text, encoding = json.dumps(value, ensure_ascii=False, allow_nan=False), sys.stdout.encoding or "utf-8"
        plain = text.isprintable() and text.encode(encoding, "replace").decode(encoding) == text
        text = text if plain else json.dumps(value, allow_nan=False)
    say(text)


_told = {"quiet": False}  # what the command's --quiet says


def watched() -> bool:
    """Whether somebody may look at a bar: stderr leads to a terminal, and nobody said --quiet."""
    return sys.stderr.isatty() and not _told["quiet"]


def note(text: str) -> None:
    """Tell the user something in one line on stderr, unless --quiet was said."""
    if not _told["quiet"]:
        print(printable(text), file=sys.stderr, flush=True)  # noqa: T201


def hush(asked: bool) -> None:
    """Leave out notes and bars from here on, where asked to."""
    _told["quiet"] |= asked


_ENDLESS = re.compile(r"(\S{100})\S{800,}(\S{100})")  # a word too long to be read


def complain(text: str, *, lines: bool = False) -> None:
    """Tell the user on stderr what went wrong, in one line unless the text is made of several."""
    coloured = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    label = typer.style("Error:", fg="red", bold=True) if coloured else "Error:"
    print(label, _ENDLESS.sub(r"\1...\2", printable(text, lines=lines)), file=sys.stderr, flush=True)  # noqa: T201


def _word(parameter: Any, context: Any, value: Any) -> Any:
    """A word, a list of words or nothing as the command's function takes it; Typer checks the rest."""
    wanted = parameter.type_descriptor.annotation
    given = isinstance(value, str) and (wanted is str or value in get_args(wanted))  # of a Literal
    if given or (value is None and not parameter.required):
        return value
    if wanted == list[str]:
        return list(value)
    try:
        return type(parameter).process_value(parameter, context, value)
    except typer.BadParameter as error:  # in the words of pydantic
        must = error.message.partition("Input should ")[2].replace("valid integer", "whole number")
        plain = error.message.removeprefix("Value error, ")
        error.message = f"must {must.partition(', unable')[0]}, not {value}" if must else plain
        raise


class _Quick:
    """Takes words as they are: Typer checks them with pydantic, which takes 30 ms to load."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, --help among them, and the --quiet of the root, which goes with every command."""
        parameters: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        everywhere = [parameter for parameter in ctx.find_root().command.params if parameter.name == "quiet"]
        parameters[-1:-1] = [parameter for parameter in everywhere if parameter not in parameters]
        for parameter in parameters:
            parameter.process_value = partial(_word, parameter)
            if getattr(parameter, "is_flag", False):
                parameter.metavar = ""  # or the help says that a flag takes a <bool>
        return parameters

    def get_short_help_str(self, limit: int = 0) -> str:
        """What the list of its group says of the command: all of its first paragraph, not what fits in a line."""
        return str(self.help).partition("\n\n")[0].replace("\n", " ")  # type: ignore[attr-defined]


class Command(_Quick, TyperCommand):
    """A command that starts without pydantic."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words of the command; an unknown option that is a setting is answered with --set."""
        words = [*args, "VALUE"]
        try:
            return super().parse_args(ctx, args)
        except NoSuchOption as error:
            from mnist_pipeline.config.checking import settings_called

            given = next(word for word in words if word.startswith(error.option_name))
            value = given.partition("=")[2] or words[words.index(given) + 1]
            meant = settings_called(error.option_name.lstrip("-").replace("-", "_"))
            if meant and any("--set" in parameter.opts for parameter in self.params):
                error.message += f": did you mean {' or '.join(f'--set {setting}={value}' for setting in meant)}?"
            raise


@contextmanager
def _errors_in_a_line() -> Iterator[None]:
    """Turn a MnistError, an interruption or an error of the operating system into one line and an exit code."""
    try:
        yield
    except (NoArgsIsHelpError, BrokenPipeError):  # Typer prints the help, or ends quietly where the reader has left
        raise
    except KeyboardInterrupt:
        complain("interrupted")
        raise typer.Exit(130) from None
    except UsageError as error:
        complain(error.format_message())
        note(f"Try: {error.ctx.command_path if error.ctx else 'mnist'} --help")
        raise typer.Exit(error.exit_code) from None
    except (MnistError, ModuleNotFoundError) as error:
        told = error if isinstance(error, MnistError) else explained(error)
        if told is None:
            raise
        complain(str(told), lines=True)
        raise typer.Exit(told.exit_code) from None
    except OSError as error:  # a name that is too long, a full disk, no temporary folder
        problem = error.strerror or str(error)
        complain(f"{error.filename}: {problem}" if error.filename else problem)
        raise typer.Exit(2) from None


class Group(_Quick, TyperGroup):
    """A group of commands: an expected failure of one ends in a line instead of a traceback."""

    @_errors_in_a_line()
    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Parse the words of the command line; --help and --version are answered here."""
        if kwargs.get("parent") is None:
            _told["quiet"] = False
        return super().make_context(*args, **kwargs)

    @_errors_in_a_line()
    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        return super().invoke(ctx)
