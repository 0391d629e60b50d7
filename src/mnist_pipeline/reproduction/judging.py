"""A verdict on each reported number, from the interval in which one more run of ours would fall."""

from dataclasses import dataclass
from typing import Literal

from mnist_pipeline.config.reported import Report, reports_on
from mnist_pipeline.reproduction.figures import FIGURES
from mnist_pipeline.reproduction.measuring import Measured
from mnist_pipeline.statistics import Interval, Summary

Verdict = Literal["reproduced", "exceeded", "not reproduced", "not plausible", "one run: no interval"]

# 15 of the 10,000 test labels are known to be wrong: a run that is right on more has seen them.
_TOO_GOOD = 0.9985


@dataclass(frozen=True)
class Judged:
    """A reported number, what we measured, and what follows."""

    report: Report
    summary: Summary
    interval: Interval | None
    verdict: Verdict

    @property
    def broken(self) -> bool:
        """True when we claim to reproduce it and do not."""
        return self.report.claim and self.verdict == "not reproduced"

    def why(self) -> str:
        """The verdict explained in a line."""
        figure, report = FIGURES[self.report.metric], self.report
        if self.verdict == "not plausible":
            return report.implausible
        if self.interval is None:
            return "two runs or more make an interval"
        if report.kind == "over":
            return f"our mean is {figure.text(self.summary.mean)}"
        low, high = (figure.text(end) for end in self.interval)
        side = {"exceeded": ", which is better", "not reproduced": ", which is worse"}.get(self.verdict, "")
        return f"one more run of ours would fall between {low} and {high}{side}"


def judge(measured: Measured) -> list[Judged]:
    """Every number that is reported of this recipe."""
    return [_judged(report, measured.summary(report.metric)) for report in reports_on(measured.recipe.name)]


def _judged(report: Report, summary: Summary) -> Judged:
    interval = FIGURES[report.metric].possible(summary.next_mean())
    return Judged(report, summary, interval, _verdict(report, summary, interval))


def _verdict(report: Report, summary: Summary, interval: Interval | None) -> Verdict:
    if interval is None:
        return "one run: no interval"
    better = FIGURES[report.metric].better
    if report.kind == "over":
        return "reproduced" if better * (summary.mean - report.value) > 0 else "not reproduced"
    if report.value in interval:
        return "reproduced"  # also where we thought it could not be: what was measured counts
    if report.implausible:
        return "not plausible"
    return "exceeded" if better * (summary.mean - report.value) > 0 else "not reproduced"


def too_good(measured: Measured) -> list[str]:
    """A line for each run that is better than anything honest can be."""
    if measured.recipe.data.source != "mnist":
        return []
    return [
        f"{run.name}: {accuracy:.2%} right on the test images is not plausible, as 15 of their 10,000 labels are "
        f"wrong: has something trained on them?"
        for run, accuracy in zip(measured.runs, measured.values["test_accuracy"], strict=True)
        if accuracy > _TOO_GOOD
    ]
