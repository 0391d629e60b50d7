"""Images and labels: shipped, from IDX or .npz files, or drawn anew for training."""

from mnist_pipeline.data.loading import Dataset, Part, load, load_part, validation_indices

__all__ = ["Dataset", "Part", "load", "load_part", "validation_indices"]
