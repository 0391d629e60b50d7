"""Verdicts on a recipe's runs: against the numbers that others report, and against the band in its own config.

A band is `expected` in a config: number of runs, mean and standard deviation of test accuracy and loss. `update_band`
writes it from measured runs, and nothing else does.
"""

import re
from pathlib import Path
from typing import Any, Literal, NamedTuple

from mnist_pipeline.config import yaml_text
from mnist_pipeline.config.outcome_schema import Band, Expected
from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.config.schema import Config
from mnist_pipeline.errors import ConfigError
from mnist_pipeline.reproduction.reported import Metric, ReportedNumber, load_reported
from mnist_pipeline.reproduction.seeds import FIGURES, Interval, SeedResults, Summary
from mnist_pipeline.runs.files import write_text

Verdict = Literal["reproduced", "exceeded", "not reproduced", "not plausible", "one run: no interval"]


class Comparison(NamedTuple):
    """A reported number, what we measured, and the verdict."""

    reported: ReportedNumber
    measured: Summary

    @property
    def interval(self) -> Interval | None:
        """Where one more run of ours falls with 95 %; None after a single run."""
        return FIGURES[self.reported.metric].interval(self.measured)

    @property
    def verdict(self) -> Verdict:
        """Whether our runs reproduce the number."""
        if self.interval is None:
            return "one run: no interval"
        beyond = FIGURES[self.reported.metric].better * (self.measured.mean - self.reported.value) > 0
        if self.reported.kind == "over":
            return "reproduced" if beyond else "not reproduced"
        if self.interval.low <= self.reported.value <= self.interval.high:
            return "reproduced"  # even a number that was thought implausible: what was measured counts
        if self.reported.implausible:
            return "not plausible"
        return "exceeded" if beyond else "not reproduced"

    def why(self) -> str:
        """The reason for the verdict, in one line."""
        figure = FIGURES[self.reported.metric]
        if self.verdict == "not plausible":
            return self.reported.implausible
        if self.interval is None:
            return "two runs or more make an interval"
        if self.reported.kind == "over":
            return f"our mean is {figure.text(self.measured.mean)}"
        low, high = (figure.text(end) for end in self.interval)
        side = {"exceeded": ", which is better", "not reproduced": ", which is worse"}.get(self.verdict, "")
        return f"one more run of ours would fall between {low} and {high}{side}"


def compare_with_reported(results: SeedResults) -> list[Comparison]:
    """Compare the runs of a recipe with what is claimed of it, or else with every number that is reported for it."""
    reported = [number for number in load_reported() if number.recipe == results.recipe.name]
    numbers = results.claims or reported
    return [Comparison(number, results.summary(number.metric)) for number in numbers]


def compare_with_band(number: ReportedNumber) -> Comparison | None:
    """Compare a reported number with what the recipe beside it gave when its band was measured; None without one."""
    expected = load_config(number.recipe).expected if number.recipe else None
    band: Band | None = getattr(expected, number.metric, None)
    if expected is None or band is None or expected.n is None:
        return None
    return Comparison(number, Summary(expected.n, band.mean, band.sd))


# 15 of the 10,000 test labels are known to be wrong: a run that is right on more has seen them.
_PLAUSIBLE_ACCURACY = 0.9985


def implausible_runs(results: SeedResults) -> list[str]:
    """A line for each run whose accuracy on MNIST's test images cannot be honest."""
    if results.recipe.data.source != "mnist":
        return []
    return [
        f"{run.name}: {accuracy:.2%} right on the test images is not plausible: has something trained on them?"
        for run, accuracy in zip(results.runs, results.values["test_accuracy"], strict=True)
        if accuracy > _PLAUSIBLE_ACCURACY
    ]


BANDED: tuple[Metric, ...] = ("test_accuracy", "test_loss")
_BAND_LEVEL = 0.999  # a recipe that has not changed fails one check in a thousand


class BandCheck(NamedTuple):
    """The mean of one figure of new runs, against the band of their recipe."""

    metric: Metric
    mean: float
    n: int
    interval: Interval  # where the mean of n new runs falls with 99.9 %

    @property
    def met(self) -> bool:
        """Whether the mean is in the interval."""
        return self.interval.low <= self.mean <= self.interval.high

    def line(self) -> str:
        """The check in one line, for the user."""
        figure = FIGURES[self.metric]
        low, high = (figure.number(end) for end in self.interval)
        is_better = figure.better * (self.mean - self.interval.low) > 0
        found = "is in" if self.met else "is better than" if is_better else "is worse than"
        advice = "" if self.met or not is_better else ": a leak, or a change to measure with --update"
        return f"{figure.name} {figure.text(self.mean)} (n = {self.n}) {found} its band, {low} to {high}{advice}"


def check_band(recipe: Config, values: dict[Metric, list[float]]) -> list[BandCheck]:
    """Check the mean of new runs, for each figure of the recipe's band; no checks where it has none.

    As with Welch's test, the doubt about either mean counts; the spread is the band's, so that one run is enough.
    """
    checks, expected = [], recipe.expected or Expected()
    for metric in BANDED:
        band: Band | None = getattr(expected, metric)
        if band and expected.n:
            new = Summary.of(values[metric])
            interval = Summary(expected.n, band.mean, band.sd).next_mean(new.n, _BAND_LEVEL)
            assert interval is not None  # a band has a standard deviation
            checks.append(BandCheck(metric, new.mean, new.n, interval))
    return checks


def weights_mismatch(results: SeedResults) -> list[str]:
    """A line where the recipe's own seed does not give the weights whose digest its config promises."""
    promised = results.recipe.expected.weights_sha256 if results.recipe.expected else None
    found = _weights_of_own_seed(results)
    if not promised or not found or found == promised:
        return []
    return [f"{results.recipe.name}: its own seed gives weights {found[:16]}, and the config promises {promised[:16]}"]


def _weights_of_own_seed(results: SeedResults) -> str | None:
    """The digest of the weights from the seed that the recipe names, where that seed is among the runs."""
    digests = {numbers["seed"]: numbers["weights_sha256"] for numbers in (run.figures("train") for run in results.runs)}
    return digests.get(results.recipe.training.seed)


def update_band(path: Path, results: SeedResults) -> None:
    """Write what was measured into the config's `expected` block, and leave every other line as it is."""
    expected, portable = results.recipe.expected, results.recipe.training.numerics == "portable"
    block: dict[str, Any] = {"n": len(results.runs)}
    for metric in BANDED:
        summary = Summary.of(results.values[metric])
        assert summary.sd is not None
        block[metric] = {"mean": round(summary.mean, 6), "sd": round(summary.sd, 6)}
    kept = expected.weights_sha256 if expected else None
    block["weights_sha256"] = (_weights_of_own_seed(results) or kept) if portable else kept
    write_text(path, with_expected(path, block))


_EXPECTED_BLOCK = re.compile(r"^expected:.*\n?(?:[ \t]+.*\n?)*", re.MULTILINE)


def with_expected(path: Path, block: dict[str, Any]) -> str:
    """The config's text with another `expected` block, checked to say the same otherwise."""
    before, tree = path.read_text(encoding="utf-8"), yaml_text.read(path)
    text = yaml_text.write({"expected": block})
    found = _EXPECTED_BLOCK.search(before)
    after = before.replace(found[0], text) if found else before.rstrip("\n") + "\n" + text
    if yaml_text.parse(after, str(path)) != tree | {"expected": block}:
        raise ConfigError(f"{path}: its `expected` cannot be replaced: put `expected: null` at the end of the file")
    return after
