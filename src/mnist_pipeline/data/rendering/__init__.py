"""Training pictures drawn from MNIST and from strokes, seen through the way of a picture file."""

from mnist_pipeline.data.rendering.drawing import NONE, Drawn, digits, drawn_sample, negatives, pool

__all__ = ["NONE", "Drawn", "digits", "drawn_sample", "negatives", "pool"]
