"""`python -m benchmarks.wrong_labels`: labels made wrong on purpose, and how many of them `mnist data plot` doubts."""

import argparse

import numpy as np

from mnist_pipeline.data import Dataset, Part, load
from mnist_pipeline.data.looking import look

_FIRST = 100  # of the doubted labels, the surest


def main() -> None:
    """Print, for each draw of wrong labels, how many labels are doubted and how many of those are wrong ones."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wrong_labels", description=__doc__)
    parser.add_argument("source", nargs="?", default="mnist", help="the data set")
    parser.add_argument("--share", type=float, default=0.01, help="of the training labels that are made wrong")
    parser.add_argument("--draws", type=int, default=3, help="of wrong labels, each with a seed of its own")
    options = parser.parse_args()
    dataset = load(options.source)
    found = look(dataset)
    print(f"{options.source} as it is: {len(found.suspects):,} of {len(dataset.train):,} labels doubted")
    for seed in range(options.draws):
        spoilt, wrong = _spoilt(dataset, options.share, seed)
        doubted = [index for index, *_ in look(spoilt).suspects]
        hits, first = len(wrong.intersection(doubted)), len(wrong.intersection(doubted[:_FIRST]))
        print(f"seed {seed}: {len(doubted):,} doubted, {hits} of {len(wrong)} wrong; {first} of the first {_FIRST}")


def _spoilt(dataset: Dataset, share: float, seed: int) -> tuple[Dataset, set[int]]:
    """The data set with other labels on some training images, and which these are."""
    random, part = np.random.default_rng(seed), dataset.train
    wrong = random.choice(len(part), round(share * len(part)), replace=False)
    labels = part.labels.copy()
    labels[wrong] = (labels[wrong] + random.integers(1, len(part.classes), len(wrong))) % len(part.classes)
    return Dataset(dataset.source, Part(part.images, labels, part.classes), dataset.test), set(wrong.tolist())


if __name__ == "__main__":
    main()
