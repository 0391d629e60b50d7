"""A wrong value is one complaint: place, value, suggestion; all of a config's are told at once."""

import pytest

from mnist_pipeline.config.checking import dotted
from tests.config.recipe_texts import MINIMAL, Complaints, said


@pytest.mark.parametrize(
    ("blocks", "what"),
    [
        ({"modle": "3"}, "modle: no such setting: did you mean model?"),
        (
            {"training": "{epochs: 1, batchsize: 3}"},
            "training.batchsize: no such setting: did you mean batch_size?",
        ),
        ({"epochs": "3"}, "epochs: no such setting: did you mean training.epochs?"),
        (
            {"training": "{epochs: 1, learning_rate: 1}"},
            "training.learning_rate: no such setting: did you mean training.optimizer.learning_rate?",
        ),
        (
            {"model": "{family: dense, filters: 3}"},
            "model.filters: no such setting (there are: family, hidden, activation, dropout, output, views)",
        ),
        (
            {"model": "{family: cnn, kernel: 3, convolutions: [{filters: 1}]}"},
            "model.kernel: no such setting (there are: family, convolutions, pooling, hidden, activation, norm_first, "
            "dropout, output, views)",
        ),
        (
            {"model": "{family: cnn, convolutions: [{filters: 1, kernl: 3}]}"},
            "model.convolutions[0].kernl: no such setting: did you mean kernel?",
        ),
        (
            {"training": "{epochs: 1, plateau: {factr: 0.5, monitor: loss}}"},
            "training.plateau.factr: no such setting: did you mean factor?",
        ),
        ({"1": "2"}, "1: no such setting (there are: name, description, data, model, training, expected, tune)"),
        (
            {"'a b'": "2"},
            '"a b": no such setting (there are: name, description, data, model, training, expected, tune)',
        ),
        ({"''": "2"}, '"": no such setting (there are: name, description, data, model, training, expected, tune)'),
        ({"training": "{epochs: ten}"}, 'training.epochs: must be a valid integer, not "ten"'),
        ({"training": "{epochs: 3.5}"}, "training.epochs: must be a valid integer, not 3.5"),
        ({"training": "{epochs: true}"}, "training.epochs: must be a valid integer, not true"),
        ({"training": "{epochs: null}"}, "training.epochs: must be a valid integer, not null"),
        (
            {"training": "{epochs: '3'}"},
            'training.epochs: must be a valid integer, not "3": write it without quotes',
        ),
        ({"training": "{epochs: 0}"}, "training.epochs: must be greater than or equal to 1, not 0"),
        (
            {"training": "{epochs: " + "9" * 80 + "}"},
            f"training.epochs: must be less than or equal to 10000, not {'9' * 57}...",
        ),
        (
            {"training": "{epochs: 1, seed: 2147483648}"},
            "training.seed: must be less than 2147483648, not 2147483648",
        ),
        ({"training": "{}"}, "training.epochs: missing"),
        ({"training": "null"}, "training: must be a block of settings, not null"),
        ({"training": "[1]"}, "training: must be a block of settings, not [1]"),
        (
            {"training": "{epochs: 1, optimizer: adam}"},
            'training.optimizer: must be a block of settings, not "adam"',
        ),
        (
            {"training": '{epochs: 1, optimizer: {learning_rate: "1e-3"}}'},
            'training.optimizer.learning_rate: must be a valid number, not "1e-3": write it without quotes',
        ),
        (
            {"training": "{epochs: 1, optimizer: {learning_rate: 0}}"},
            "training.optimizer.learning_rate: must be greater than 0, not 0",
        ),
        (
            {"training": "{epochs: 1, optimizer: {learning_rate: .inf}}"},
            'training.optimizer.learning_rate: must be a valid number, not ".inf"',
        ),
        (
            {"training": "{epochs: 1, loss: sparce}"},
            'training.loss: must be sparse, onehot or binary, not "sparce": did you mean sparse?',
        ),
        (
            {"training": "{epochs: 1, keep_best: 3}"},
            "training.keep_best: must be loss, accuracy, val_loss or val_accuracy, not 3",
        ),
        ({"data": "{validation: 1e400}"}, "data.validation: must be a finite number, not Infinity"),
        ({"data": "{validation: 0.6}"}, "data.validation: must be less than or equal to 0.5, not 0.6"),
        ({"data": "{source: ''}"}, 'data.source: must have at least 1 character, not ""'),
        ({"data": "null"}, "data: must be a block of settings, not null"),
        ({"name": "2024"}, "name: must be a valid string, not 2024: put it in quotes"),
        ({"name": "null"}, "name: must be a valid string, not null"),
        (
            {"name": "../up"},
            'name: must be 1 to 64 letters, digits, dots, - or _, beginning with a letter or digit, not "../up"',
        ),
        ({"description": "x" * 501}, f'description: must have at most 500 characters, not "{"x" * 56}...'),
        ({"description": "[é, 五]"}, 'description: must be a valid string, not ["é", "五"]'),
        ({"model": "dense"}, 'model: must be a block of settings, not "dense"'),
        ({"model": "{}"}, "model.family: missing"),
        (
            {"model": "{family: dens}"},
            'model.family: must be one of dense, cnn, ensemble, not "dens": did you mean dense?',
        ),
        (
            {"model": "{family: [cnn]}"},
            'model.family: must be one of dense, cnn, ensemble, not ["cnn"]: did you mean cnn?',
        ),
        ({"model": "{family: null}"}, "model.family: must be one of dense, cnn, ensemble, not null"),
        (
            {"model": "{family: dense, hidden: 50}"},
            "model.hidden: must be a list, not 50: did you mean [50]?",
        ),
        ({"model": "{family: dense, hidden: {a: 1}}"}, 'model.hidden: must be a list, not {"a": 1}'),
        ({"model": "{family: dense, hidden: [50, a]}"}, 'model.hidden[1]: must be a valid integer, not "a"'),
        ({"model": "{family: dense, hidden: [[50]]}"}, "model.hidden[0]: must be a valid integer, not [50]"),
        (
            {"model": "{family: dense, hidden: [" + "1, " * 17 + "]}"},
            f"model.hidden: must be a list of 16 or fewer, not [{'1, ' * 17}"[:-2] + "]",
        ),
        ({"model": "{family: dense, dropout: 1}"}, "model.dropout: must be less than 1, not 1"),
        ({"model": "{family: cnn}"}, "model.convolutions: missing"),
        (
            {"model": "{family: cnn, convolutions: []}"},
            "model.convolutions: must be a list of 1 or more, not []",
        ),
        (
            {"model": "{family: cnn, convolutions: [5]}"},
            "model.convolutions[0]: must be a block of settings, not 5",
        ),
        ({"model": "{family: cnn, convolutions: [{}]}"}, "model.convolutions[0].filters: missing"),
        (
            {"model": "{family: cnn, convolutions: [{filters: 1, batch_norm: no}]}"},
            'model.convolutions[0].batch_norm: must be true or false, not "no"',
        ),
    ],
)
def test_a_wrong_value_is_refused_in_one_line(blocks: dict[str, str], what: str, complaints: Complaints) -> None:
    said(what, complaints, **blocks)


def test_every_mistake_is_told_at_once(complaints: Complaints) -> None:
    lines = complaints(
        "name: bad name\nmodle: 1\nmodel: {family: dense, hidden: [50, 0]}\ntraining: {epochs: ten, loss: binary}\n"
    )
    assert [line.split(":")[0] for line in lines] == [
        *("name", "model.hidden[1]", "training.epochs", "modle", "training.loss")
    ]


@pytest.mark.parametrize(
    "mistake",
    [
        "name: 3\nmodel: {family: dense}",
        "model: {family: dense}",
        "name: x\nmodel: {family: other}",
        "name: x\nmodel: null",
        "name: x\nmodel: {family: cnn}",
        "name: x\nmodel: {family: cnn, convolutions: [{pool: 4}, 3, {filters: no}]}",
        "name: x\nmodel: {convolutions: [{filters: 1}]}",
        "name: x\nmodel: {family: other, convolutions: [3]}",
    ],
)
def test_a_contradiction_is_told_beside_any_mistake(mistake: str, complaints: Complaints) -> None:
    lines = complaints(f"{mistake}\ntraining: {{keep_best: val_loss}}\n")
    assert "training.epochs: missing" in lines
    assert any(line.startswith("training.keep_best: val_loss needs validation images") for line in lines)


def test_a_contradiction_between_blocks_is_told_beside_a_mistake_in_one(complaints: Complaints) -> None:
    lines = complaints(MINIMAL.replace("epochs: 1", "epochs: 1, schedule: {rise: 2}, plateau: {monitor: loss}"))
    assert [line.split(":")[0] for line in lines] == ["training.schedule.rise", "training.schedule"]


@pytest.mark.parametrize(
    ("what", "data", "training"),
    [
        ('data.validation: must be a valid number, not "a tenth"', "{validation: a tenth}", "keep_best: val_loss"),
        (
            "training.early_stopping.patience: must be a valid integer, not null",
            "{}",
            "early_stopping: {monitor: loss, patience: null}, plateau: {monitor: loss, patience: 7}",
        ),
        (
            "training.loss: must be sparse, onehot or binary, not 3",
            "{}",
            "loss: 3, label_smoothing: 0.1",
        ),
    ],
)
def test_no_contradiction_is_told_of_a_wrong_value(what: str, data: str, training: str, complaints: Complaints) -> None:
    said(what, complaints, data=data, training="{epochs: 1, " + training + "}")


def test_no_contradiction_is_told_of_a_wrong_family(complaints: Complaints) -> None:
    said(
        'model.family: must be one of dense, cnn, ensemble, not "cn": did you mean cnn?',
        complaints,
        model="{family: cn}",
        training="{epochs: 1, precision: bfloat16}",
    )


def test_places_are_dotted() -> None:
    assert dotted(("model", "convolutions", 0, "filters")) == "model.convolutions[0].filters"
    assert dotted(("a", ".b", "c\nd")) == 'a.".b"."c\\nd"'
