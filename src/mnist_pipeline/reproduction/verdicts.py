"""What a recipe is expected to give, measured over seeds: held against new runs, or written into its config."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from mnist_pipeline.config import Config, yaml_text
from mnist_pipeline.config.recipes import read_tree
from mnist_pipeline.config.schema import Band
from mnist_pipeline.errors import ConfigError, RunError
from mnist_pipeline.reproduction.reported import Metric, Report, reports_on
from mnist_pipeline.reproduction.seeds import FIGURES, Interval, Measured, Summary
from mnist_pipeline.runs.files import write_text

_LEVEL = 0.999  # of a thousand checks of a recipe that has not changed, one fails
_BLOCK = re.compile(r"^expected:.*\n?(?:[ \t]+.*\n?)*", re.MULTILINE)


class BandCheck(NamedTuple):
    """One figure of new runs against the band of its recipe."""

    metric: Metric
    mean: float
    n: int
    interval: Interval
    """Where the mean of so many new runs falls with 99.9 %."""

    @property
    def met(self) -> bool:
        """True when it does."""
        return self.mean in self.interval

    def line(self) -> str:
        """What was found, for the user."""
        figure = FIGURES[self.metric]
        low, high = (figure.number(end) for end in self.interval)
        text = f"{figure.words} {figure.text(self.mean)} (n = {self.n})"
        if self.met:
            return f"{text} is in its band, {low} to {high}"
        if figure.better * (self.mean - self.interval.low) > 0:
            return f"{text} is better than its band, {low} to {high}: a leak, or a change to measure with --update"
        return f"{text} is worse than its band, {low} to {high}"


def check_band(recipe: Config, values: dict[Metric, list[float]]) -> list[BandCheck]:
    """The mean of the new runs, each figure against the interval that the band and the number of runs imply.

    As with Welch's test, the doubt about either mean counts; the spread is the band's, so that one run is enough.
    """
    expected, checks = recipe.expected, []
    if expected is not None and expected.n is not None:
        bands: dict[Metric, Band | None] = {"test_accuracy": expected.test_accuracy, "test_loss": expected.test_loss}
        for metric, band in bands.items():
            if band is not None:
                new = Summary.of(values[metric])
                interval = Summary(expected.n, band.mean, band.sd).next_mean(new.n, _LEVEL)
                assert interval is not None  # a band has a spread
                checks.append(BandCheck(metric, new.mean, new.n, interval))
    return checks


def other_bits(measured: Measured) -> str | None:
    """What to say when the recipe's own seed does not give the weights that its config promises."""
    promised = measured.recipe.expected.weights_sha256 if measured.recipe.expected else None
    found = _own_bits(measured)
    if not promised or not found or found == promised:
        return None
    return f"{measured.recipe.name}: its own seed gives weights {found[:16]}, and the config promises {promised[:16]}"


def _own_bits(measured: Measured) -> str | None:
    """The weights of the recipe's own seed, where it is among the runs."""
    trained = [run.figures("train") for run in measured.runs]
    own = measured.recipe.training.seed
    return next((numbers["weights_sha256"] for numbers in trained if numbers["seed"] == own), None)


def update_band(path: Path, measured: Measured) -> None:
    """Write what was measured into the config's `expected` block, and leave every other line as it is."""
    if measured.n < 2:
        raise RunError("a band needs two runs or more: nothing was updated")
    expected, portable = measured.recipe.expected, measured.recipe.training.numerics == "portable"
    block: dict[str, Any] = {"n": measured.n}
    for metric in ("test_accuracy", "test_loss"):
        summary = Summary.of(measured.values[metric])
        assert summary.sd is not None
        block[metric] = {"mean": round(summary.mean, 6), "sd": round(summary.sd, 6)}
    kept = expected.weights_sha256 if expected else None
    block["weights_sha256"] = (_own_bits(measured) or kept) if portable else kept
    write_text(path, with_expected(path, block))


def with_expected(path: Path, block: dict[str, Any]) -> str:
    """The config's text with another `expected` block, checked to say the same otherwise."""
    before, tree = path.read_text(encoding="utf-8"), read_tree(path)
    text = yaml_text.write({"expected": block})
    found = _BLOCK.search(before)
    after = before.replace(found[0], text) if found else before.rstrip("\n") + "\n" + text
    if yaml_text.parse(after, str(path)) != tree | {"expected": block}:
        raise ConfigError(f"{path}: its `expected` cannot be replaced: put `expected: null` at the end of the file")
    return after


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
