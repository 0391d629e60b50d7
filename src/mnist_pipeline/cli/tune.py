"""mnist tune: the settings of a config that validate best, looked for by Optuna in the ranges of its tune block."""

from typing import Annotated

import typer

from mnist_pipeline.cli.console import JsonOption, RayOption, SetOption, WorkersOption, answer, note
from mnist_pipeline.cli.train import ConfigArgument, ConfigOption, one_config
from mnist_pipeline.packages import need

app = typer.Typer()


@app.command(epilog="Example: mnist tune --config cnn.yaml --trials 40")
def tune(
    config: ConfigArgument = None,
    config_option: ConfigOption = None,
    trials: Annotated[
        int, typer.Option(min=1, max=100_000, help="Trials that the study has in the end, those of earlier calls too.")
    ] = 40,
    settings: SetOption = None,
    storage: Annotated[
        str | None,
        typer.Option(
            help="Where the study is kept: a journal file, or the URL of a database. By default "
            "artifacts/tune/STUDY/journal.log."
        ),
    ] = None,
    study_name: Annotated[
        str | None, typer.Option(help="Name of the study, which is gone on with; by default the config's name.")
    ] = None,
    workers: WorkersOption = None,
    ray: RayOption = None,
    json: JsonOption = False,
) -> None:
    """Look for settings that validate best. After an interruption the same command goes on.

    The config says in its tune block what to look for. The test images are read by no trial.
    """
    need("tuning", "optuna", "tensorflow")
    from mnist_pipeline.cli.progress import FleetProgress, going_on
    from mnist_pipeline.config.recipes import load_config, parse_settings
    from mnist_pipeline.fleet import tuning
    from mnist_pipeline.fleet.pool import engine_for

    loaded = load_config(one_config(config, config_option), parse_settings(settings or []))
    tuning.tuned_part(loaded)
    with going_on(FleetProgress(), "trial") as progress:
        found = tuning.tune(
            loaded, trials, storage=storage, name=study_name, engine=engine_for(ray, workers),
            watcher=progress.watcher, note=note,
        )  # fmt: skip
    chosen = "\n".join(f"  {key}: {value}" for key, value in found.settings.items())
    said = f"{found.study}: trial {found.number} is the best, {found.score} {found.best:.4f}\n{chosen}\n{found.config}"
    answer(found._asdict() | {"config": str(found.config)}, said, json)
    note(f"Next: mnist run --config {found.config}")
