"""mnist adapt: a trained model and pictures of one's own to a run that reads that hand better."""

from typing import Annotated

import typer

from mnist_pipeline.cli.console import JsonOption, SetOption, answer, note, run_names
from mnist_pipeline.cli.train import ForceOption, NameOption, summary, train_config

app = typer.Typer()
_FROM = "The model to begin with: shipped, or a run's name or folder."
_DATA = "Your pictures: each in a folder called by its digit, or called so itself, as anna-7.jpg; or IDX files."


@app.command(epilog="Example: mnist adapt --from shipped --data my-digits --name mine")
def adapt(
    data: Annotated[str, typer.Option("--data", metavar="FOLDER", help=_DATA)],
    start: Annotated[str, typer.Option("--from", metavar="RUN", help=_FROM, autocompletion=run_names)] = "shipped",
    name: NameOption = None, settings: SetOption = None, force: ForceOption = False, json: JsonOption = False,
) -> None:  # fmt: skip
    """Train a model a little further on your own pictures, with digits of its data set beside them, as a run."""
    from mnist_pipeline.config.recipes import parse_settings
    from mnist_pipeline.prediction.shipping import run_called
    from mnist_pipeline.training.adapting import adapted

    config = adapted(run_called(start), data, name, parse_settings(settings or []))
    trained = train_config(config, force)
    answer(trained.tree(), summary(trained), json)
    note(f"Next: mnist evaluate {trained.name}, or read a picture: mnist predict digit.png --run {trained.name}")
