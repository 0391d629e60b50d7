"""The figures of a run that are reported and compared: where they stand, what is better, how they are written."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from mnist_pipeline.config.reported import Metric
from mnist_pipeline.errors import RunError
from mnist_pipeline.runs.run import Run
from mnist_pipeline.statistics import Interval


class Figure(NamedTuple):
    """One figure as people speak of it."""

    words: str
    better: int
    """1 where more is better, -1 where less is."""
    unit: str
    decimals: int

    def text(self, value: float) -> str:
        """A value such as 97.05 % or 0.1482."""
        return f"{self.number(value)}{self.unit}"

    def number(self, value: float) -> str:
        """The same without its unit."""
        return f"{100 * value if self.unit == ' %' else value:.{self.decimals}f}"

    def possible(self, interval: Interval | None) -> Interval | None:
        """The part of an interval that the figure can take: a share is at most one, nothing is below zero."""
        if interval is None:
            return None
        return Interval(max(interval.low, 0.0), min(interval.high, 1.0) if self.unit == " %" else interval.high)


FIGURES: Mapping[Metric, Figure] = {
    "test_accuracy": Figure("test accuracy", 1, " %", 2),
    "test_loss": Figure("test loss", -1, "", 4),
    "worst_class": Figure("worst digit's accuracy", 1, " %", 2),
    "train_accuracy": Figure("training accuracy", 1, " %", 2),
    "train_loss": Figure("training loss", -1, "", 4),
    "train_seconds": Figure("training time", -1, " s", 1),
}


def figures_of(run: Run) -> dict[Metric, float]:
    """All of them, of a trained and evaluated run."""
    train, test = run.figures("train"), run.figures("evaluate")
    try:
        values: dict[Metric, Any] = {
            "test_accuracy": test["test_accuracy"],
            "test_loss": test["test_loss"],
            "worst_class": min(row["accuracy"] for row in test["per_class"] if row["n"]),
            "train_accuracy": train["train_accuracy"],
            "train_loss": train["train_loss"],
            "train_seconds": train["train_seconds"],
        }
    except KeyError as missing:
        raise RunError(f"{run.path}: its metrics.json lacks {missing}: train it again under another --name") from None
    return {metric: float(value) for metric, value in values.items()}
