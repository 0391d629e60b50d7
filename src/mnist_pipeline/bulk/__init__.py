"""Many pictures: read by a process a core, answered in their order, in memory that does not grow with their number."""

from mnist_pipeline.bulk.streaming import answers, are_many, predict_many

__all__ = ["answers", "are_many", "predict_many"]
