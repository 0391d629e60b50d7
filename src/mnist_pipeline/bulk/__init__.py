"""Many pictures: read by a process a core, answered in their order, in memory that does not grow with their number."""

from mnist_pipeline.bulk.streaming import answers, predict_many

__all__ = ["answers", "predict_many"]
