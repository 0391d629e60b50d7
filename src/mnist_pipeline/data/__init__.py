"""Images and labels: shipped, from files or folders of pictures, or drawn anew for training."""

from mnist_pipeline.data.loading import Dataset, Part, load, load_part, validation_indices

__all__ = ["Dataset", "Part", "load", "load_part", "validation_indices"]
