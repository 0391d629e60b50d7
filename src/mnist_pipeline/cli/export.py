"""mnist export: a trained run in forms that need no TensorFlow. mnist bench: the size, speed and accuracy of each."""

from typing import Annotated, Any

import typer

from mnist_pipeline.cli.console import JsonOption, RunArgument, answer, note, table
from mnist_pipeline.cli.evaluate import run_or_last
from mnist_pipeline.runs.watching import Watcher

app = typer.Typer()
_FORMS = (
    "onnx, onnx-int8, litert, litert-int8, saved-model, c-array, page, page-float or all (the default). "
    "May be repeated."
)
_SCALING = "Add an ONNX that takes 28x28 bytes and gives normalised probabilities."


@app.command(epilog="Example: mnist export dense --to onnx --to litert-int8")
def export(
    run: RunArgument = None,
    to: Annotated[list[str] | None, typer.Option("--to", help=_FORMS, metavar="FORM")] = None,
    with_scaling: Annotated[bool, typer.Option("--with-scaling", help=_SCALING)] = False,
    json: JsonOption = False,
) -> None:
    """Export a run to forms for phones, browsers, servers and microcontrollers, each checked, in its export/."""
    from mnist_pipeline import pipeline

    found = pipeline.export(run_or_last(run), to or ["all"], with_scaling=with_scaling, watcher=Watcher(note=note))
    answer(found.tree(), "\n".join(map(str, found.files)), json)
    if "weights_sha256" in found.card:  # else no more than a file was copied
        note(f"Their inputs, outputs and checks: {found.run}/export/card.md. Next: mnist bench {run or found.run}")


@app.command(epilog="Example: mnist bench dense")
def bench(
    run: RunArgument = None,
    json: JsonOption = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the table's rows in Markdown.")] = False,
) -> None:
    """Measure each form of a run: size, time to load and to answer, images a second, accuracy, agreement with Keras."""
    from mnist_pipeline import pipeline

    found = pipeline.bench(run_or_last(run), watcher=Watcher(note=note))
    rows = [_cells(row) for row in found.rows]
    lines = "\n".join(f"| {' | '.join([found.name, *cells])} |" for cells in rows)
    answer(found.tree(), lines if markdown else table(_COLUMNS, rows), json)
    for line in found.left_out:
        note(line)


_COLUMNS = [
    "form", "read by", "size", "load", "one image", "p99", "images/s", "2 threads", "accuracy", "agreement",
]  # fmt: skip


def _cells(row: dict[str, Any]) -> list[str]:
    return [
        row["form"], row["reader"], f"{row['bytes'] / 1000:,.1f} kB", f"{row['load_ms']:.1f} ms",
        f"{row['one_image_ms']['median']:.3f} ms", f"{row['one_image_ms']['p99']:.3f} ms",
        *(f"{row['images_per_second'][threads]:,.0f}" for threads in ("1", "2")),
        f"{row['accuracy']:.2%}", "" if row["agreement"] is None else f"{row['agreement']:.2%}",
    ]  # fmt: skip
