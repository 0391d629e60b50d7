"""mnist evaluate, mnist report."""

from typing import TYPE_CHECKING, Any

import typer

from mnist_pipeline.cli.console import JsonOption, ModelOption, RunArgument, RuntimeOption, note, say, say_json, table
from mnist_pipeline.errors import MnistError

if TYPE_CHECKING:
    from mnist_pipeline.runs.run import Run


def register(app: typer.Typer) -> None:
    """Add these verbs to the app."""
    app.command(epilog="Example: mnist evaluate dense")(evaluate)
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

    if model is None:
        opened = run_or_last(run)
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


def report(run: RunArgument = None) -> None:
    """Write an evaluated run's report: one HTML page that holds everything and opens from disk."""
    from mnist_pipeline import pipeline

    say(str(pipeline.report(run_or_last(run))))


def run_or_last(run: str | None) -> "Run":
    """The run that is meant; where none is named, the one trained last is said to be."""
    from mnist_pipeline.runs.opening import open_run

    opened = open_run(run, note)
    if run is None:
        note(f"{opened.path} (trained last)")
    return opened
