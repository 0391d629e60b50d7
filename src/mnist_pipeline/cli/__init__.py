"""The command line: one file a verb, which parses, calls one function and prints."""

from typing import Annotated

import typer
from typer._completion_shared import _completion_scripts

from mnist_pipeline import __version__, packages
from mnist_pipeline.cli import (
    adapt,
    attest,
    config,
    data,
    ensemble,
    evaluate,
    export,
    predict,
    reproduce,
    runs,
    serve,
    sweep,
    train,
    tune,
)
from mnist_pipeline.cli.console import Command, Group, hush, say

app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help: Rich's boxes take 57 ms of --help to load
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Begin with: mnist run --config dense.yaml",
)
for verb in (
    train,
    adapt,
    ensemble,
    evaluate,
    export,
    predict,
    serve,
    reproduce,
    sweep,
    tune,
    attest,
    data,
    config,
    runs,
):
    for command in verb.app.registered_commands:
        command.cls = Command
    app.add_typer(verb.app)

# The first Tab in a new zsh only loads Typer's script, which would answer none but those after it.
_completion_scripts["zsh"] += '\n[ "$funcstack[1]" = "_%(prog_name)s" ] && %(complete_func)s\n'


_QUIET = "Only results and errors: no notes, no bar."


def _version(asked: bool) -> None:
    if asked:
        say(f"{packages.COMPLETE} {__version__}")
        raise typer.Exit


@app.callback()
def main(
    quiet: Annotated[bool, typer.Option("--quiet", "-q", callback=hush, expose_value=False, help=_QUIET)] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Train, evaluate, reproduce and use MNIST digit classifiers. A config and a seed name a result."""
