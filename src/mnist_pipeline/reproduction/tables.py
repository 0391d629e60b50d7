"""What `mnist reproduce` shows: a table, verdicts in lines, a picture, a Markdown page and plain values for JSON."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mnist_pipeline.evaluation.plots.charts import Strip, seeds
from mnist_pipeline.evaluation.plots.comparisons import Claim, frontier
from mnist_pipeline.reproduction import verdicts
from mnist_pipeline.reproduction.reported import Metric, ReportedNumber, load_reported
from mnist_pipeline.reproduction.seeds import FIGURES, SeedResults
from mnist_pipeline.reproduction.verdicts import BANDED, Comparison, compare_with_band, compare_with_reported

COLUMNS = ["recipe", "source", "figure", "reported", "measured (n)", "one more run (95 %)", "verdict"]
_NONE = "–"
_NOT_TOLD = {"recipe", "implausible", "sd", "n", "link", "parameters", "seconds"}  # of a reported number, in JSON


def rows(all_results: Sequence[SeedResults]) -> list[list[str]]:
    """A row for each reported number, and for test accuracy and loss even where nobody reports them."""
    found = []
    for results in all_results:
        told = [(each.reported.metric, each) for each in compare_with_reported(results)]
        found += [_row(results, *each) for each in told]
        found += [_row(results, metric) for metric in BANDED if metric not in dict(told)]
    return found


def _row(results: SeedResults, metric: Metric, told: Comparison | None = None) -> list[str]:
    summary, figure = results.summary(metric), FIGURES[metric]
    interval = figure.interval(summary)
    next_run = figure.between(interval.low, "to", interval.high) if interval else _NONE
    measured = f"{figure.spread(summary)} ({summary.n})"
    source, reported = (told.reported.source, _reported(told.reported)) if told else (_NONE, _NONE)
    return [results.recipe.name, source, figure.name, reported, measured, next_run, told.verdict if told else _NONE]


def _reported(number: ReportedNumber) -> str:
    """The number as it was reported, such as 97.05 % or over 90 %."""
    figure = FIGURES[number.metric]
    if number.kind == "exact":
        return figure.text(number.value) if figure.unit else f"{number.value:g}"
    rounded = number.value * (100 if figure.unit == " %" else 1)
    return f"{number.kind} {rounded:g}{figure.unit}"


FIELD_COLUMNS = ["claim", "reported (n)", "chosen", "what it is", "recipe here", "measured (n)", "verdict"]


def field_rows() -> list[list[str]]:
    """A row for each claim of the field, beside the band of the recipe that aims at it, if there is one."""
    found = []
    for number in load_reported():
        if number.chosen:
            beside = compare_with_band(number)
            source = f"[{number.source}]({number.link})"
            ours = [_NONE] * 3
            if beside and number.recipe:
                spread = FIGURES[number.metric].spread(beside.measured)
                ours = [number.recipe, f"{spread} ({beside.measured.n})", beside.verdict]
            found.append([source, _mean_and_spread(number), number.chosen, _size(number), *ours])
    return found


def _mean_and_spread(number: ReportedNumber) -> str:
    """A share as the field gives it, to the digit: 99.641 ± 0.047 % (1,500)."""
    if number.sd is None or number.n is None:
        return _reported(number)
    return f"{100 * number.value:.3f} ± {100 * number.sd:.3f} % ({number.n:,})"


def _size(number: ReportedNumber) -> str:
    """What the number is of, with its parameters and the seconds of a training."""
    facts = [f"{number.parameters:,} parameters"] if number.parameters else []
    facts += [f"{number.seconds:,g} s a training"] if number.seconds else []
    return "; ".join([number.note, *facts])


def lines(all_results: Sequence[SeedResults], *, banded: bool) -> list[str]:
    """Each verdict with its reason, in a line; if banded, also the checks of each recipe's band."""
    found = []
    for results in all_results:
        found += [_reason(each) for each in compare_with_reported(results)]
        if banded:
            checks = [check.line() for check in verdicts.check_band(results.recipe, results.values)]
            none = ["no band in its config yet (--update writes what was measured)"]
            found += [f"{results.recipe.name}: {line}" for line in checks or none]
    return found


def _reason(each: Comparison) -> str:
    number = each.reported
    said = f"{number.recipe}, {number.source}, {FIGURES[number.metric].name} {_reported(number)}"
    note, unclaimed = f" ({number.note})" if number.note else "", "" if number.claim else ". Not claimed"
    return f"{said}: {each.verdict}; {each.why()}{note}{unclaimed}"


def faults(all_results: Sequence[SeedResults], *, banded: bool = True) -> list[str]:
    """Everything for which the answer is no: broken claims, implausible runs; if banded, missed bands and weights."""
    found = []
    for results in all_results:
        missed = [each for each in compare_with_reported(results) if each.verdict == "not reproduced"]
        found += [_reason(each) for each in missed if each.reported.claim]
        found += verdicts.implausible_runs(results)
        if banded:
            checks = verdicts.check_band(results.recipe, results.values)
            found += [f"{results.recipe.name}: {check.line()}" for check in checks if not check.met]
            found += verdicts.weights_mismatch(results)
    return found


def tree(results: SeedResults) -> dict[str, Any]:
    """Everything about one recipe's runs, as plain values for JSON."""
    return {
        "name": results.recipe.name,
        "n": len(results.runs),
        "runs": [str(run.path) for run in results.runs],
        "figures": {metric: _figure_tree(results, metric) for metric in results.values},
        "reported": [
            each.reported.model_dump(mode="json", exclude=_NOT_TOLD) | {"verdict": each.verdict, "why": each.why()}
            for each in compare_with_reported(results)
        ],
        "band": [
            {"metric": check.metric, "mean": check.mean, "interval": check.interval, "met": check.met}
            for check in verdicts.check_band(results.recipe, results.values)
        ],
    }


def _figure_tree(results: SeedResults, metric: Metric) -> dict[str, Any]:
    summary = results.summary(metric)
    interval = FIGURES[metric].interval(summary)
    return {"mean": summary.mean, "sd": summary.sd, "interval": interval, "values": results.values[metric]}


def badge(claims: Sequence[ReportedNumber], results: SeedResults | None, *, ok: bool) -> dict[str, Any]:
    """The verdict on claims, as shields.io draws it from a file: label, message and colour."""
    said = [f"{FIGURES[claim.metric].name} {_reported(claim)}" for claim in claims]
    found = [each.verdict for each in compare_with_reported(results)] if results else []
    message, colour = "no result", "lightgrey"
    if results:
        verdict = "not reproduced" if not ok else "reproduced" if "reproduced" in found else "exceeded"
        message, colour = f"{verdict} ({len(results.runs)} seeds)", "brightgreen" if ok else "red"
    return {"schemaVersion": 1, "label": ", ".join(said), "message": message, "color": colour}


def draw(all_results: Sequence[SeedResults], path: Path) -> None:
    """Draw the runs of each recipe in a row: test accuracy and test loss, beside what was reported."""
    seeds([[_strip(results, metric) for metric in BANDED] for results in all_results], path)


def draw_frontier(all_results: Sequence[SeedResults], path: Path) -> None:
    """Draw the test accuracy of recipes and of the field against the seconds of a training and the parameters."""
    claims = [
        Claim(
            results.recipe.name, summary.mean, summary.sd, results.summary("train_seconds").mean,
            int(results.runs[0].figures("train")["parameters"]), "",
        )
        for results in all_results
        for summary in [results.summary("test_accuracy")]
    ]  # fmt: skip
    claims += [
        Claim(number.source, number.value, number.sd, number.seconds, number.parameters, number.chosen)
        for number in load_reported()
        if number.chosen and (number.seconds or number.parameters)
    ]
    frontier(claims, path)


def _strip(results: SeedResults, metric: Metric) -> Strip:
    """One figure of one recipe; an implausible report is left out, as it would only squeeze the rest."""
    summary, figure = results.summary(metric), FIGURES[metric]
    lines = [
        (f"{each.reported.source}: {_reported(each.reported)}", each.reported.value)
        for each in compare_with_reported(results)
        if each.reported.metric == metric and each.verdict != "not plausible"
    ]
    title = f"{results.recipe.name}: {figure.name} {figure.spread(summary)} (n = {summary.n})"
    return Strip(title, results.values[metric], figure.interval(summary), lines, percent=figure.unit == " %")


def markdown(all_results: Sequence[SeedResults], command: str) -> str:
    """A page that says how it was measured, with the table and a line on each verdict."""
    where = "; ".join(sorted({_software(**run.environment()) for results in all_results for run in results.runs}))
    page = [
        "# What was reported, and what these recipes give",
        "",
        f"`{command}`, {_when(all_results)}, {where}.",
        "Mean ± standard deviation over n seeds; the interval is the one in which one more run falls with 95 %",
        "(Student's t); a reported number inside it counts as reproduced. The test images chose nothing.",
        "",
        "| " + " | ".join(COLUMNS) + " |",
        "|" + "---|" * len(COLUMNS),
        *("| " + " | ".join(row) + " |" for row in rows(all_results)),
        "",
        *(f"- {line}." for line in lines(all_results, banded=False)),
    ]
    return "\n".join(page) + "\n"


def _when(all_results: Sequence[SeedResults]) -> str:
    days = sorted(str(run.figures("train")["finished"])[:10] for results in all_results for run in results.runs)
    return f"measured on {days[-1]}" if days[0] == days[-1] else f"measured from {days[0]} to {days[-1]}"


def _software(processor: dict[str, Any], python: str, versions: dict[str, str | None], **_: Any) -> str:
    libraries = ", ".join(f"{name} {versions.get(name)}" for name in ("tensorflow", "keras"))
    return f"{processor['model']}, Python {python}, {libraries}"
