"""Arrays in, picture files out."""

from mnist_pipeline.plots.answer import seen
from mnist_pipeline.plots.counts import confusion, distribution
from mnist_pipeline.plots.history import curves
from mnist_pipeline.plots.network import architecture
from mnist_pipeline.plots.seeds import Strip, seeds
from mnist_pipeline.plots.sheets import digits, mistakes, samples

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
