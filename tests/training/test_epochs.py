"""Compiled epochs do what Keras' own train step does, batch by batch."""

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.config.schema import Config
from mnist_pipeline.data import Part, load_part
from mnist_pipeline.pixels.preprocess import scale
from mnist_pipeline.training import models
from mnist_pipeline.training.backend import keras, tf
from mnist_pipeline.training.batches import EpochPlan
from mnist_pipeline.training.callbacks import Average
from mnist_pipeline.training.compiling import compiled, targets_of
from mnist_pipeline.training.epochs import fit_epochs, seed_dropout

pytestmark = pytest.mark.usefixtures("tensorflow")
NONE = Part(np.empty((0, 28, 28), np.uint8), np.empty(0, np.uint8))
SMALL = {"family": "cnn", "convolutions": [{"filters": 4, "pool": 4, "batch_norm": True}], "hidden": []}


@pytest.fixture(scope="module")
def part() -> Part:
    whole = load_part("mnist", "train")
    return Part(whole.images[:670], whole.labels[:670])


def config_of(recipe: str, **settings: Any) -> Config:
    return load_config(recipe, {"training.epochs": 1, "data.validation": 0.0, **settings})


def compiled_epoch(config: Config, part: Part) -> keras.Model:
    """The model after one compiled epoch."""
    plan = EpochPlan.of(config, len(part))
    model = compiled(config, plan.steps)
    fit_epochs(model, config, plan, part, NONE)
    return model


def plain_epoch(config: Config, part: Part, follow: Callable[[keras.Model], None] = lambda _: None) -> keras.Model:
    """The same model after the same batches through train_on_batch, and `follow` called after each."""
    plan = EpochPlan.of(config, len(part))
    model = compiled(config, plan.steps)
    order = plan.order(0)
    images = scale(part.images).reshape(-1, *model.input_shape[1:])
    targets = targets_of(config, part.labels)
    for step in range(plan.steps):
        places = order[step * plan.batch : (step + 1) * plan.batch]
        model.train_on_batch(images[places], targets[places])
        follow(model)
    return model


@pytest.mark.parametrize(
    ("recipe", "settings"),
    [
        ("dense", {}),
        pytest.param("tiny", {"training.batch_size": 64}, marks=pytest.mark.slow),
        pytest.param("dense", {"training.optimizer.name": "adamw"}, marks=pytest.mark.slow),
        pytest.param("dense", {"training.optimizer.name": "rmsprop"}, marks=pytest.mark.slow),
        pytest.param("dense", {"training.optimizer": {"name": "sgd", "learning_rate": 0.05}}, marks=pytest.mark.slow),
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


def test_a_working_copy_of_a_dense_network_follows_the_schedule(part: Part) -> None:
    config = config_of("smoke", **{"training.schedule": {"rise": 0.5}})
    ours, plain = compiled_epoch(config, part), plain_epoch(config, part)
    for found, expected in zip(ours.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=2e-6)


def test_the_average_is_that_of_all_steps_with_batch_normalisation_in_it(part: Part) -> None:
    part = Part(part.images[:320], part.labels[:320])
    settings = {"training.batch_size": 64, "training.loss": "onehot", "training.averaging": {"decay": 0.6}}
    config = config_of("smoke", model=SMALL, **settings)
    plan = EpochPlan.of(config, len(part))
    model = compiled(config, plan.steps)
    average = Average(model, 0.6)
    fit_epochs(model, config, plan, part, NONE, average=average)

    expected = compiled(config, plan.steps).get_weights()

    def follow(plain: keras.Model) -> None:
        done = int(plain.optimizer.iterations)
        kept = min(0.6, (1 + done) / (10 + done))
        expected[:] = [kept * old + (1 - kept) * new for old, new in zip(expected, plain.get_weights(), strict=True)]

    plain_epoch(config, part, follow)
    for found, wanted in zip(average.weights(), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=2e-5)
    assert not np.allclose(average.weights()[0], model.get_weights()[0], atol=1e-4)


def test_the_average_of_a_dense_network_is_that_of_all_steps(part: Part) -> None:
    part = Part(part.images[:96], part.labels[:96])
    config = config_of("smoke", **{"training.batch_size": 32, "training.averaging": {"decay": 0.6}})
    plan = EpochPlan.of(config, len(part))
    model = compiled(config, plan.steps)
    average, expected = Average(model, 0.6), model.get_weights()
    fit_epochs(model, config, plan, part, NONE, average=average)

    def follow(plain: keras.Model) -> None:
        done = int(plain.optimizer.iterations)
        kept = min(0.6, (1 + done) / (10 + done))
        expected[:] = [kept * old + (1 - kept) * new for old, new in zip(expected, plain.get_weights(), strict=True)]

    plain_epoch(config, part, follow)
    for found, wanted in zip(average.weights(), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=2e-5)


def test_the_average_is_in_place_for_a_block_and_no_longer() -> None:
    model = models.build(config_of("smoke", model=SMALL).model, seed=0)
    average, own = Average(model, 0.9), model.get_weights()
    average.restore([weight + 1 for weight in own])
    with average.in_place():
        np.testing.assert_array_equal(model.get_weights()[0], own[0] + 1)
    np.testing.assert_array_equal(model.get_weights()[0], own[0])


def test_validation_under_fit_is_keras_evaluate(part: Part) -> None:
    config = config_of("smoke", model=SMALL)
    plan = EpochPlan.of(config, 64)
    model = compiled(config, plan.steps)
    history: dict[str, float] = {}
    book = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: history.update(logs))
    fit_epochs(model, config, plan, Part(part.images[:64], part.labels[:64]), part, callbacks=[book])
    loss, accuracy = model.evaluate(scale(part.images)[..., None], targets_of(config, part.labels), verbose=0)
    assert history["val_loss"] == pytest.approx(loss, rel=1e-5)
    assert history["val_accuracy"] == pytest.approx(accuracy)


def dropped(seed: int, step: int = 7) -> NDArray[np.bool_]:
    """Which of a thousand numbers the dropout of a model with this seed lets through at this step."""
    model = keras.Sequential([keras.layers.Input((1000,)), keras.layers.Dropout(0.5)])
    seed_dropout(model, seed, step)
    return model(tf.ones((1, 1000)), training=True).numpy() > 0  # type: ignore[no-any-return]


@pytest.mark.parametrize(("seed", "digest"), [(3, "7cf2fe13da2fb61b"), (2**26 - 1, "5fbddc73d2bddc84")])
def test_what_a_seed_drops_stays_what_it_was(seed: int, digest: str) -> None:
    found = hashlib.sha256(np.packbits(dropped(seed)).tobytes()).hexdigest()[:16]
    assert found == digest, "every training with dropout gets other weights than before"


def test_the_largest_seeds_drop_too_and_each_something_else() -> None:
    seeds = [0, 1, 2**26, 2**26 + 1, 2**27, 2**31 - 1]
    assert len({dropped(seed).tobytes() for seed in seeds}) == len(seeds)
    assert dropped(2**31 - 1).tobytes() != dropped(2**31 - 1, step=8).tobytes()
