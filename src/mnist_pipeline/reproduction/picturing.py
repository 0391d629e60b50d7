"""Recipes over seeds as a picture: what was measured and judged, handed to the plot."""

from collections.abc import Sequence
from pathlib import Path

from mnist_pipeline.config.reported import Metric
from mnist_pipeline.evaluation import plots
from mnist_pipeline.reproduction.figures import FIGURES
from mnist_pipeline.reproduction.judging import judge
from mnist_pipeline.reproduction.measuring import Measured
from mnist_pipeline.reproduction.telling import ALWAYS, reported, spread


def draw(all_measured: Sequence[Measured], path: Path) -> None:
    """Test accuracy and loss of each recipe, a row for each."""
    plots.seeds([[_strip(measured, metric) for metric in ALWAYS] for measured in all_measured], path)


def _strip(measured: Measured, metric: Metric) -> plots.Strip:
    """One figure; an implausible report is left out, for it would only squeeze the rest."""
    summary, figure = measured.summary(metric), FIGURES[metric]
    lines = [
        (f"{each.report.source}: {reported(each.report)}", each.report.value)
        for each in judge(measured)
        if each.report.metric == metric and each.verdict != "not plausible"
    ]
    title = f"{measured.recipe.name}: {figure.words} {spread(metric, summary)} (n = {summary.n})"
    return plots.Strip(
        title, measured.values[metric], figure.possible(summary.next_mean()), lines, percent=figure.unit == " %"
    )
