"""mnist train, mnist run."""

from typing import TYPE_CHECKING, Any

import typer

from mnist_pipeline.cli.console import (
    ConfigOption,
    ForceOption,
    JsonOption,
    NameOption,
    SeedOption,
    SetOption,
    complain,
    note,
    say,
    say_json,
)
from mnist_pipeline.numerals import counted

if TYPE_CHECKING:
    from mnist_pipeline.config import Config


def register(app: typer.Typer) -> None:
    """Add these verbs to the app."""
    app.command(epilog="Example: mnist train --config dense.yaml --seed 7")(train)
    app.command(epilog="Example: mnist run --config cnn.yaml")(run)


def train(
    config: ConfigOption,
    settings: SetOption = None,
    seed: SeedOption = None,
    name: NameOption = None,
    force: ForceOption = False,
    json: JsonOption = False,
) -> None:
    """Train a config's run in artifacts/; the same command goes on with one that was interrupted."""
    numbers = _train(_load(config, settings, seed, name), force)
    if json:
        say_json(numbers)
        return
    say(summary(numbers))
    note(f"Next: mnist evaluate {numbers['name']}")


def run(
    config: ConfigOption,
    settings: SetOption = None,
    seed: SeedOption = None,
    name: NameOption = None,
    force: ForceOption = False,
) -> None:
    """Train, evaluate and write the report of a config, in one go."""
    from mnist_pipeline import pipeline
    from mnist_pipeline.cli.evaluate import verdict

    numbers = _train(_load(config, settings, seed, name), force)
    say(summary(numbers))
    say(verdict(pipeline.evaluate(numbers["run"])))
    say(f"report: {pipeline.report(numbers['run'])}")
    note("Next: open the report in a browser, or read a picture: mnist predict digit.png")


def summary(numbers: dict[str, Any]) -> str:
    """A trained run in a line or two."""
    lines = [
        f"{numbers['run']}: {counted(numbers['epochs'], 'epoch')}, {counted(numbers['steps'], 'step')} in "
        f"{numbers['train_seconds']:.1f} s, {counted(numbers['parameters'], 'parameter')}",
        f"training loss {numbers['train_loss']:.4f}, accuracy {numbers['train_accuracy']:.2%}",
    ]
    if numbers["val_accuracy"] is not None:
        lines[1] += f"; validation loss {numbers['val_loss']:.4f}, accuracy {numbers['val_accuracy']:.2%}"
    if numbers["best_epoch"] is not None:
        lines[1] += f" (epoch {numbers['best_epoch']}, the best)"
    return "\n".join([*lines, f"weights {numbers['weights_sha256'][:16]}"])


def _load(config: str, settings: list[str] | None, seed: int | None, name: str | None) -> "Config":
    from mnist_pipeline.config import load_config, parse_settings

    return load_config(config, parse_settings(settings or []), seed=seed, name=name)


def _train(config: "Config", force: bool) -> dict[str, Any]:
    from mnist_pipeline import pipeline
    from mnist_pipeline.cli.progress import training_progress
    from mnist_pipeline.runs.run import artifacts

    try:
        with training_progress() as watcher:
            return pipeline.train(config, force=force, watcher=watcher)
    except KeyboardInterrupt:
        go_on = f"mnist train --config {artifacts() / config.name}/config.yaml"
        complain(f"interrupted; the epochs that were finished are kept. Go on: {go_on}")
        raise typer.Exit(130) from None
