"""Compiled epochs do what Keras' own train step does, batch by batch."""

import hashlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_pipeline.config import Config, load_config
from mnist_pipeline.config.schema import Augmentation
from mnist_pipeline.data import Part, load_part, validation_indices
from mnist_pipeline.pixels.preprocess import scale
from mnist_pipeline.training import epochs
from mnist_pipeline.training.augmentation import augment
from mnist_pipeline.training.backend import keras, tf
from mnist_pipeline.training.epochs import EpochPlan, Resident, fit_epochs
from mnist_pipeline.training.fit import _compiled, _fit_from, _plan, targets_of
from mnist_pipeline.training.layers import FusedBatchNormalization

pytestmark = pytest.mark.usefixtures("tensorflow")


@pytest.fixture(scope="module")
def part() -> Part:
    whole = load_part("mnist", "train")
    return Part(whole.images[:670], whole.labels[:670])


def config_of(recipe: str, **settings: Any) -> Config:
    return load_config(recipe, {"training.epochs": 1, "data.validation": 0.0, **settings})


def compiled_epoch(config: Config, part: Part) -> keras.Model:
    """The model after one compiled epoch."""
    model = _compiled(config)
    _fit_from(0, model, config, _plan(config, len(part)), part, np.empty(0, np.int64), [])
    return model


def plain_epoch(config: Config, part: Part) -> keras.Model:
    """The same model after the same batches through train_on_batch."""
    model = _compiled(config)
    plan = _plan(config, len(part))
    order = plan.order(0)
    images = scale(part.images).reshape(-1, *model.input_shape[1:])
    targets = targets_of(config, part.labels)
    for step in range(plan.steps):
        places = order[step * plan.batch : (step + 1) * plan.batch]
        model.train_on_batch(images[places], targets[places])
    return model


@pytest.mark.parametrize(
    ("recipe", "settings"),
    [
        ("dense", {}),
        ("tiny", {"training.batch_size": 64}),
        pytest.param("dense", {"training.optimizer.name": "adamw"}, marks=pytest.mark.slow),
        pytest.param("dense", {"training.optimizer.name": "rmsprop"}, marks=pytest.mark.slow),
        ("dense", {"training.optimizer": {"name": "sgd", "learning_rate": 0.05}}),
        ("dense", {"training.loss": "binary"}),
    ],
    ids=["r1", "r4", "adamw", "rmsprop", "sgd", "binary"],
)
def test_a_dense_epoch_is_the_update_rule_of_keras(recipe: str, settings: dict[str, Any], part: Part) -> None:
    """670 images do not divide by the batch: the smaller last one is in it too."""
    config = config_of(recipe, **settings)
    ours, plain = compiled_epoch(config, part), plain_epoch(config, part)
    for found, expected in zip(ours.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=2e-6)
    for found, expected in zip(ours.optimizer.variables, plain.optimizer.variables, strict=True):
        np.testing.assert_allclose(np.array(found), np.array(expected), rtol=1e-3, atol=1e-6)


def test_fewer_images_than_a_batch_are_an_epoch(part: Part) -> None:
    model = compiled_epoch(config_of("smoke"), Part(part.images[:1], part.labels[:1]))
    assert int(model.optimizer.iterations) == 1
    assert all(np.isfinite(weights).all() for weights in model.get_weights())


def test_without_batch_norm_a_convolutional_epoch_is_the_update_rule_of_keras(part: Part) -> None:
    model = {"family": "cnn", "convolutions": [{"filters": 4, "pool": 2}], "hidden": [16]}
    config = config_of("smoke", model=model, **{"training.batch_size": 64})
    ours, plain = compiled_epoch(config, part), plain_epoch(config, part)
    for found, expected in zip(ours.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-6)


def test_fused_batch_normalisation_is_keras_formula() -> None:
    images = tf.constant(np.random.default_rng(0).normal(3, 2, (16, 7, 7, 5)).astype(np.float32))
    results: list[list[NDArray[np.float32]]] = []
    for layer in (keras.layers.BatchNormalization(), FusedBatchNormalization()):
        layer.build(images.shape)
        layer.gamma.assign([0.5, 1.0, 1.5, 2.0, 2.5])
        with tf.GradientTape() as tape:
            tape.watch(images)
            output = layer(images, training=True)
            loss = tf.reduce_sum(output**3)
        gradients = tape.gradient(loss, [images, layer.gamma.value, layer.beta.value])
        results.append([np.array(x) for x in (output, *gradients, layer.moving_mean, layer.moving_variance)])
    for plain, fused in zip(*results, strict=True):
        np.testing.assert_allclose(fused, plain, rtol=2e-3, atol=2e-4)


def test_validation_under_fit_is_keras_evaluate(part: Part) -> None:
    config = config_of("tiny")
    model = _compiled(config)
    targets = targets_of(config, part.labels)
    data = Resident.of(model, part.images, targets)
    history: dict[str, float] = {}
    book = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: history.update(logs))
    fit_epochs(
        model, lambda *_: None, EpochPlan(len(part), 32, 1, 0),
        validation=data, validate_with_xla=False, done=0, epochs=1, callbacks=[book],
    )  # fmt: skip
    loss, accuracy = model.evaluate(scale(part.images), targets, verbose=0)
    assert history["val_loss"] == pytest.approx(loss, rel=1e-5)
    assert history["val_accuracy"] == pytest.approx(accuracy)


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


def dropped(seed: int, step: int = 7) -> NDArray[np.bool_]:
    """Which of a thousand numbers the dropout of a model with this seed lets through at this step."""
    model = keras.Sequential([keras.layers.Input((1000,)), keras.layers.Dropout(0.5)])
    epochs._seed_dropout(model, seed, step)
    return model(tf.ones((1, 1000)), training=True).numpy() > 0  # type: ignore[no-any-return]


@pytest.mark.parametrize(("seed", "digest"), [(3, "7cf2fe13da2fb61b"), (2**26 - 1, "5fbddc73d2bddc84")])
def test_what_a_seed_drops_stays_what_it_was(seed: int, digest: str) -> None:
    found = hashlib.sha256(np.packbits(dropped(seed)).tobytes()).hexdigest()[:16]
    assert found == digest, "every training with dropout gets other weights than before"


def test_the_largest_seeds_drop_too_and_each_something_else() -> None:
    seeds = [0, 1, 2**26, 2**26 + 1, 2**27, 2**31 - 1]
    assert len({dropped(seed).tobytes() for seed in seeds}) == len(seeds)
    assert dropped(2**31 - 1).tobytes() != dropped(2**31 - 1, step=8).tobytes()


def test_the_largest_seed_shuffles_splits_begins_and_changes_images(part: Part) -> None:
    seed = 2**31 - 1
    config = config_of("smoke", **{"training.seed": seed, "training.augmentation": {"rotation": 10}})
    plan, model = _plan(config, len(part)), _compiled(config)
    assert sorted(plan.order(0)) == list(range(len(part)))
    assert len(validation_indices(part.labels, 0.1, seed))
    images, _ = Resident.of(model, part.images, part.labels).training_batch(tf.range(5), plan, tf.constant(3))
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


def test_a_zoom_stretches_both_ways() -> None:
    image = np.zeros((1, 28, 28), np.float32)
    image[0, 9:19, 9:19] = 1
    areas = augment(tf.constant(np.repeat(image, 200, 0)), Augmentation(zoom=0.3), SEED).numpy().sum((1, 2))
    assert 49 <= areas.min() < 70
    assert 140 < areas.max() <= 170
