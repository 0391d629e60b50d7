"""mnist ensemble: trained runs to one that answers with their mean, or what such ensembles are worth in the mean."""

from typing import TYPE_CHECKING, Annotated

import typer

from mnist_pipeline.cli.console import JsonOption, answer, note, run_names, table
from mnist_pipeline.cli.train import ForceOption
from mnist_pipeline.errors import MnistError
from mnist_pipeline.numerals import counted
from mnist_pipeline.packages import need

if TYPE_CHECKING:
    from mnist_pipeline.reproduction.draws import Draws

app = typer.Typer()
_RUNS = "Trained runs, two or more, of any families and the same classes."
_DRAWS = "Write no run: measure so many ensembles drawn from these runs."
_OF = "How many of the runs each of the --draws takes."


@app.command(epilog="Example: mnist ensemble dense-seed0 dense-seed1 dense-seed2 --name three")
def ensemble(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help=_RUNS, autocompletion=run_names)],
    name: Annotated[str, typer.Option("--name", help="Name of the ensemble's run.")] = "ensemble",
    draws: Annotated[int | None, typer.Option("--draws", min=2, max=10_000, help=_DRAWS)] = None,
    of: Annotated[int | None, typer.Option("--of", min=2, max=50, help=_OF)] = None,
    force: ForceOption = False,
    json: JsonOption = False,
) -> None:
    """Join trained runs to one run, whose answer is the mean of their probabilities."""
    if (draws is None) != (of is None):
        raise MnistError("--draws and --of go together: mnist ensemble RUN... --draws 20 --of 5")
    if draws and of:
        from mnist_pipeline.reproduction.draws import draw
        from mnist_pipeline.training.members import opened_members

        drawn = draw(opened_members(runs), of, draws, note)
        answer(drawn.tree(), _lines(drawn), json)
        return
    need("an ensemble", "tensorflow")
    from mnist_pipeline import pipeline
    from mnist_pipeline.runs.watching import Watcher

    joined = pipeline.ensemble(runs, name, force=force, watcher=Watcher(note=note))
    said = "" if joined.val_accuracy is None else f"\nvalidation loss {joined.val_loss:.4f}, {joined.val_accuracy:.2%}"
    members = f"{counted(len(joined.members or ()), 'member')}, {counted(joined.parameters, 'parameter')}"
    answer(joined.tree(), f"{joined.run}: {members}{said}\nweights {joined.weights_sha256[:16]}", json)
    note(f"Next: mnist evaluate {joined.name}")


def _lines(drawn: "Draws") -> str:
    """The table of a measurement, and what its n are."""
    from mnist_pipeline.reproduction.seeds import FIGURES

    figure, of = FIGURES["test_accuracy"], len(drawn.drawn[0])
    rows = []
    for images in drawn.accuracies:
        for what, summary in zip(("one run", f"{of} of {len(drawn.runs)}"), drawn.summaries(images), strict=True):
            rows.append([f"{images} accuracy, {what}", figure.spread(summary), str(summary.n)])
    shared = f"n: runs, or draws of {of} among them. Draws share members, so new runs would spread more."
    return f"{table(['images', 'mean ± s.d.', 'n'], rows)}\n\n{shared}"
