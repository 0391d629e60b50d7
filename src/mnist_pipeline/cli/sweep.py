"""mnist sweep: a config over seeds and settings, many runs at a time, and the mean of each config at the end."""

from pathlib import Path
from typing import Annotated

import typer

from mnist_pipeline.cli.console import JsonOption, RayOption, SetOption, WorkersOption, answer, complain, note, table
from mnist_pipeline.cli.train import ConfigArgument, ConfigOption, one_config
from mnist_pipeline.packages import need

app = typer.Typer()


@app.command(epilog="Example: mnist sweep --config dense.yaml --seeds 0..19 --grid model.hidden=[50,50],[100,50]")
def sweep(
    config: ConfigArgument = None,
    config_option: ConfigOption = None,
    seeds: Annotated[str, typer.Option(help="The seeds: 0..99, or one by one as 3,5,8.")] = "0..9",
    grid: Annotated[
        list[str] | None,
        typer.Option(
            help="Values of a setting: model.hidden=[50,50],[100,50]. Given again, every combination is trained.",
            metavar="KEY=VALUE,VALUE",
        ),
    ] = None,
    settings: SetOption = None,
    shard: Annotated[
        str | None, typer.Option(help="Train only every n-th run, from the i-th on: 1/4, 2/4, 3/4, 4/4.", metavar="I/N")
    ] = None,
    workers: WorkersOption = None,
    ray: RayOption = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for table, summary and plot; by default artifacts/sweep/CONFIG.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Train a config over seeds and settings. After an interruption the same command goes on.

    Runs that are done are kept, one that fails is tried again once. The exit code is 1 when a run has no result.
    """
    need("training", "tensorflow")
    from mnist_pipeline.cli.progress import SweepProgress, going_on
    from mnist_pipeline.config.recipes import parse_settings
    from mnist_pipeline.fleet.pool import engine_for
    from mnist_pipeline.reproduction import sweep as sweeps
    from mnist_pipeline.reproduction.seeds import all_results, train_plans
    from mnist_pipeline.runs.run import artifacts

    part = sweeps.parse_shard(shard)
    planned = sweeps.plan_sweep(
        one_config(config, config_option), sweeps.parse_seeds(seeds), sweeps.parse_grid(grid or []),
        parse_settings(settings or []), part,
    )  # fmt: skip
    engine = engine_for(ray, workers)
    runs = {run.name: plan.recipe.name for plan in planned.share for run in plan.runs}
    with going_on(SweepProgress(runs)) as progress:
        found, failures = train_plans(planned.share, engine, progress.watcher)
    if planned.share != planned.plans:  # other parts may be here as well
        found = all_results(planned.plans)
    folder = out or artifacts() / "sweep" / planned.name
    if found:
        sweeps.write(planned, found, failures, folder)
    answer(sweeps.tree(planned, found, failures), table(sweeps.COLUMNS, sweeps.rows(found)), json)
    if found:
        note(f"{folder}: runs.csv, summary.json, seeds.png")
    for failure in failures:
        complain(failure)
    raise typer.Exit(1 if failures else 0)
