"""mnist train: a config to a trained run. mnist run: a config to a trained run, its figures and its report."""

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from mnist_pipeline.cli.console import JsonOption, SetOption, answer, complain, note, recipe_names
from mnist_pipeline.cli.evaluate import figures_line
from mnist_pipeline.errors import MnistError
from mnist_pipeline.numerals import counted

if TYPE_CHECKING:
    from mnist_pipeline.config.schema import Config
    from mnist_pipeline.runs.results import Trained

app = typer.Typer()
_CONFIG = "A config file, or the name of a shipped recipe (see mnist config list)."
ConfigArgument = Annotated[str | None, typer.Argument(help=_CONFIG, autocompletion=recipe_names)]
ConfigOption = Annotated[
    str | None, typer.Option("--config", "-c", help="The config, given as an option.", autocompletion=recipe_names)
]
SeedOption = Annotated[
    int | None, typer.Option("--seed", help="Train with this seed; the run is then called <name>-seed<N>.")
]
NameOption = Annotated[str | None, typer.Option("--name", help="Name of the run, in place of the name in the config.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace a run of the same name.")]


@app.command(epilog="Example: mnist train --config dense.yaml --seed 7")
def train(
    config: ConfigArgument = None, config_option: ConfigOption = None, settings: SetOption = None,
    seed: SeedOption = None, name: NameOption = None, force: ForceOption = False, json: JsonOption = False,
) -> None:  # fmt: skip
    """Train a config and save the run in artifacts/. After an interruption the same command goes on."""
    trained = _train(config, config_option, settings, seed, name, force)
    answer(trained.tree(), summary(trained), json)
    note(f"Next: mnist evaluate {trained.name}")


@app.command(epilog="Example: mnist run --config cnn.yaml")
def run(
    config: ConfigArgument = None, config_option: ConfigOption = None, settings: SetOption = None,
    seed: SeedOption = None, name: NameOption = None, force: ForceOption = False, json: JsonOption = False,
) -> None:  # fmt: skip
    """Train a config, evaluate it and write its report, in one go."""
    from mnist_pipeline import pipeline

    trained = _train(config, config_option, settings, seed, name, force)
    evaluated, page = pipeline.evaluate(trained.run), str(pipeline.report(trained.run))
    found = {"run": str(trained.run), "train": trained.tree(), "evaluate": evaluated.tree(), "report": page}
    answer(found, f"{summary(trained)}\n{figures_line(evaluated)}\nreport: {page}", json)
    note("Next: open the report in a browser, or read a picture: mnist predict digit.png")


def one_config(word: str | None, option: str | None) -> str:
    """The config that was named in one of two ways."""
    if word and option:
        raise MnistError("one config, not two: mnist train dense")
    config = word or option
    if not config:
        raise MnistError("which config? Name one: mnist train dense; mnist config list shows what there is")
    return config


def _train(
    word: str | None, option: str | None, settings: list[str] | None, seed: int | None, name: str | None, force: bool
) -> "Trained":
    """Train the config that was named in one of two ways; gives the numbers of the training."""
    config = one_config(word, option)
    from mnist_pipeline.config.recipes import load_config, parse_settings

    return train_config(load_config(config, parse_settings(settings or []), seed=seed, name=name), force)


def train_config(config: "Config", force: bool) -> "Trained":
    """Train a config under the eyes of the user, who may interrupt it; gives the numbers of the training."""
    from mnist_pipeline import pipeline
    from mnist_pipeline.cli.progress import TrainingProgress
    from mnist_pipeline.runs.run import artifacts

    try:
        with closing(TrainingProgress()) as progress:
            return pipeline.train(config, force=force, watcher=progress.watcher)
    except KeyboardInterrupt:
        go_on = f"mnist train --config {artifacts() / config.name}/config.yaml"
        complain(f"interrupted; the epochs that were finished are kept. Go on: {go_on}")
        raise typer.Exit(130) from None


def summary(trained: "Trained") -> str:
    """The numbers of a trained run, in a few lines."""
    line = f"training loss {trained.train_loss:.4f}, accuracy {trained.train_accuracy:.2%}"
    if trained.val_accuracy is not None:
        line += f"; validation loss {trained.val_loss:.4f}, accuracy {trained.val_accuracy:.2%}"
    if trained.best_epoch is not None:
        line += f" (epoch {trained.best_epoch}, the best)"
    return (
        f"{trained.run}: {counted(trained.epochs, 'epoch')}, {counted(trained.steps, 'step')} in "
        f"{trained.train_seconds:.1f} s, {counted(trained.parameters, 'parameter')}\n"
        f"{line}\nweights {trained.weights_sha256[:16]}"
    )
