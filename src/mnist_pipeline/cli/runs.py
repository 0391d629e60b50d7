"""mnist runs: every run with its numbers, and the differences between two."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from mnist_pipeline.cli.console import Group, JsonOption, answer, note, run_names, table

if TYPE_CHECKING:
    from mnist_pipeline.runs.run import Run

app = typer.Typer(cls=Group, name="runs", help="List the runs in artifacts/, or compare two.")
OneRun = Annotated[str, typer.Argument(help="A run's name or folder.", autocompletion=run_names)]


@app.callback(invoke_without_command=True, epilog="Example: mnist runs --json")
def runs(context: typer.Context, json: JsonOption = False) -> None:
    """List the runs in artifacts/ with their numbers."""
    if context.invoked_subcommand:
        return
    from mnist_pipeline.runs.opening import NO_RUN, readable
    from mnist_pipeline.runs.run import all_runs

    there = all_runs()
    found = list(readable(there, _facts, note))
    if not there:
        note(NO_RUN)
    if there or json:
        columns = ["run", "state", "seed", "epochs", "seconds", "validation", "test accuracy", "test loss"]
        answer({"runs": found}, table(columns, map(_row, found)), json)


@app.command(epilog="Example: mnist runs diff dense-seed0 dense-seed1")
def diff(ours: OneRun, theirs: OneRun, json: JsonOption = False) -> None:
    """Compare two runs: config, environment, data, numbers, weights. The exit code is 1 when anything differs."""
    from mnist_pipeline.reproduction.repeat import compare_runs
    from mnist_pipeline.runs.opening import open_run

    found = compare_runs(open_run(ours), open_run(theirs))
    lines = [f"{head}: {line}" for head, differences in found.items() for line in differences]
    answer(found, "\n".join(lines or ["no difference"]), json)
    if any(found.values()):
        raise typer.Exit(1)


_TRAINED = ("seed", "epochs", "train_seconds", "val_accuracy", "parameters", "weights_sha256", "finished")


def _facts(run: "Run") -> dict[str, Any]:
    trained = run.state == "trained"
    train = run.figures("train") if trained else {}
    test = run.figures("evaluate") if trained and "evaluate" in run.metrics() else {}
    state = "evaluated" if test else run.state
    figures = {key: train.get(key) for key in _TRAINED} | {key: test.get(key) for key in ("test_accuracy", "test_loss")}
    return {"run": str(run.path), "name": run.name, "state": state, **figures}


def _row(facts: dict[str, Any]) -> list[str]:
    def cell(key: str, form: str) -> str:
        return "" if facts[key] is None else format(facts[key], form)

    return [
        facts["name"], facts["state"], cell("seed", "d"), cell("epochs", "d"), cell("train_seconds", ".1f"),
        cell("val_accuracy", ".2%"), cell("test_accuracy", ".2%"), cell("test_loss", ".4f"),
    ]  # fmt: skip
