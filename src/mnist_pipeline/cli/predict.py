"""mnist predict --all: pages in, their text out, and a picture of what was read where."""

import os
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mnist_pipeline.cli.console import ModelOption, RuntimeOption, WordsCommand, complain, note, say, say_json
from mnist_pipeline.errors import MnistError
from mnist_pipeline.numerals import counted
from mnist_pipeline.prediction.finding import count, find

if TYPE_CHECKING:
    from collections.abc import Generator

    from mnist_pipeline.prediction.pages.reading import Model, Page
    from mnist_pipeline.prediction.predictor import Prediction, Predictor
    from mnist_pipeline.prediction.runtimes import RuntimeChoice


_KINDS = (".png", ".jpg", ".jpeg", ".webp")


def read_pages(
    pictures: Sequence[str], model: "Model", invert: Literal["auto", "yes", "no"], save: Path | None, json: bool
) -> int:
    """Tell what stands on each page; how many files could not be read."""
    if save is not None:
        _check(save, pictures)
    from mnist_pipeline.prediction.pages.drawing import save_drawn
    from mnist_pipeline.prediction.pages.reading import Page, read_page

    unread, several = 0, count(pictures) != 1
    for found in filter(None, find(pictures)):
        if found.problem is not None:
            page = Page(found.path, model.name, [], found.problem)
        else:
            page = read_page(found.path, model, invert)
        unread += page.error is not None
        if page.left_out:
            note(_beyond(page))
        if json:
            say_json(page.tree())
        else:
            _tell(page, several)
        if save is not None and page.error is None:
            save_drawn(found.path, page.lines, save)
            note(f"what was read where: {save}")
    return unread


def _tell(page: "Page", several: bool) -> None:
    """The text on stdout, and whose it is on stderr."""
    if page.error is not None:
        complain(page.error)
    elif not page.text:
        note(f"{page.image}: no digits here")
    else:
        if several:
            note(f"{page.image}:")
        say(page.text)


def _beyond(page: "Page") -> str:
    from mnist_pipeline.prediction.pages.pieces import MOST

    return (
        f"{page.image}: {counted(page.left_out, 'shape')} left out, the smallest, beyond the {MOST:,} that are read on "
        f"one page: cut it up to have them read too"
    )


def _check(save: Path, pictures: Sequence[str]) -> None:
    """That the picture can be written, before anything is read."""
    if count(pictures) != 1:
        raise MnistError("--save is for one page: give a single picture")
    if save.suffix.lower() not in _KINDS:
        raise MnistError(f"{save}: --save writes {', '.join(_KINDS)}")
    if not save.parent.is_dir():
        raise MnistError(f"{save.parent}: no such folder; make it first")
    try:
        save.lstat()
    except FileNotFoundError:
        return
    except OSError as error:  # a name that is too long
        raise MnistError(f"{save}: cannot be written ({error.strerror}); give --save another name") from None
    raise MnistError(f"{save}: is there already; give --save another name")


Invert = Literal["auto", "yes", "no"]
Way = Literal["mnist", "plain"]
_LONGEST_STEM = 230  # bytes: a name has at most 255, with what is put behind it


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
        str | None,
        typer.Option(
            "--run",
            help="The run that answers; by default the one trained last, or else the model that comes with the "
            "package, which is also called `shipped`.",
        ),
    ] = None,
    model: ModelOption = None,
    runtime: RuntimeOption = None,
    invert: Annotated[
        Invert, typer.Option(help="Dark ink on light paper has to be inverted; auto goes by the picture.")
    ] = "auto",
    preprocess: Annotated[
        Way,
        typer.Option(help="mnist finds the digit and makes it what MNIST holds; plain only makes it grey and 28x28."),
    ] = "mnist",
    show: Annotated[
        bool, typer.Option("--show", help="Write <picture>-seen.png here: every step to what the model saw.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a picture, on stdout.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="A table with a row a picture, on stdout.")] = False,
    every: Annotated[
        bool, typer.Option("--all", help="Read every digit on the page, line by line; ? is one that is refused.")
    ] = False,
    save: Annotated[
        Path | None, typer.Option("--save", help="With --all: write the page there, its digits boxed and named.")
    ] = None,
) -> None:
    """Read the digit on each picture: the answer and how sure it is."""
    if json and csv:
        raise MnistError("--json or --csv, not both")
    if every and (csv or show or preprocess == "plain"):
        raise MnistError("--all goes with --json, --save, --run and --invert alone")
    if save is not None and not every:
        raise MnistError("--save goes with --all")
    if not pictures:
        pictures = [_ask()]
    from mnist_pipeline.cli.answers import Answers
    from mnist_pipeline.cli.progress import predict_progress
    from mnist_pipeline.prediction.many import are_many
    from mnist_pipeline.process import libraries_muted

    expected = None if every or show else count(pictures)
    many = not (every or show) and are_many(expected)
    predicting = _predictor(run, model, runtime or ("quickest" if many else None), preprocess)
    if not (json or csv):
        last = " (trained last; the one that comes with the package: --run shipped)"
        note(f"model: {predicting.name}" + ("" if run or model or predicting.shipped else last))
    if every:
        with libraries_muted():
            unread = read_pages(pictures, predicting, invert, save, json)
        if unread:
            raise typer.Exit(2)
        return
    with (
        libraries_muted(),
        predict_progress(pictures) as watched,
        closing(_batches(predicting, pictures, expected, invert, show)) as batches,
    ):
        answers = Answers("json" if json else "csv" if csv else "text", watched.complain)
        for batch in batches:
            answers.write(batch)
            watched.more(len(batch))
    if answers.unread:
        raise typer.Exit(2)


def _predictor(run: str | None, model: Path | None, runtime: "RuntimeChoice | None", way: Way) -> "Predictor":
    from mnist_pipeline.pixels.pictures import configure_opencv
    from mnist_pipeline.prediction.predictor import file_predictor, predictor

    if run and model:
        raise MnistError("--run or --model, not both: which one shall answer?")
    configure_opencv()
    return file_predictor(model, runtime, way) if model else predictor(run, runtime, way, note)


def _ask() -> str:
    if not sys.stdin.isatty():
        raise MnistError("which picture? Give its path: mnist predict digit.png")
    return str(typer.prompt("Path of the picture", err=True)).strip()


def _batches(
    model: "Predictor", pictures: list[str], expected: int | None, invert: Invert, show: bool
) -> "Generator[list[Prediction]]":
    from mnist_pipeline.prediction.finding import find
    from mnist_pipeline.prediction.many import answers

    if not show:
        yield from answers(find(pictures), model, invert, expected)
        return
    for found in filter(None, find(pictures)):
        yield [model.unread(*found)] if found.problem else [_shown(model, found.path, invert)]


def _shown(model: "Predictor", picture: str, invert: Invert) -> "Prediction":
    """The answer, and a picture of the way to it."""
    answer, steps = model.examine(picture, invert)
    if steps:
        from mnist_pipeline.evaluation.plots.images import answer_steps

        path = _free_name(Path(picture).stem)
        answer_steps(steps, answer.probabilities, answer.sentence(), path)
        note(f"what the model saw: {path}")
    return answer


def _free_name(stem: str) -> Path:
    """<stem>-seen.png here, or the first -seen-2.png, -seen-3.png ... that does not exist; a long stem is cut short."""
    stem = os.fsdecode(os.fsencode(stem)[:_LONGEST_STEM])
    number = 1
    while (path := Path(f"{stem}-seen{f'-{number}' if number > 1 else ''}.png")).exists():
        number += 1
    return path
