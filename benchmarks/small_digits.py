"""scikit-learn's 1,797 digits of 8x8 pixels as an .npz: two thirds to train on, a third of each class to test on.

python -m benchmarks.small_digits digits8.npz       # where scikit-learn is installed
mnist reproduce digits8 --seeds 10
"""

import argparse
from pathlib import Path

import numpy as np

from mnist_pipeline.data import validation_indices


def main() -> None:
    """Write the file; the third is the same one every time."""
    from sklearn.datasets import load_digits

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path, help="the .npz to write")
    path = parser.parse_args().path
    digits = load_digits()
    images, labels = np.rint(digits.images * 255 / 16).astype(np.uint8), digits.target.astype(np.uint8)
    test = validation_indices(labels, 1 / 3, seed=0)
    np.savez_compressed(
        path, x_train=np.delete(images, test, axis=0), y_train=np.delete(labels, test),
        x_test=images[test], y_test=labels[test],
    )  # fmt: skip
    print(f"{path}: {len(labels) - len(test):,} training and {len(test):,} test images of 8x8")


if __name__ == "__main__":
    main()
