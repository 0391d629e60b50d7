"""mnist evaluate: a trained run or a model file on the test images. mnist report: the page about an evaluated run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mnist_pipeline.cli.console import (
    JsonOption,
    ModelOption,
    RunArgument,
    RuntimeOption,
    answer,
    note,
    run_names,
    table,
)
from mnist_pipeline.errors import MnistError
from mnist_pipeline.numerals import noun
from mnist_pipeline.packages import need

if TYPE_CHECKING:
    from mnist_pipeline.prediction.runtimes import RuntimeName
    from mnist_pipeline.runs.results import ClassRow, Evaluated
    from mnist_pipeline.runs.run import Run

app = typer.Typer()
_CORRUPTIONS = "Corrupt the images in fifteen ways, as MNIST-C does, and measure each."
_DISAGREEMENTS = "Draw the test images on which all of several runs disagree with the label into this file."
_RUNS = "A run's name or folder; by default the run trained last. Several go with --disagreements."
_SCORES = ("precision", "recall", "f1")


@app.command(epilog="Example: mnist evaluate dense")
def evaluate(
    run: Annotated[list[str] | None, typer.Argument(help=_RUNS, autocompletion=run_names)] = None,
    model: ModelOption = None,
    runtime: RuntimeOption = None,
    corruptions: Annotated[bool, typer.Option("--corruptions", help=_CORRUPTIONS)] = False,
    disagreements: Annotated[Path | None, typer.Option("--disagreements", help=_DISAGREEMENTS)] = None,
    json: JsonOption = False,
) -> None:
    """Evaluate a trained run on its test images, of MNIST 10,000; its pictures go into plots/ in the run's folder.

    With --model an exported file is evaluated, without TensorFlow; its loss is that of the normalised probabilities.
    """
    from mnist_pipeline import pipeline

    if runtime and not model:
        raise MnistError("--runtime runs a model file: give one with --model")
    if disagreements and (model or corruptions):
        raise MnistError("--disagreements compares several runs on the test images as they are: leave out the rest")
    if disagreements:
        _disagreements(run or [], disagreements, json)
        return
    if run and len(run) > 1:
        raise MnistError("one run at a time; several go with --disagreements SHEET.png")
    if run and model:
        raise MnistError("a run or --model, not both: choose the one to evaluate")
    if corruptions:
        _corruptions(run[0] if run else None, model, runtime, json)
        return
    if model:
        from mnist_pipeline.evaluation.metrics import evaluate_file

        found, *_ = evaluate_file(model, runtime)
    else:
        found = pipeline.evaluate(run_or_last(run[0] if run else None))
    classes = [row["label"] for row in found.per_class]
    columns = [noun(classes), "images", "right", "accuracy", *_SCORES]
    rows = [_cells(row, found.report[row["label"]]) for row in found.per_class]
    pairs = [f"{classes[pair['true']]} as {classes[pair['answer']]}: {pair['n']}" for pair in found.most_confused[:5]]
    confused = f"most confused: {', '.join(pairs) or 'nothing'}"
    answer(found.tree(), f"{figures_line(found)}\n\n{table(columns, rows)}\n\n{confused}", json)
    if found.run:
        note(f"Pictures: {found.run}/plots. Next: mnist report {found.name}")


def _corruptions(run: str | None, model: Path | None, runtime: "RuntimeName | None", json: bool) -> None:
    """Say how many of the images are right in each corruption, and in the mean."""
    from mnist_pipeline import pipeline

    note("The test images, corrupted in fifteen ways: a minute or more")
    if model:
        need("measuring corruptions", "matplotlib")
        from mnist_pipeline.evaluation.robustness import corrupt_file

        found = corrupt_file(model, runtime)
    else:
        found = pipeline.corruptions(run_or_last(run))
    refuses = found.threshold > 0
    columns = ["corruption", "right", *(["refused", "wrong"] if refuses else [])]
    shares = [[row["accuracy"], *([row["refused"], row["wrong"]] if refuses else [])] for row in found.rows]
    rows = [[row["corruption"], *map("{:.2%}".format, each)] for row, each in zip(found.rows, shares, strict=True)]
    rows.append(["in the mean", *(f"{sum(column) / len(column):.2%}" for column in zip(*shares, strict=True))])
    line = f"{found.run or found.model}: {found.mean:.2%} of {found.n:,} corrupted test images right"
    answer(found.tree(), f"{line}, {found.clean:.2%} of them as they are\n\n{table(columns, rows)}", json)
    if found.run:
        note(f"Plot: {found.run}/plots/corruptions.png. Next: mnist report {found.name}")


def _disagreements(runs: list[str], sheet: Path, json: bool) -> None:
    """Say on which test images every run disagrees with the label, and draw them."""
    from mnist_pipeline.runs.opening import open_run

    if len(set(runs)) < 2:
        raise MnistError("two runs or more: mnist evaluate cnn-seed0 cnn-seed1 --disagreements sheet.png")
    opened = [open_run(run) for run in runs]
    need("a sheet of images", "matplotlib")
    from mnist_pipeline.evaluation.disagreements import find_disagreements

    found = find_disagreements(opened, sheet)
    rows = [
        [f"{row['image']}", row["label"], row["answer"], f"{row['confidence']:.2%}", " ".join(row["answers"])]
        for row in found["images"]
    ]
    line = f"{len(rows):,} of {found['n']:,} test images on which all of {len(runs)} runs disagree with the label"
    answer(found, f"{line}\n\n{table(['image', 'label', 'answer', 'confidence', 'each run'], rows)}", json)
    note(f"Sheet: {sheet}. The labels stay as they are")


def figures_line(found: "Evaluated") -> str:
    """The figures of an evaluation, in a line."""
    right = sum(row["right"] for row in found.per_class)
    return (
        f"{found.run or found.model}: test accuracy {found.test_accuracy:.2%} ({right:,} of {found.n:,}), "
        f"test loss {found.test_loss:.4f}, calibration error {found.ece:.2%}"
    )


def _cells(row: "ClassRow", scores: dict[str, float]) -> list[str]:
    shares = [f"{scores[name]:.4f}" for name in _SCORES]
    return [row["label"], f"{row['n']:,}", f"{row['right']:,}", f"{row['accuracy']:.2%}", *shares]


@app.command(epilog="Example: mnist report dense")
def report(run: RunArgument = None, json: JsonOption = False) -> None:
    """Write the report of an evaluated run: one HTML page that needs no other file."""
    from mnist_pipeline import pipeline

    page = pipeline.report(run_or_last(run))
    answer({"run": str(page.parent), "report": str(page)}, str(page), json)


def run_or_last(run: str | None) -> "Run | str":
    """The run of this name or folder; without one, the run trained last, saying which it is; `shipped` as it is."""
    from mnist_pipeline.prediction.shipping import SHIPPED
    from mnist_pipeline.runs.opening import open_run

    if run:
        return SHIPPED if run == SHIPPED else open_run(run)
    opened = open_run(None, note)
    note(f"{opened.path} (trained last)")
    return opened
