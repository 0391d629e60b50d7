"""A trained model as the beginning of another training: which run is meant, whether it fits, and a recipe for it."""

from collections.abc import Mapping
from typing import Any

from mnist_pipeline.config.checking import check
from mnist_pipeline.config.recipes import override
from mnist_pipeline.config.schema import Config
from mnist_pipeline.errors import RunError
from mnist_pipeline.prediction.shipping import SHIPPED, ShippedRun, run_called
from mnist_pipeline.runs.opening import differences
from mnist_pipeline.runs.run import Run, artifacts

_EPOCHS = 2
# The highest learning rate. Tried on five hands of odd forms, drawn as in benchmarks.adapting: with 50 pictures of
# each, of 270 others 204 were answered rightly before and 215 after, and of MNIST's 5,999 validation images 22
# wrongly before and 23.4 after, in the mean; with 10 pictures 22.6, with 5 pictures 22.4. At 1e-4 three of the hands
# came to 22 wrong guesses of 162 in place of 24, and the validation images to 25.7 in place of 24.7, beside 8,000 of
# MNIST each. With 50 pictures, plain gradient descent, the model's own answers as targets for MNIST's digits, and
# weights between the first and the last ones were no better: what was learned of a hand cost as many of the
# validation images.
_RATE = 5e-5


def beginning(config: Config, where: str, classes: tuple[str, ...]) -> Run:
    """The run whose weights a training of this config begins with; refused where the network cannot take them."""
    run = run_called(where)
    if run.path.resolve() == (artifacts() / config.name).resolve():
        raise RunError(f"{run.path}: a training cannot begin with the weights of its own run: choose another --name")
    ours, theirs = (
        model.model_dump(mode="json", exclude={"dropout", "views"}) for model in (config.model, run.config().model)
    )
    if changes := differences(theirs, ours, "model."):
        raise RunError(f"{run.path}: its weights are those of another network: {', '.join(changes)}")
    if run.classes != classes:
        there, here = (", ".join(names[:12]) for names in (run.classes, classes))
        raise RunError(f"{run.path}: its classes are {there}, and those of {config.data.source} {here}")
    return run


def adapted(run: Run, folder: str, name: str | None = None, settings: Mapping[str, Any] | None = None) -> Config:
    """The run's recipe, shorter and at a lower rate, from its weights on and with the pictures of a folder."""
    source = run.config()
    if source.members:
        raise RunError(f"{run.path}: is an ensemble, and one network is trained further: begin with one of its members")
    tree = source.tree()
    data, training = tree["data"], tree["training"]
    tree |= {
        "name": name or f"{source.name}-adapted", "description": f"{source.name}, adapted to pictures of one's own",
        "expected": None, "tune": None,
    }  # fmt: skip
    data["own"] = {"folder": folder}
    if data["rendering"]:
        data["rendering"]["variants"] = 1  # an epoch has many copies of each picture, each drawn in another way
    training |= {"epochs": _EPOCHS, "early_stopping": None, "plateau": None, "keep_best": None}
    training["start"] = SHIPPED if isinstance(run, ShippedRun) else str(run.path)
    training["optimizer"]["learning_rate"] = min(_RATE, training["optimizer"]["learning_rate"])
    options = {"data.own.folder": "--data", "name": "--name"}
    for key, value in (settings or {}).items():
        override(tree, key, value)
        options[key] = f"--set {key}"
    return check(tree, str(run.path), options)
