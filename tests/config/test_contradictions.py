"""Settings that contradict each other are refused in one line."""

import pytest

from tests.config.recipe_texts import Complaints, said


@pytest.mark.parametrize(
    ("blocks", "what"),
    [
        (
            {"training": "{epochs: 1, early_stopping: {}}"},
            "training.early_stopping.monitor: val_loss needs validation images, and data.validation is 0: "
            "set data.validation=0.1, or watch loss",
        ),
        (
            {"training": "{epochs: 1, plateau: {monitor: val_accuracy}}"},
            "training.plateau.monitor: val_accuracy needs validation images, and data.validation is 0: "
            "set data.validation=0.1, or watch accuracy",
        ),
        (
            {"training": "{epochs: 1, keep_best: val_loss}"},
            "training.keep_best: val_loss needs validation images, and data.validation is 0: "
            "set data.validation=0.1, or watch loss",
        ),
        (
            {
                "training": "{epochs: 1, early_stopping: {patience: 3}, plateau: {patience: 3}}",
                "data": "{validation: 0.1}",
            },
            "training.plateau.patience: 3 is not below training.early_stopping.patience (3), so training would stop "
            "first: use less, or more there",
        ),
        (
            {"training": "{epochs: 1, loss: binary}"},
            "training.loss: binary needs model.output: sigmoid, not softmax: set that, or use sparse or onehot",
        ),
        (
            {"model": "{family: cnn, convolutions: [" + "{filters: 1, pool: 4}, " * 3 + "]}"},
            "model.convolutions: the pools leave nothing of the 28 pixels: pool less",
        ),
        (
            {"training": "{epochs: 1, label_smoothing: 0.1}"},
            "training.label_smoothing: spreads targets over classes, which one-hot targets and a softmax can: "
            "set training.loss=onehot and model.output=softmax, or this to 0",
        ),
        (
            {"data": "{rendering: {}, validation: 0.1}"},
            "data.rendering.negatives: have every class as their target, which one-hot targets and a softmax can: "
            "set training.loss=onehot and model.output=softmax, or this to 0",
        ),
        (
            {"data": "{rendering: {}}", "training": "{epochs: 1, loss: onehot}"},
            "data.rendering.negatives: needs validation images, and data.validation is 0: set data.validation=0.1, "
            "or use 0: when to refuse is chosen on them",
        ),
        (
            {"training": "{epochs: 1, schedule: {}, plateau: {monitor: loss}}"},
            "training.schedule: and training.plateau both set the learning rate: set one of them to null",
        ),
        (
            {"training": "{epochs: 1, schedule: {}, numerics: portable}"},
            "training.schedule: is not for training.numerics: portable: use fast, or schedule: null",
        ),
        (
            {
                "model": "{family: cnn, convolutions: [{filters: 1}]}",
                "training": "{epochs: 1, numerics: portable}",
            },
            "training.numerics: portable is not for model.family: cnn: use fast",
        ),
        (
            {"training": "{epochs: 1, numerics: portable, optimizer: {name: adamw}}"},
            "training.optimizer.name: adamw is not for training.numerics: portable: use adam, rmsprop or sgd",
        ),
        (
            {"training": "{epochs: 1, numerics: portable, augmentation: {}}"},
            "training.augmentation: is not for training.numerics: portable: use fast, or augmentation: null",
        ),
        (
            {"training": "{epochs: 1, precision: bfloat16}"},
            "training.precision: bfloat16 is for model.family: cnn (others only get slower): use float32",
        ),
        (
            {"training": "{epochs: 1, averaging: {}}"},
            "training.averaging: is for model.family: cnn: set it to null",
        ),
        (
            {"training": "{epochs: 1, calibrate: true}"},
            "training.calibrate: needs validation images, and data.validation is 0: set data.validation=0.1, "
            "or use false",
        ),
        (
            {
                "model": "{family: dense, output: sigmoid}",
                "data": "{validation: 0.1}",
                "training": "{epochs: 1, calibrate: true}",
            },
            "training.calibrate: is for model.output: softmax: use false",
        ),
    ],
)
def test_a_contradiction_is_refused_in_one_line(blocks: dict[str, str], what: str, complaints: Complaints) -> None:
    said(what, complaints, **blocks)
