"""Many trainings at once: each in a process of its own, what is finished is kept."""

from mnist_pipeline.fleet.crew import Outcome, finished, train_all, workers_for

__all__ = ["Outcome", "finished", "train_all", "workers_for"]
