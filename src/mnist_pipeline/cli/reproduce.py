"""mnist reproduce: recipes over seeds against what was reported, or one run from its folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mnist_pipeline.cli.console import JsonOption, complain, note, say, say_json, table
from mnist_pipeline.errors import MnistError
from mnist_pipeline.numerals import counted

if TYPE_CHECKING:
    from mnist_pipeline.reproduction import Measured
    from mnist_pipeline.reproduction.seeds import SeedPlan
    from mnist_pipeline.runs.run import Run


def register(app: typer.Typer) -> None:
    """Add the verb to the app."""
    app.command(epilog="Example: mnist reproduce dense tiny --seeds 5")(reproduce)


def reproduce(
    what: Annotated[
        list[str] | None,
        typer.Argument(help="Recipes to measure over seeds; or one run's folder, to repeat it.", show_default=False),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every recipe with a reported number or a band.")] = False,
    seeds: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Seeds, from 0; by default as many as its band has.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=256, help="Processes at a time; by default what the cores can carry.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Insist that each config has a band to check.")] = False,
    update: Annotated[bool, typer.Option("--update", help="Write what was measured into each config.")] = False,
    markdown: Annotated[Path | None, typer.Option(help="Write the table to this file, as Markdown.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Write a picture of all these recipes to this file.")] = None,
    json: JsonOption = False,
) -> None:
    """Train recipes over seeds and hold them against what was reported; or repeat one run from its folder.

    Exit 1 when a recipe misses the band in its config, or a number that we claim to reproduce is not reproduced.
    """
    from mnist_pipeline import reproduction

    targets = what or []
    run = None if all_ or len(targets) != 1 or _is_recipe(targets[0]) else reproduction.run_at(targets[0])
    if run is not None:
        if seeds or check or update or markdown or plot:
            raise MnistError(f"{targets[0]} is a run, to be repeated as it is: only --json goes with it")
        _repeat(run, json)
        return
    plans = _plans(targets, all_, seeds, check, update)
    measured, failed = _measured(plans, workers)
    faults = [*reproduction.faults(measured, banded=not update), *failed]
    if json:
        say_json({"ok": not faults, "faults": faults, "recipes": [reproduction.tree(each) for each in measured]})
    else:
        _print(measured, update)
    command = ["mnist reproduce", *(targets or ["--all"]), *([f"--seeds {seeds}"] if seeds else [])]
    _write(measured, markdown, plot, " ".join(command))
    if update:
        _update(plans, measured, sound=not failed and not any(map(reproduction.too_good, measured)))
    for fault in faults:
        complain(fault)
    if faults:
        raise typer.Exit(1)


def _is_recipe(where: str) -> bool:
    from mnist_pipeline.config import shipped_configs

    return where.removesuffix(".yaml") in shipped_configs()


def _plans(targets: list[str], all_: bool, seeds: int | None, check: bool, update: bool) -> "list[SeedPlan]":
    """The runs that are asked for; what cannot be asked is refused before anything is trained."""
    from mnist_pipeline.reproduction.seeds import all_recipes, plan

    if all_ == bool(targets):
        raise MnistError("which recipes? Name some (mnist config list), or say --all" + (", not both" if all_ else ""))
    wanted = all_recipes() if all_ else dict.fromkeys(targets)
    plans = [plan(where, seeds) for where in wanted]
    if update and check:
        raise MnistError("--update writes the band that --check holds the runs against: choose one")
    for each in plans:
        if check and not (each.recipe.expected and each.recipe.expected.n):
            raise MnistError(f"{each.path}: has no band to check. Measure it: mnist reproduce {each.path} --update")
        if update and len(each.runs) < 2:
            raise MnistError("a band needs two seeds or more: nothing was trained or updated")
    return plans


def _measured(plans: "list[SeedPlan]", workers: int | None) -> "tuple[list[Measured], list[str]]":
    """What the recipes gave, and a line for each training that failed."""
    from mnist_pipeline import reproduction
    from mnist_pipeline.cli.progress import fleet_progress

    with fleet_progress() as (watcher, watched):
        try:
            measured, failed = reproduction.measure(plans, workers, watcher)
        except KeyboardInterrupt:
            kept = f"{watched.done} of {counted(watched.total, 'run')} finished and kept"
            watched.say(f"interrupted; {kept}. Go on with the same command")
            raise typer.Exit(130) from None
    return measured, [f"{outcome.run.name} failed: {outcome.failure}" for outcome in failed]


def _print(all_measured: "list[Measured]", update: bool) -> None:
    from mnist_pipeline import reproduction
    from mnist_pipeline.reproduction import tables

    if all_measured:
        table(tables.COLUMNS, [row for measured in all_measured for row in reproduction.rows(measured)])
        say()
    for measured in all_measured:
        for line in tables.reasons(measured):
            say(line)
        checks = [] if update else reproduction.check_band(measured.recipe, measured.values)
        for check in checks:
            say(f"{measured.recipe.name}: {check.line()}")
        if not checks and not update:
            say(f"{measured.recipe.name}: no band in its config yet (--update writes what was measured)")


def _write(all_measured: "list[Measured]", markdown: Path | None, plot: Path | None, command: str) -> None:
    """A picture for each recipe in artifacts/reproduce/; one of all, and the table, where they were asked for."""
    if not all_measured:
        return
    from mnist_pipeline import reproduction
    from mnist_pipeline.reproduction import tables
    from mnist_pipeline.runs.files import write_text
    from mnist_pipeline.runs.run import artifacts

    folder = artifacts() / "reproduce"
    for measured in all_measured:
        tables.draw([measured], folder / f"{measured.recipe.name}.png")
    note(f"pictures: {folder}")
    if plot:
        tables.draw(all_measured, plot)
        note(f"picture of all: {plot}")
    if markdown:
        write_text(markdown, reproduction.markdown(all_measured, command))
        note(f"table: {markdown}")


def _update(plans: "list[SeedPlan]", all_measured: "list[Measured]", *, sound: bool) -> None:
    from mnist_pipeline import reproduction

    if not sound:
        note("not every run gave a result to build on: no config was updated")
        return
    for plan, measured in zip(plans, all_measured, strict=True):
        reproduction.update_band(plan.path, measured)
        note(f"{plan.path}: expected is what was measured, n = {measured.n}")


def _repeat(run: "Run", json: bool) -> None:
    from mnist_pipeline import reproduction
    from mnist_pipeline.cli.progress import fleet_progress

    try:
        with fleet_progress() as (watcher, _):
            repeated = reproduction.repeat(run, watcher)
    except KeyboardInterrupt:
        complain("interrupted; nothing was changed")
        raise typer.Exit(130) from None
    if json:
        checks = {name: [check.line() for check in each] for name, each in repeated.checks.items()}
        say_json({"run": str(run.path), "likeness": repeated.likeness, "differences": repeated.differences, **checks})
    else:
        _tell(run, repeated)
    if repeated.likeness == "different":
        raise typer.Exit(1)


def _tell(run: "Run", repeated: Any) -> None:
    say(f"{run.path}: {repeated.likeness}")
    for name, checks in repeated.checks.items():
        for check in checks:
            say(f"  {'the run' if name == 'run' else 'repeated here'}: {check.line()}")
    if repeated.likeness == "different" and not repeated.checks:
        say("  other weights, and neither its config nor a shipped recipe like it has a band to compare by")
    for head, lines in repeated.differences.items():
        for line in lines:
            say(f"  {head}: {line}")
