"""mnist predict: one picture, or any number of them."""

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mnist_pipeline.cli.console import note
from mnist_pipeline.cli.words import WordsCommand
from mnist_pipeline.errors import MnistError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mnist_pipeline.prediction import Prediction, Predictor

Invert = Literal["auto", "yes", "no"]


def register(app: typer.Typer) -> None:
    """Add the verb to the app."""
    app.command(cls=WordsCommand, epilog="Example: mnist predict digit.png --run dense")(predict)


def predict(
    pictures: Annotated[
        list[str] | None,
        typer.Argument(
            help="Picture files, folders of them, patterns in quotes, or - for a list of paths on stdin.",
            show_default=False,
        ),
    ] = None,
    run: Annotated[
        str | None, typer.Option("--run", help="The run that answers; by default the one trained last.")
    ] = None,
    invert: Annotated[
        Invert, typer.Option(help="Dark ink on light paper has to be inverted; auto goes by the border's brightness.")
    ] = "auto",
    show: Annotated[bool, typer.Option("--show", help="Write <picture>-seen.png here: what the model saw.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a picture, on stdout.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="A table with a row a picture, on stdout.")] = False,
) -> None:
    """Read the digit on each picture: the answer and how sure it is."""
    if json and csv:
        raise MnistError("--json or --csv, not both")
    if not pictures:
        pictures = [_ask()]
    from mnist_pipeline.cli.answers import Answers
    from mnist_pipeline.cli.predict_progress import predict_progress
    from mnist_pipeline.finding import find
    from mnist_pipeline.prediction import predictor

    model = predictor(run)
    if not (json or csv):
        note(f"model: {model.name}" + ("" if run else " (trained last)"))
    answers = Answers("json" if json else "csv" if csv else "text")
    if show:
        for batch in _shown(model, pictures, invert):
            answers.write(batch)
    else:
        from mnist_pipeline import bulk

        with predict_progress(pictures) as progress, closing(bulk.answers(find(pictures), model, invert)) as batches:
            for batch in batches:
                answers.write(batch)
                progress(len(batch))
    if answers.unread:
        raise typer.Exit(2)


def _ask() -> str:
    if not sys.stdin.isatty():
        raise MnistError("which picture? Give its path: mnist predict digit.png")
    return str(typer.prompt("Path of the picture", err=True)).strip()


def _shown(model: "Predictor", pictures: list[str], invert: Invert) -> "Iterator[list[Prediction]]":
    """One by one, each with a picture of what the model saw."""
    from mnist_pipeline import plots
    from mnist_pipeline.finding import find

    for found in find(pictures):
        if found is None:
            continue
        if found.problem:
            yield [model.unread(found.path, f"{found.path}: {found.problem}")]
            continue
        answer, grey, seen = model.examine(found.path, invert)
        if grey is not None and seen is not None and answer.probabilities:
            path = _free_name(Path(found.path).stem)
            plots.seen(grey, seen, answer.probabilities, answer.sentence(), path)
            note(f"what the model saw: {path}")
        yield [answer]


def _free_name(stem: str) -> Path:
    """<stem>-seen.png here, or the first -seen-2.png, -seen-3.png ... that does not exist."""
    number = 1
    while (path := Path(f"{stem}-seen{f'-{number}' if number > 1 else ''}.png")).exists():
        number += 1
    return path
