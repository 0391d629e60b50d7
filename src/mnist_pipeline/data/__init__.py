"""Digit images and labels from the shipped files, IDX folders or .npz files: verified, as bytes."""

from mnist_pipeline.data.loading import Dataset, Part, load, load_part, validation_indices

__all__ = ["Dataset", "Part", "load", "load_part", "validation_indices"]
