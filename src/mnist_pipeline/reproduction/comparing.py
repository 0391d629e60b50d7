"""Two runs side by side: config, environment, data, numbers and weights, and what differs."""

from typing import Any

from mnist_pipeline.runs.run import Run, differences

# What is told apart from the rest, or differs between any two runs and says nothing.
_NOT_ENVIRONMENT = {"data_sha256"}
_NUMBERS = {
    "train": ("epochs", "best_epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy"),
    "evaluate": ("test_accuracy", "test_loss"),
}


def compare(ours: Run, theirs: Run) -> dict[str, list[str]]:
    """What differs, a line each, under the five heads; an empty list where nothing does."""
    return {
        "config": differences(ours.config().recipe(), theirs.config().recipe()),
        "environment": differences(surroundings(ours.environment()), surroundings(theirs.environment())),
        "data": _differing(ours, theirs, "data_sha256"),
        "numbers": differences(_numbers(ours), _numbers(theirs)),
        "weights": _differing(ours, theirs, "weights_sha256"),
    }


def surroundings(environment: dict[str, Any]) -> dict[str, Any]:
    """The part of environment.json that is about machine and software."""
    return {key: value for key, value in environment.items() if key not in _NOT_ENVIRONMENT}


def _differing(ours: Run, theirs: Run, name: str) -> list[str]:
    return differences({name: ours.figures("train").get(name)}, {name: theirs.figures("train").get(name)})


def _numbers(run: Run) -> dict[str, Any]:
    """Those of the stages that the run has."""
    stages = {stage: run.figures(stage) for stage in _NUMBERS if stage in run.metrics()}
    return {name: numbers.get(name) for stage, numbers in stages.items() for name in _NUMBERS[stage]}
