"""mnist predict: pictures in, answers out; with --all every digit on each page, with --out millions into a file."""

import os
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, suppress
from csv import writer
from itertools import count as numbers
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mnist_pipeline.cli.console import (
    Invert,
    ModelOption,
    RayOption,
    RunOption,
    RuntimeOption,
    Way,
    answer,
    complain,
    note,
    printable,
)
from mnist_pipeline.errors import MnistError
from mnist_pipeline.numerals import counted
from mnist_pipeline.prediction.finding import count, find
from mnist_pipeline.prediction.parts import COLUMNS, Tally, cells

if TYPE_CHECKING:
    from mnist_pipeline.prediction.prediction import Prediction
    from mnist_pipeline.prediction.predictor import Predictor

app = typer.Typer()
_PICTURES = "Picture files, folders, patterns in quotes, or - for a list of paths on stdin."
_WAY = "mnist finds the digit and makes it look as in MNIST; plain only makes it grey and 28x28."
_OUT = "Write the answers, of millions too, to this new .parquet, .csv or .jsonl; reads .tar and IDX."


@app.command(epilog="Example: mnist predict digit.png --run dense")
def predict(
    pictures: Annotated[list[str] | None, typer.Argument(help=_PICTURES)] = None,
    run: RunOption = None,
    model: ModelOption = None,
    runtime: RuntimeOption = None,
    invert: Annotated[
        Invert, typer.Option(help="Whether to invert, as dark ink on light paper needs; auto goes by the picture.")
    ] = "auto",
    preprocess: Annotated[Way, typer.Option(help=_WAY)] = "mnist",
    show: Annotated[
        bool, typer.Option("--show", help="Write <picture>-seen.png here, with every step to what the model saw.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="With --show or --json: which of the 28x28 pixels the answer hangs on.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object for each picture on stdout.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print a table with a row for each picture on stdout.")] = False,
    every: Annotated[
        bool, typer.Option("--all", help="Read every digit on the page, line by line; ? stands for a refused one.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 when a digit is refused, which otherwise is an answer and 0.")
    ] = False,
    save: Annotated[Path | None, typer.Option(help="With --all: write the page, digits boxed, to this file.")] = None,
    out: Annotated[Path | None, typer.Option(help=_OUT)] = None,
    ray: RayOption = None,
) -> None:
    """Read the digit on each picture: the answer and how sure it is. Interrupted with --out, the same command goes on.

    The exit code is 0 also where the answer is that there is no digit (1 with --strict), and 2 for a file that cannot
    be read.
    """
    contradictions = {
        "--json or --csv, not both": json and csv,
        "--explain goes with --show, as a further panel, or with --json": explain and not (show or json),
        "--all goes with --json, --save, --run and --invert alone": every
        and (csv or show or explain or preprocess == "plain"),
        "--save goes with --all": save is not None and not every,
        "--run or --model, not both: choose the one to answer": run and model,
        "--out goes with --run, --model, --runtime, --invert, --preprocess, --strict and --ray alone": out is not None
        and (json or csv or show or explain or every),
        "--ray goes with --out": ray and out is None,
    }
    for problem, met in contradictions.items():
        if met:
            raise MnistError(problem)
    pictures = pictures or [_ask()]
    if save is not None:
        _check_save(save, pictures)
    if out is not None:
        from mnist_pipeline.prediction.bulk import check_out

        check_out(out)
    from mnist_pipeline.pixels.pictures import configure_opencv
    from mnist_pipeline.prediction.many import answers, are_many
    from mnist_pipeline.prediction.predictor import file_predictor, predictor
    from mnist_pipeline.process import libraries_muted

    configure_opencv()
    one_by_one = every or show or explain
    many = out is not None or (not one_by_one and are_many(count(pictures)))
    wanted = runtime or ("quickest" if many else None)
    found = file_predictor(model, wanted, preprocess) if model else predictor(run, wanted, preprocess, note)
    if not (run or model or found.shipped):
        costs = "" if found.threshold else "this run was not trained to refuse; "
        note(f"model: {found.name} (trained last; {costs}for photos: --run shipped)")
    elif not (json or csv):
        note(f"model: {found.name}")
    with libraries_muted():
        if out is not None:
            tally = _write_answers(out, pictures, found, invert, ray)
        elif every:
            tally = _read_pages(pictures, found, invert, save, json)
        else:
            examined = _examined(pictures, found, invert, show, explain) if show or explain else None
            batches = examined or answers(find(pictures), found, invert)
            tally = _print_answers(batches, pictures, json, csv)
    if tally["unread"] or (strict and tally["refused"]):
        raise typer.Exit(2 if tally["unread"] else 1)


def _ask() -> str:
    if not sys.stdin.isatty():
        raise MnistError("which picture? Give its path: mnist predict digit.png")
    return str(typer.prompt("Path of the picture", err=True)).strip()


def _print_answers(batches: "Generator[list[Prediction]]", pictures: Sequence[str], json: bool, csv: bool) -> Tally:
    """Print the answer about each picture; gives how many files are unread, and how many refused."""
    from mnist_pipeline.cli.progress import PictureProgress

    tally = Tally()
    with closing(PictureProgress(pictures)) as progress, closing(batches):
        if csv:
            _print_row(COLUMNS)
        for batch in batches:
            for found in batch:
                tally["unread" if found.error is not None else "refused" if found.label is None else "read"] += 1
                if csv:
                    _print_row(cells(found))
                elif json or found.error is None:
                    answer(found.tree(), printable(found.sentence()), json)
                else:
                    complain(found.error)
            progress.more(len(batch))
    return tally


def _print_row(row: Sequence[object]) -> None:
    """A row of CSV (RFC 4180)."""
    shown: Callable[[str], str] = printable if sys.stdout.isatty() else str
    writer(sys.stdout).writerow([shown(cell) if isinstance(cell, str) else cell for cell in row])


def _write_answers(out: Path, pictures: Sequence[str], model: "Predictor", invert: Invert, ray: str | None) -> Tally:
    """Write the answers to a file, and a line that counts them; gives how many pictures are unread, and refused."""
    from mnist_pipeline.cli.progress import PictureProgress
    from mnist_pipeline.prediction.bulk import predict_to

    crew = None
    if ray:
        from mnist_pipeline.fleet.answering import RayCrew

        crew = RayCrew(ray, model, invert)
    with closing(PictureProgress(pictures)) as progress:
        try:
            tally = predict_to(out, pictures, model, invert, crew=crew, tell=progress.more)
        except KeyboardInterrupt:
            note(f"interrupted; what is answered is kept in {out}.parts. Go on with the same command")
            raise typer.Exit(130) from None
    what = ", ".join(f"{tally[kind]:,} {kind}" for kind in ("read", "refused", "unread") if tally[kind])
    note(f"{out}: {counted(tally.total(), 'picture')}, {what}")
    return tally


def _examined(
    pictures: Sequence[str], model: "Predictor", invert: Invert, show: bool, explain: bool
) -> "Generator[list[Prediction]]":
    """The answer for each picture, after a picture of the steps to it has been written where that is wanted."""
    for picture, problem in filter(None, find(pictures)):
        if problem:
            yield [model.unread(picture, problem)]
            continue
        found, steps = model.examine(picture, invert, explain=explain)
        if show and steps:
            from mnist_pipeline.evaluation.plots.images import answer_steps

            path = _free_name(Path(picture).stem)
            answer_steps(steps, found.probabilities, found.sentence(), path, found.explanation, model.classes)
            note(f"what the model saw: {path}")
        yield [found]


_LONGEST_STEM = 230  # bytes: a name has at most 255, with what is put behind the stem


def _free_name(stem: str) -> Path:
    """<stem>-seen.png here, or the first -seen-2.png, -seen-3.png ... that does not exist; a long stem is cut short."""
    while len(os.fsencode(stem)) > _LONGEST_STEM:
        stem = stem[:-1]
    names = (f"{stem}-seen{f'-{number}' if number > 1 else ''}.png" for number in numbers(1))
    return next(path for path in map(Path, names) if not path.exists())


def _read_pages(pictures: Sequence[str], model: "Predictor", invert: Invert, save: Path | None, json: bool) -> Tally:
    """Print each page's text on stdout, its name on stderr; gives how many are unread, and how many refused in part."""
    from mnist_pipeline.prediction.pages.pieces import MOST
    from mnist_pipeline.prediction.pages.reading import Page, read_page, save_drawn
    from mnist_pipeline.prediction.predictor import require_letters

    require_letters(model.classes)
    tally, single = Tally(), count(pictures) == 1
    for path, problem in filter(None, find(pictures)):
        page = Page(path, model.name, [], problem) if problem else read_page(path, model, invert)
        refused = "refused" if not page.text or "?" in page.text else "read"
        tally["unread" if page.error is not None else refused] += 1
        if page.left_out:
            left_out = f"{counted(page.left_out, 'shape')} left out, the smallest"
            note(f"{path}: {left_out}, beyond the {MOST:,} that are read on one page: cut it up to have them read too")
        if page.text and not (single or json):
            note(f"{path}:")
        if page.text or json:
            answer(page.tree(), page.text, json)
        elif page.error is not None:
            complain(page.error)
        else:
            note(f"{path}: no digits here")
        if save is not None and page.error is None:
            save_drawn(path, page.lines, save)
            note(f"the page with its digits: {save}")
    return tally


_PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def _check_save(save: Path, pictures: Sequence[str]) -> None:
    """Refuse a file that cannot be written, before anything is read."""
    if count(pictures) != 1:
        raise MnistError("--save is for one page: give a single picture")
    if save.suffix.lower() not in _PICTURE_SUFFIXES:
        raise MnistError(f"{save}: --save writes {', '.join(_PICTURE_SUFFIXES)}")
    if not save.parent.is_dir():
        raise MnistError(f"{save.parent}: no such folder; make it first")
    with suppress(FileNotFoundError):
        save.lstat()  # whose name may be too long
        raise MnistError(f"{save}: is there already; give --save another name")
