"""`python -m benchmarks.corrupted`: MNIST digits corrupted in fifteen ways, written as 28x28 pictures and read.

Where `mnist evaluate --corruptions` gives a model the pixels, this gives it picture files, as `mnist predict` gets
them. The digits are by default those that are kept apart from training for validation.
"""

import argparse
from collections.abc import Iterator

import numpy as np

from benchmarks.scoring import Sample, Score, add_options, digits, head, row, score
from mnist_pipeline.data import Part
from mnist_pipeline.evaluation.corruptions import CORRUPTIONS, corrupt
from mnist_pipeline.prediction.predictor import predictor


def main() -> None:
    """Print one row for each corruption, and their mean."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.corrupted", description=__doc__)
    parser.add_argument("--digits", type=int, default=1000, help="how many digits are corrupted in each way")
    add_options(parser)
    options = parser.parse_args()
    part = digits(options.part)
    model = predictor(options.run)
    print(head())
    total = Score()
    for way in CORRUPTIONS:
        keep = options.keep / way.replace(" ", "-") if options.keep else None
        found = score(model, corrupted(part, way, options.digits, options.seed), keep)
        print(row(way, found), flush=True)
        total += found
    print(row("all of them", total))


def corrupted(part: Part, way: str, count: int, seed: int) -> Iterator[Sample]:
    """Digits corrupted in one way, each with its own seed."""
    for number in np.random.default_rng(seed).permutation(len(part))[:count]:
        yield Sample(f"{number:05d}", corrupt(part.images[number], way, seed, number), int(part.labels[number]))


if __name__ == "__main__":
    main()
