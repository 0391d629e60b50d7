"""Model files from elsewhere: looked through, and read for the first time by a process that may die."""

from mnist_pipeline.foreign.trial import try_out

__all__ = ["try_out"]
