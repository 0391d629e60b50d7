"""What is worth a look before training is found where it was planted, and not where nothing is."""

import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_pipeline.data import Dataset, Part
from mnist_pipeline.data.looking import look


@pytest.fixture
def small(mnist: Dataset) -> Dataset:
    """The first 3,000 images of MNIST to train on and 100 to test on."""
    return planted(mnist, mnist.train.images[:3000], mnist.train.labels[:3000])


def planted(mnist: Dataset, images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Dataset:
    test = Part(mnist.test.images[:100].copy(), mnist.test.labels[:100])
    return Dataset("small", Part(images.copy(), labels.copy()), test)


def test_in_mnist_nothing_is_blank_inverted_or_there_twice(mnist: Dataset) -> None:
    found = look(mnist, labels=False)
    assert (found.blank, found.inverted, found.repeated, found.leaked, found.repeated_tests) == ([], [], [], [], 0)


def test_what_is_planted_is_found(small: Dataset) -> None:
    images, labels = small.train.images, small.train.labels
    images[7] = 13
    images[8] = 255 - images[8]
    images[20], labels[20] = images[10], labels[10]
    images[21], labels[21] = images[11], (labels[11] + 1) % 10
    images[30] = small.test.images[5]
    small.test.images[9] = small.test.images[8]
    found = look(small, labels=False)
    assert found.blank == [7]
    assert found.inverted == [8]
    assert found.repeated == [(20, 10), (21, 11)]
    assert found.contradicted == [(21, 11)]
    assert found.leaked == [30]
    assert found.repeated_tests == 1
    assert (found.suspects, found.agreement) == ([], None)


def test_light_sets_have_dark_exceptions(mnist: Dataset) -> None:
    images = 255 - mnist.train.images[:200]
    images[3] = 255 - images[3]
    assert look(planted(mnist, images, mnist.train.labels[:200]), labels=False).inverted == [3]


def test_wrong_labels_are_among_the_suspects(small: Dataset) -> None:
    wrong = np.arange(50, 3000, 100)
    small.train.labels[wrong] = (small.train.labels[wrong] + 3) % 10
    found = look(small)
    suspects = [index for index, _, _ in found.suspects]
    assert found.agreement
    assert found.agreement > 0.85
    assert len(set(wrong) & set(suspects)) >= 20
    assert len(suspects) <= 60
    assert len(set(wrong) & set(suspects[:10])) >= 9, "the surest come first"


def test_a_handful_of_images_tells_nothing_about_labels(mnist: Dataset) -> None:
    found = look(planted(mnist, mnist.train.images[:20], mnist.train.labels[:20]))
    assert (found.suspects, found.agreement) == ([], None)
