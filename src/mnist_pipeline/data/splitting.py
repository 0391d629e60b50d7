"""Which images test: by a seed's choice, whole groups where the groups are known, else a share of each class."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.errors import DataError

_TRIES = 100  # orders of the groups that are tried, until one leaves every class something to train on


def split(labels: NDArray[np.uint8], groups: Sequence[str], share: float, seed: int) -> NDArray[np.bool_]:
    """Whether each image is in the test part; each class keeps an image to train on.

    Where every image has a group, no group is in both parts: a test on the hands that trained would flatter.
    """
    random = np.random.Generator(np.random.PCG64(seed))
    return _by_group(labels, groups, share, random) if all(groups) else _by_class(labels, share, random)


def _by_class(labels: NDArray[np.uint8], share: float, random: np.random.Generator) -> NDArray[np.bool_]:
    tests = np.zeros(len(labels), bool)
    for number in np.unique(labels):
        members = np.flatnonzero(labels == number)
        most = len(members) - 1  # one stays to train on
        tests[random.permutation(members)[: min(most, max(1, round(share * len(members))))]] = True
    if not tests.any():
        raise DataError("one picture of each class: nothing is left to test on; give more")
    return tests


def _by_group(
    labels: NDArray[np.uint8], groups: Sequence[str], share: float, random: np.random.Generator
) -> NDArray[np.bool_]:  # fmt: skip
    names, numbers, sizes = np.unique(np.array(groups), return_inverse=True, return_counts=True)
    if len(names) < 2:
        raise DataError(f"all pictures are of one group ({names[0]}): give those of a second one, to test on")
    for _ in range(_TRIES):
        order = random.permutation(len(names))
        reached = np.cumsum(sizes[order]) / len(labels)
        count = 1 + int(np.abs(reached[:-1] - share).argmin())  # of groups that come nearest to the share
        tests = np.isin(numbers, order[:count])
        if set(labels[~tests].tolist()) == set(labels.tolist()):
            return tests
    raise DataError("no split by groups leaves pictures of each class to train on: give more groups, or none")
