"""Training pictures drawn from MNIST and from strokes, seen through the way of a picture file."""

from mnist_pipeline.rendering.choice import Drawn
from mnist_pipeline.rendering.crew import NONE, digits, negatives, pool
from mnist_pipeline.rendering.sample import drawn_sample

__all__ = ["NONE", "Drawn", "digits", "drawn_sample", "negatives", "pool"]
