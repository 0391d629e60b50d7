"""mnist attest: a statement of what a run came from. mnist verify: a statement checked by training it again."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from mnist_pipeline.cli.console import JsonOption, RunArgument, answer, note, printable
from mnist_pipeline.numerals import counted
from mnist_pipeline.packages import need

app = typer.Typer()


@app.command(epilog="Example: mnist attest dense")
def attest(
    run: RunArgument = None,
    key: Annotated[
        Path | None, typer.Option("--key", help="Sign with the private key in this PEM file: Ed25519 or ECDSA P-256.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Write the statement of an evaluated run beside it, in in-toto's form: what was trained from what, to what."""
    from mnist_pipeline.reproduction.statements import attest
    from mnist_pipeline.runs.opening import open_run

    statement = attest(open_run(run, note), key)
    promised = " and ".join(statement.predicate["promised"]) or "nothing, as others lack the code that it ran"
    said = f"{statement.path}: promises {promised}"
    answer({"file": str(statement.path), "statement": statement.tree}, said, json)
    note(f"Anybody can check it: mnist verify {statement.path}")


@app.command(epilog="Example: mnist verify artifacts/dense/statement.json")
def verify(
    what: Annotated[str, typer.Argument(help="A statement, or a run's folder or name.", metavar="FILE")],
    key: Annotated[
        Path | None, typer.Option("--key", help="Refuse what is not signed by the public key in this PEM file.")
    ] = None,
    data: Annotated[
        str | None, typer.Option("--data", help="Where its images are here, if they are others than MNIST.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Check what a statement says and train it again: same bits, same within the band, or different.

    The exit code is 1 when it is different, or when its files, its data or its signature are not what it says.
    """
    need("training", "tensorflow")
    from mnist_pipeline.cli.progress import FleetProgress
    from mnist_pipeline.reproduction import statements, verifying

    statement = statements.find(what, key)
    config = verifying.check_at_once(statement, data)
    epochs = counted(config.training.epochs, "epoch")
    note(f"{statement.path}: {statement.signed}; its config and data are as stated. Training again: {epochs}")
    if absent := verifying.absent(statement):
        note(f"not here, so known by their digests alone: {', '.join(absent)}")
    with closing(FleetProgress()) as progress:
        found = verifying.verify(statement, config, progress.watcher)
    lines = [printable(line) for line in verifying.shown(statement.path, found)]
    checks = {name: [check.line() for check in each] for name, each in found.checks.items()}
    value = {"likeness": found.likeness, "reasons": found.reasons, "differences": found.differences, "checks": checks}
    answer({"file": str(statement.path), "signed": statement.signed, **value}, "\n  ".join(lines), json)
    if found.likeness == "different":
        raise typer.Exit(1)
