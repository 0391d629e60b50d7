"""The order of an epoch, its chunks, and images changed at random: functions of seed, epoch and step."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.config.schema import Augmentation
from mnist_pipeline.data import Part, load_part, validation_indices
from mnist_pipeline.pixels.preprocess import scale
from mnist_pipeline.training.backend import keras, tf
from mnist_pipeline.training.batches import EpochPlan, Resident, augment
from mnist_pipeline.training.compiling import compiled

pytestmark = pytest.mark.usefixtures("tensorflow")


@pytest.fixture(scope="module")
def part() -> Part:
    whole = load_part("mnist", "train")
    return Part(whole.images[:670], whole.labels[:670])


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    plan = EpochPlan(images=100, batch=32, chunks=1, seed=1)
    assert sorted(plan.order(0)) == list(range(100))
    np.testing.assert_array_equal(plan.order(3), EpochPlan(100, 10, 2, seed=1).order(3))
    assert not np.array_equal(plan.order(0), plan.order(1))
    assert not np.array_equal(plan.order(0), EpochPlan(100, 32, 1, seed=2).order(0))


def test_shuffled_once_every_epoch_has_the_first_ones_order() -> None:
    plan = EpochPlan(images=100, batch=32, chunks=1, seed=1, shuffle_once=True)
    np.testing.assert_array_equal(plan.order(7), plan.order(0))
    np.testing.assert_array_equal(plan.order(0), EpochPlan(100, 32, 1, seed=1).order(0))


def test_keras_itself_repeats_its_order_once_a_seed_is_set() -> None:
    """Why R1, which sets one, is shuffled once: should Keras change, its recipe has to be thought over."""
    seen: list[list[float]] = []

    class Watched(keras.Model):  # type: ignore[misc]
        def train_step(self, data: Any) -> dict[str, Any]:
            seen.append(data[0].numpy().ravel().tolist())
            return {"loss": tf.constant(0.0)}

    keras.utils.set_random_seed(3)
    model = Watched()
    model.compile(run_eagerly=True)
    images = np.arange(16, dtype=np.float32).reshape(-1, 1)
    model.fit(images, images, batch_size=16, epochs=3, verbose=0)
    assert seen[0] == seen[1] == seen[2] != sorted(seen[0])


def test_the_largest_seed_shuffles_splits_begins_and_changes_images(part: Part) -> None:
    seed = 2**31 - 1
    config = load_config("smoke", {"training.seed": seed, "training.augmentation": {"rotation": 10}})
    plan, model = EpochPlan.of(config, len(part)), compiled(config)
    assert sorted(plan.order(0)) == list(range(len(part)))
    assert len(validation_indices(part.labels, 0.1, seed))
    images, _ = Resident.of(model, part.images, part.labels).batch(tf.range(5), plan, tf.constant(3))
    assert not np.array_equal(images, scale(part.images[:5]))


@pytest.mark.parametrize("chunks", [1, 3, 7])
def test_the_chunks_of_an_epoch_are_its_steps(chunks: int) -> None:
    plan = EpochPlan(images=670, batch=64, chunks=chunks, seed=0)
    assert plan.steps == 11
    steps = [step for chunk in range(chunks) for step in range(*plan.bounds(chunk))]
    assert steps == list(range(11))


SEED = np.array([1, 2], np.int32)  # no tensor: one made on import would start TensorFlow before its threads are set


def test_augmentation_by_nothing_changes_nothing(part: Part) -> None:
    images = scale(part.images[:20])
    np.testing.assert_allclose(augment(tf.constant(images), Augmentation(), SEED), images, atol=1e-6)


def test_augmentation_is_a_function_of_its_seed(part: Part) -> None:
    images = tf.constant(scale(part.images[:20]))
    settings = Augmentation(rotation=15, zoom=0.1, shift=2, shear=0.1)
    first, again, other = (augment(images, settings, tf.constant(seed)).numpy() for seed in ([1, 2], [1, 2], [1, 3]))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert len({image.tobytes() for image in augment(images[:1] + tf.zeros((5, 28, 28)), settings, SEED).numpy()}) == 5


def middle(image: NDArray[np.float32]) -> NDArray[np.float64]:
    """Centre of mass, as (y, x)."""
    return np.array([(np.indices(image.shape)[axis] * image).sum() / image.sum() for axis in (0, 1)])


def test_a_shift_moves_by_no_more_pixels_than_it_says(part: Part) -> None:
    images = scale(part.images[:50])
    moved = augment(tf.constant(images), Augmentation(shift=2), SEED).numpy()
    distances = np.array([middle(after) - middle(before) for before, after in zip(images, moved, strict=True)])
    assert 1.5 < np.abs(distances).max() <= 2.01


def test_a_rotation_turns_around_the_middle_and_keeps_the_ink() -> None:
    image = np.zeros((1, 28, 28), np.float32)
    image[0, 13:15, 4:24] = 1
    turned = augment(tf.constant(np.repeat(image, 50, 0)), Augmentation(rotation=90), SEED).numpy()
    np.testing.assert_allclose(turned.sum((1, 2)), 40, rtol=0.03)
    np.testing.assert_allclose([middle(each) for each in turned], [[13.5, 13.5]] * 50, atol=0.05)
    heights = [(each.max(1) > 0.5).sum() for each in turned]
    assert min(heights) < 8
    assert max(heights) > 18


def test_a_flip_mirrors_every_second_image_and_changes_nothing_else(part: Part) -> None:
    images = np.repeat(scale(part.images[:1]), 200, axis=0)
    settings = Augmentation(rotation=10, shift=2)
    both = settings, settings.model_copy(update={"flip": True})
    alone, flipped = (augment(tf.constant(images), each, SEED).numpy() for each in both)
    plain = augment(tf.constant(images), Augmentation(flip=True), SEED).numpy()
    mirrored = np.abs(plain - images[:, :, ::-1]).max((1, 2)) < 1e-5
    assert 70 < mirrored.sum() < 130
    np.testing.assert_allclose(plain[~mirrored], images[~mirrored], atol=1e-5)
    np.testing.assert_array_equal(flipped[~mirrored], alone[~mirrored])


def test_thickness_lets_strokes_grow_and_shrink_and_leaves_them_where_they_are(part: Part) -> None:
    images = np.repeat(scale(part.images[:1]), 100, axis=0)
    changed = augment(tf.constant(images), Augmentation(thickness=0.5), SEED).numpy()
    ink = changed.sum((1, 2)) / images[0].sum()
    assert ink.min() < 0.8
    assert ink.max() > 1.2
    assert (changed.min(), changed.max()) == (0, 1)
    assert max(np.abs(middle(each) - middle(images[0])).max() for each in changed) < 0.5


def test_elastic_bends_smoothly_and_by_no_more_pixels_than_it_says() -> None:
    """Of slopes along x and along y, each pixel's own value is where it came from."""
    slope = np.tile(np.arange(28, dtype=np.float32), (28, 1))
    settings = Augmentation(elastic=4)
    from_x, from_y = (
        augment(tf.constant(np.repeat(each[None], 50, 0)), settings, SEED).numpy() for each in (slope, slope.T)
    )
    inside = np.s_[:, 6:22, 6:22]
    moves = np.stack([(from_x - slope)[inside], (from_y - slope.T)[inside]])
    assert 2 < np.abs(moves).max() <= 4
    assert np.abs(np.diff(moves, axis=-1)).max() < 1.5
    assert abs(moves.mean()) < 0.2
    assert moves.std(axis=(0, 2, 3)).min() > 0.1
    assert moves[0].std(axis=(1, 2)).mean() > 0.05, "parts of an image move differently"


@pytest.mark.parametrize("new", [{"thickness": 0.3}, {"elastic": 1.0}])
def test_what_else_is_drawn_does_not_depend_on_it(new: dict[str, float], part: Part) -> None:
    """The same rotation, shift and zoom: what was bent or thickened lies about where it lay."""
    images = tf.constant(scale(part.images[:20]))
    settings = Augmentation(rotation=30, zoom=0.2, shift=4)
    plain, changed = (augment(images, each, SEED).numpy() for each in (settings, settings.model_copy(update=new)))
    away = np.array([middle(one) - middle(other) for one, other in zip(plain, changed, strict=True)])
    assert 0 < np.abs(away).max() < 1


def test_a_zoom_stretches_both_ways() -> None:
    image = np.zeros((1, 28, 28), np.float32)
    image[0, 9:19, 9:19] = 1
    areas = augment(tf.constant(np.repeat(image, 200, 0)), Augmentation(zoom=0.3), SEED).numpy().sum((1, 2))
    assert 49 <= areas.min() < 70
    assert 140 < areas.max() <= 170
