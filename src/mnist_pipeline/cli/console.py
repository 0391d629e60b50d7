"""Results to stdout, notes and errors to stderr, expected failures as one clear line with their exit code."""

import json
import os
import sys
from typing import Any

import typer

from mnist_pipeline.cli.words import WordsGroup
from mnist_pipeline.errors import MnistError


class Group(WordsGroup):
    """A command group whose expected failures end in a line for the user instead of a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; turn a MnistError into its text and exit code."""
        try:
            return super().invoke(ctx)
        except MnistError as error:
            complain(str(error))
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            complain("interrupted")
            raise typer.Exit(130) from None


def say(text: str = "") -> None:
    """A result, on stdout."""
    typer.echo(text)


def say_json(value: Any) -> None:
    """A result for a machine: one object, one line."""
    typer.echo(json.dumps(value, ensure_ascii=False, allow_nan=False))


def note(text: str) -> None:
    """What is good to know beside the result, on stderr."""
    typer.echo(text, err=True)


def complain(text: str) -> None:
    """What went wrong, on stderr."""
    coloured = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    label = typer.style("Error:", fg="red", bold=True) if coloured else "Error:"
    typer.echo(f"{label} {text}", err=True)


def table(columns: list[str], rows: list[list[str]]) -> None:
    """Columns on stdout, the first aligned left and the others right; never cut to the terminal's width."""
    widths = [max(len(row[at]) for row in [columns, *rows]) for at in range(len(columns))]
    for row in [columns, *rows]:
        cells = [
            row[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
        ]
        say("  ".join(cells).rstrip())
