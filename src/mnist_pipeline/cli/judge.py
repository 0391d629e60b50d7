"""mnist evaluate, mnist predict, mnist report."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mnist_pipeline.cli.console import complain, note, say, say_json, table
from mnist_pipeline.cli.options import JsonOption, ModelOption, RunArgument, RuntimeOption
from mnist_pipeline.errors import MnistError

if TYPE_CHECKING:
    from mnist_pipeline.prediction import Prediction, Predictor


def register(app: typer.Typer) -> None:
    """Add these verbs to the app."""
    app.command(epilog="Example: mnist evaluate dense")(evaluate)
    app.command(epilog="Example: mnist predict digit.png --run dense")(predict)
    app.command(epilog="Example: mnist report dense")(report)


def evaluate(
    run: RunArgument = None,
    model: ModelOption = None,
    runtime: RuntimeOption = None,
    json: JsonOption = False,
) -> None:
    """Judge a trained run on the 10,000 test images: figures on stdout, pictures into the run's plots/.

    With --model an exported file instead, without TensorFlow; its loss is that of the normalised probabilities.
    """
    from mnist_pipeline import pipeline
    from mnist_pipeline.runs import open_run

    if model is None:
        opened = open_run(run)
        if run is None:
            note(f"{opened.path} (trained last)")
        numbers = pipeline.evaluate(opened)
    elif run is None:
        numbers = pipeline.evaluate_file(model, runtime)
    else:
        raise MnistError("a run or --model, not both: which one shall be judged?")
    if json:
        say_json(numbers)
        return
    say(verdict(numbers))
    say()
    _per_class(numbers)
    pairs = [f"{pair['true']} as {pair['answer']}: {pair['n']}" for pair in numbers["most_confused"][:5]]
    say(f"\nmost confused: {', '.join(pairs) or 'nothing'}")
    if model is None:
        note(f"Pictures: {opened.plots}. Next: mnist report {opened.name}")


def verdict(numbers: dict[str, Any]) -> str:
    """A run's test figures in a line."""
    right = sum(row["right"] for row in numbers["per_class"])
    judged = numbers.get("run") or numbers["model"]
    return (
        f"{judged}: test accuracy {numbers['test_accuracy']:.2%} ({right:,} of {numbers['n']:,}), "
        f"test loss {numbers['test_loss']:.4f}, calibration error {numbers['ece']:.2%}"
    )


def _per_class(numbers: dict[str, Any]) -> None:
    rows = [
        [str(row["digit"]), f"{row['n']:,}", f"{row['right']:,}", f"{row['accuracy']:.2%}",
         *(f"{numbers['report'][str(row['digit'])][figure]:.4f}" for figure in ("precision", "recall", "f1"))]
        for row in numbers["per_class"]
    ]  # fmt: skip
    table(["digit", "images", "right", "accuracy", "precision", "recall", "f1"], rows)


def predict(
    pictures: Annotated[list[str] | None, typer.Argument(help="Picture files.", show_default=False)] = None,
    run: Annotated[
        str | None, typer.Option("--run", help="The run that answers; by default the one trained last.")
    ] = None,
    invert: Annotated[
        Literal["auto", "yes", "no"],
        typer.Option(help="Dark ink on light paper has to be inverted; auto goes by the border's brightness."),
    ] = "auto",
    show: Annotated[bool, typer.Option("--show", help="Write <picture>-seen.png here: what the model saw.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a picture, on stdout.")] = False,
) -> None:
    """Read the digit on each picture: the answer and how sure it is."""
    if not pictures:
        pictures = [_ask()]
    from mnist_pipeline.prediction import predictor

    model = predictor(run)
    if not json:
        note(f"model: {model.name}" + ("" if run else " (trained last)"))
    unread = 0
    for picture in pictures:
        answer = _answer(model, picture, invert, show)
        unread += answer.error is not None
        if json:
            say_json(answer.tree())
        elif answer.error is not None:
            complain(answer.error)
        else:
            say(answer.sentence())
    if unread:
        raise typer.Exit(2)


def _ask() -> str:
    if not sys.stdin.isatty():
        raise MnistError("which picture? Give its path: mnist predict digit.png")
    return str(typer.prompt("Path of the picture", err=True)).strip()


def _answer(model: "Predictor", picture: str, invert: Literal["auto", "yes", "no"], show: bool) -> "Prediction":
    answer, grey, seen = model.examine(picture, invert)
    if show and grey is not None and seen is not None and answer.probabilities:
        from mnist_pipeline import plots

        path = _free_name(Path(picture).stem)
        plots.seen([("as given", grey), ("as the model saw it", seen)], answer.probabilities, answer.sentence(), path)
        note(f"what the model saw: {path}")
    return answer


def _free_name(stem: str) -> Path:
    """<stem>-seen.png here, or the first -seen-2.png, -seen-3.png ... that does not exist."""
    number = 1
    while (path := Path(f"{stem}-seen{f'-{number}' if number > 1 else ''}.png")).exists():
        number += 1
    return path


def report(run: RunArgument = None) -> None:
    """Write an evaluated run's report: one HTML page that holds everything and opens from disk."""
    from mnist_pipeline import pipeline

    say(str(pipeline.report(run)))
