"""Recipes trained over seeds, and held against what was reported and what is expected."""

from mnist_pipeline.reproduction.repeat import repeat, run_at
from mnist_pipeline.reproduction.seeds import Measured, measure, plan
from mnist_pipeline.reproduction.tables import faults, markdown, rows, tree
from mnist_pipeline.reproduction.verdicts import check_band, judge, too_good, update_band

__all__ = [
    "Measured",
    "check_band",
    "faults",
    "judge",
    "markdown",
    "measure",
    "plan",
    "repeat",
    "rows",
    "run_at",
    "too_good",
    "tree",
    "update_band",
]
