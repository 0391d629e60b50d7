"""Arrays in, picture files out."""

from mnist_pipeline.evaluation.plots.answer import seen
from mnist_pipeline.evaluation.plots.charts import confusion, curves, distribution
from mnist_pipeline.evaluation.plots.network import architecture
from mnist_pipeline.evaluation.plots.seeds import Strip, seeds
from mnist_pipeline.evaluation.plots.sheets import digits, mistakes, samples

__all__ = [
    "Strip",
    "architecture",
    "confusion",
    "curves",
    "digits",
    "distribution",
    "mistakes",
    "samples",
    "seeds",
    "seen",
]
