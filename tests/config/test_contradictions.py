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
            {
                "model": "{family: cnn, convolutions: [{filters: 1}]}",
                "training": "{epochs: 1, numerics: portable, precision: bfloat16}",
            },
            "training.precision: bfloat16 is not for training.numerics: portable (some processors multiply it, "
            "others emulate that): use float32, or numerics: fast",
        ),
        (
            {"data": "{validation: 0.1}", "training": "{epochs: 1, numerics: portable, calibrate: true}"},
            "training.calibrate: is not for training.numerics: portable (the finished network's scores, from which its "
            "factor comes, differ between processors): use false, or numerics: fast",
        ),
        (
            {"data": "{rendering: {negatives: 0.0}}", "training": "{epochs: 1, numerics: portable}"},
            "data.rendering: is not for training.numerics: portable (OpenCV, which draws, rounds differently on other "
            "processors): use null, or numerics: fast",
        ),
        (
            {"training": "{epochs: 1, precision: bfloat16}"},
            "training.precision: bfloat16 is for model.family: cnn (others only get slower): use float32",
        ),
        (
            {"training": "{epochs: 1, optimizer: {name: sgd, beta_2: 0.9}}"},
            "training.optimizer.beta_2: is for adam and adamw, not sgd: set it to null",
        ),
        (
            {"model": "{family: cnn, convolutions: [{filters: 1}, {filters: 1, residual: 3}]}"},
            "model.convolutions[1].residual: leads around 3 blocks, and there are 2 up to this one: use less",
        ),
        (
            {"model": "{family: cnn, convolutions: [{filters: 1, pool: 2}, {filters: 1, residual: 2}]}"},
            "model.convolutions[1].residual: leads around 2 blocks, and one before the last of them pools: "
            "pool in the last, or use a stride",
        ),
        (
            {
                "model": "{family: cnn, convolutions: [{filters: 1, separable: true}]}",
                "training": "{epochs: 1, numerics: portable}",
            },
            "model.convolutions: a separable one is not for training.numerics: portable (a library, which filters each "
            "feature, sums in another order on other processors): use false, or numerics: fast",
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
