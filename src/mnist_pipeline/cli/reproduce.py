"""mnist reproduce: recipes over seeds compared with what was reported, or one run repeated from its folder."""

import shlex
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mnist_pipeline.cli.console import JsonOption, RayOption, WorkersOption, answer, complain, note, recipe_names, table
from mnist_pipeline.errors import MnistError
from mnist_pipeline.packages import need

if TYPE_CHECKING:
    from mnist_pipeline.reproduction.repeat import Repetition
    from mnist_pipeline.reproduction.reported import Kind
    from mnist_pipeline.reproduction.seeds import SeedPlan, SeedResults
    from mnist_pipeline.runs.run import Run

app = typer.Typer()
_SEEDS = "Number of seeds, from 0 up; by default as many as the recipe's band has."
_CLAIM = "Hold one recipe against this: --claim accuracy=99.2. May be repeated."
_KIND = "How the claims are meant: given in full, rounded, or as a lower bound."
_FRONTIER = "Write a picture of accuracy against seconds and parameters, others' records beside, to this file."
_WHAT = "Recipes to train over seeds; or one run's name or folder, to repeat it."


@app.command(epilog="Example: mnist reproduce dense tiny --seeds 5")
def reproduce(
    what: Annotated[list[str] | None, typer.Argument(help=_WHAT, autocompletion=recipe_names)] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every recipe with a reported number or a band.")] = False,
    seeds: Annotated[int | None, typer.Option(min=1, max=1000, help=_SEEDS)] = None,
    workers: WorkersOption = None,
    ray: RayOption = None,
    check: Annotated[bool, typer.Option("--check", help="Refuse a recipe that has no band to check.")] = False,
    update: Annotated[bool, typer.Option("--update", help="Write the measured band into each config.")] = False,
    claim: Annotated[list[str] | None, typer.Option("--claim", help=_CLAIM)] = None,
    kind: Annotated[Literal["exact", "about", "over"], typer.Option("--kind", help=_KIND)] = "exact",
    badge: Annotated[
        Path | None, typer.Option(help="Write the verdict on the claims to this file, for shields.io.")
    ] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the table to this file, as Markdown.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Write a picture of all these recipes to this file.")] = None,
    frontier: Annotated[Path | None, typer.Option(help=_FRONTIER)] = None,
    json: JsonOption = False,
) -> None:
    """Train recipes over seeds and compare with what was reported or claimed; or repeat one run from its folder.

    The exit code is 1 when a recipe misses the band in its config, or a number that is claimed to be reproduced.
    """
    need("training", "tensorflow")
    from mnist_pipeline.cli.progress import FleetProgress, going_on
    from mnist_pipeline.fleet.pool import engine_for
    from mnist_pipeline.reproduction import tables
    from mnist_pipeline.reproduction.repeat import run_at
    from mnist_pipeline.reproduction.seeds import train_plans
    from mnist_pipeline.reproduction.verdicts import implausible_runs, update_band
    from mnist_pipeline.runs.files import write_json

    targets = what or []
    run = run_at(targets[0]) if len(targets) == 1 and not all_ else None
    if run is not None:
        if seeds or check or update or claim or badge or markdown or plot or frontier:
            raise MnistError(f"{targets[0]} is a run, to be repeated as it is: only --json goes with it")
        _repeat(run, json)
        return
    plans = _plans(targets, all_, seeds, check, update)
    plans = [_claimed(plans, claim or [], kind)] if claim or badge else plans
    engine = engine_for(ray, workers)
    with going_on(FleetProgress()) as progress:
        all_results, failed = train_plans(plans, engine, progress.watcher)
    faults = [*tables.faults(all_results, banded=not update), *failed]
    if all_results or json:
        found = {"ok": not faults, "faults": faults, "recipes": [tables.tree(results) for results in all_results]}
        lines = tables.lines(all_results, banded=not update)
        answer(found, "\n".join([table(tables.COLUMNS, tables.rows(all_results)), "", *lines]), json)
    if badge:
        write_json(badge, tables.badge(plans[0].claims, next(iter(all_results), None), ok=not faults))
        note(f"badge: {badge}")
    if all_results:
        claims = [word for text in claim or [] for word in ("--claim", text)]
        kinds = ["--kind", kind] if claims else []
        command = ["mnist", "reproduce", *(targets or ["--all"]), *(["--seeds", str(seeds)] if seeds else [])]
        _write(all_results, markdown, plot, frontier, shlex.join([*command, *claims, *kinds]))
    if update and (failed or any(map(implausible_runs, all_results))):
        note("a run failed or is not plausible: no config was updated")
    elif update:
        for plan, results in zip(plans, all_results, strict=True):
            update_band(plan.path, results)
            note(f"{plan.path}: its band is now what was measured, n = {len(results.runs)}")
    for fault in faults:
        complain(fault)
    raise typer.Exit(1 if faults else 0)


def _plans(targets: list[str], all_: bool, seeds: int | None, check: bool, update: bool) -> "list[SeedPlan]":
    """Plan the runs; a wrong request is refused before anything is trained."""
    from mnist_pipeline.reproduction.seeds import all_recipes, plan_seeds

    if all_ == bool(targets):
        raise MnistError("which recipes? Name some (mnist config list), or say --all" + (", not both" if all_ else ""))
    if update and check:
        raise MnistError("--update writes the band that --check checks: choose one")
    plans = [plan_seeds(where, seeds) for where in (all_recipes() if all_ else dict.fromkeys(targets))]
    for plan in plans:
        if check and not (plan.recipe.expected and plan.recipe.expected.n):
            raise MnistError(f"{plan.path}: has no band to check. Measure it: mnist reproduce {plan.path} --update")
        if update and len(plan.runs) < 2:
            raise MnistError("a band needs two seeds or more: nothing was trained or updated")
    return plans


def _claimed(plans: "list[SeedPlan]", claims: list[str], kind: "Kind") -> "SeedPlan":
    """The plan of one recipe with what is claimed of it."""
    from mnist_pipeline.reproduction.reported import parse_claim

    if len(plans) != 1 or not claims:
        raise MnistError("a claim is about one recipe: mnist reproduce RECIPE --claim accuracy=99.2 --badge badge.json")
    plan = plans[0]
    if len(plan.runs) < 2:
        raise MnistError("a claim needs two seeds or more, or there is no interval to hold it against")
    return plan._replace(claims=tuple(parse_claim(text, kind, plan.recipe.name) for text in claims))


def _write(
    all_results: "list[SeedResults]", markdown: Path | None, plot: Path | None, frontier: Path | None, command: str
) -> None:
    """Draw each recipe into artifacts/reproduce/, and write the pictures of all and the table where they are wanted."""
    from mnist_pipeline.reproduction import tables
    from mnist_pipeline.runs.files import write_text
    from mnist_pipeline.runs.run import artifacts

    folder = artifacts() / "reproduce"
    for results in all_results:
        tables.draw([results], folder / f"{results.recipe.name}.png")
    note(f"pictures: {folder}")
    if plot:
        tables.draw(all_results, plot)
        note(f"picture of all: {plot}")
    if frontier:
        tables.draw_frontier(all_results, frontier)
        note(f"picture of accuracy and costs: {frontier}")
    if markdown:
        write_text(markdown, tables.markdown(all_results, command))
        note(f"table: {markdown}")


def _repeat(run: "Run", json: bool) -> None:
    from mnist_pipeline.cli.progress import FleetProgress
    from mnist_pipeline.reproduction.repeat import repeat_run

    with closing(FleetProgress()) as progress:
        repetition = repeat_run(run, progress.watcher)
    checks = {name: [check.line() for check in each] for name, each in repetition.checks.items()}
    found = {"likeness": repetition.likeness, "differences": repetition.differences}
    said = "\n  ".join([f"{run.path}: {repetition.likeness}", *_reasons(repetition)])
    answer({"run": str(run.path), **found, **checks}, said, json)
    if repetition.likeness == "different":
        raise typer.Exit(1)


def _reasons(repetition: "Repetition") -> Iterator[str]:
    for name, checks in repetition.checks.items():
        yield from (f"{'the run' if name == 'run' else 'repeated here'}: {check.line()}" for check in checks)
    if repetition.likeness == "different" and not repetition.checks:
        yield "other weights, and its config has no band to compare by"
    for head, lines in repetition.differences.items():
        yield from (f"{head}: {line}" for line in lines)
