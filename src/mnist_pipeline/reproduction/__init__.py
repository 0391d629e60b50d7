"""Does a recipe give what was reported, and what is expected of it? Measured over seeds, judged, told."""

from mnist_pipeline.reproduction.bands import check_band, update_band
from mnist_pipeline.reproduction.judging import judge, too_good
from mnist_pipeline.reproduction.measuring import Measured, measure, plan
from mnist_pipeline.reproduction.repeating import repeat, run_at
from mnist_pipeline.reproduction.telling import faults, markdown, rows, tree

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
