"""Recipes over seeds as a picture: what was measured and judged, handed to the plot."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mnist_pipeline.evaluation.plots.seeds import Strip, seeds
from mnist_pipeline.reproduction.reported import Metric, Report
from mnist_pipeline.reproduction.seeds import FIGURES, Interval, Measured, Summary
from mnist_pipeline.reproduction.verdicts import BandCheck, Judged, check_band, judge, other_bits, too_good


def draw(all_measured: Sequence[Measured], path: Path) -> None:
    """Test accuracy and loss of each recipe, a row for each."""
    seeds([[_strip(measured, metric) for metric in ALWAYS] for measured in all_measured], path)


def _strip(measured: Measured, metric: Metric) -> Strip:
    """One figure; an implausible report is left out, for it would only squeeze the rest."""
    summary, figure = measured.summary(metric), FIGURES[metric]
    lines = [
        (f"{each.report.source}: {reported(each.report)}", each.report.value)
        for each in judge(measured)
        if each.report.metric == metric and each.verdict != "not plausible"
    ]
    title = f"{measured.recipe.name}: {figure.words} {spread(metric, summary)} (n = {summary.n})"
    return Strip(
        title, measured.values[metric], figure.possible(summary.next_mean()), lines, percent=figure.unit == " %"
    )


COLUMNS = ["recipe", "source", "figure", "reported", "measured (n)", "one more run (95 %)", "verdict"]
ALWAYS: tuple[Metric, ...] = ("test_accuracy", "test_loss")
_NONE = "–"


def rows(measured: Measured) -> list[list[str]]:
    """A row for each reported number, and for test accuracy and loss also where nobody reports them."""
    judged = judge(measured)
    told = [
        _row(measured, each.report.source, each.report.metric, reported(each.report), each.verdict) for each in judged
    ]
    silent = [metric for metric in ALWAYS if metric not in {each.report.metric for each in judged}]
    return told + [_row(measured, _NONE, metric, _NONE, _NONE) for metric in silent]


def _row(measured: Measured, source: str, metric: Metric, reported: str, verdict: str) -> list[str]:
    summary = measured.summary(metric)
    interval = FIGURES[metric].possible(summary.next_mean())
    value = f"{spread(metric, summary)} ({summary.n})"
    return [
        measured.recipe.name, source, FIGURES[metric].words, reported, value, between(metric, interval), verdict,
    ]  # fmt: skip


def reported(report: Report) -> str:
    """The number as it was reported."""
    figure = FIGURES[report.metric]
    if report.kind == "exact":
        return figure.text(report.value) if figure.unit else f"{report.value:g}"
    rounded = report.value * (100 if figure.unit == " %" else 1)
    return f"{report.kind} {rounded:g}{figure.unit}"


def spread(metric: Metric, summary: Summary) -> str:
    """Mean ± standard deviation."""
    figure = FIGURES[metric]
    if summary.sd is None:
        return figure.text(summary.mean)
    return f"{figure.number(summary.mean)} ± {figure.number(summary.sd)}{figure.unit}"


def between(metric: Metric, interval: Interval | None) -> str:
    """An interval of a figure."""
    if interval is None:
        return _NONE
    figure = FIGURES[metric]
    return f"{figure.number(interval.low)} to {figure.number(interval.high)}{figure.unit}"


def reasons(measured: Measured) -> list[str]:
    """Each verdict explained in a line."""
    return [_reason(measured, each) for each in judge(measured)]


def _reason(measured: Measured, each: Judged) -> str:
    report = each.report
    line = f"{measured.recipe.name}, {report.source}, {FIGURES[report.metric].words} {reported(report)}: {each.verdict}"
    line += f"; {each.why()}"
    if report.note:
        line += f" ({report.note})"
    return line + ("" if report.claim else ". Not claimed")


def faults(all_measured: Sequence[Measured], *, banded: bool = True) -> list[str]:
    """Whatever makes the answer no: claims that do not hold, bands and bits that are missed, what is too good."""
    lines = []
    for measured in all_measured:
        name = measured.recipe.name
        lines += [_reason(measured, each) for each in judge(measured) if each.broken]
        lines += too_good(measured)
        if banded:
            checks = check_band(measured.recipe, measured.values)
            lines += [f"{name}: {check.line()}" for check in checks if not check.met]
            lines += filter(None, [other_bits(measured)])
    return lines


def tree(measured: Measured) -> dict[str, Any]:
    """Everything about one recipe as plain values."""
    return {
        "name": measured.recipe.name,
        "n": measured.n,
        "runs": [str(run.path) for run in measured.runs],
        "figures": {metric: _figure_tree(measured, metric) for metric in measured.values},
        "reported": [_judged_tree(each) for each in judge(measured)],
        "band": [_check_tree(check) for check in check_band(measured.recipe, measured.values)],
    }


def _figure_tree(measured: Measured, metric: Metric) -> dict[str, Any]:
    summary = measured.summary(metric)
    values, interval = measured.values[metric], FIGURES[metric].possible(summary.next_mean())
    return {"mean": summary.mean, "sd": summary.sd, "interval": interval and list(interval), "values": values}


def _judged_tree(each: Judged) -> dict[str, Any]:
    report = each.report.model_dump(mode="json", exclude={"recipe", "implausible", "sd", "n"})
    return report | {"verdict": each.verdict, "why": each.why()}


def _check_tree(check: BandCheck) -> dict[str, Any]:
    return {"metric": check.metric, "mean": check.mean, "interval": list(check.interval), "met": check.met}


def markdown(all_measured: Sequence[Measured], command: str) -> str:
    """The page: how it was measured, the table, and a line on each verdict."""
    table = [row for measured in all_measured for row in rows(measured)]
    lines = [
        "# What was reported, and what these recipes give",
        "",
        f"`{command}`, {_when(all_measured)}, {_where(all_measured)}.",
        "Mean ± standard deviation over n seeds; the interval is the one in which one more run falls with 95 %",
        "(Student's t); a reported number inside it counts as reproduced. The test images chose nothing.",
        "",
        "| " + " | ".join(COLUMNS) + " |",
        "|" + "---|" * len(COLUMNS),
        *("| " + " | ".join(row) + " |" for row in table),
        "",
        *(f"- {line}." for measured in all_measured for line in reasons(measured)),
    ]
    return "\n".join(lines) + "\n"


def _when(all_measured: Sequence[Measured]) -> str:
    days = sorted(str(run.figures("train")["finished"])[:10] for measured in all_measured for run in measured.runs)
    return f"measured on {days[-1]}" if days[0] == days[-1] else f"measured from {days[0]} to {days[-1]}"


def _where(all_measured: Sequence[Measured]) -> str:
    found = {_software(run.environment()) for measured in all_measured for run in measured.runs}
    return "; ".join(sorted(found))


def _software(environment: dict[str, Any]) -> str:
    versions = environment.get("versions", {})
    return (
        f"{environment.get('processor', {}).get('model')}, Python {environment.get('python')}, "
        f"tensorflow {versions.get('tensorflow')}, keras {versions.get('keras')}"
    )
