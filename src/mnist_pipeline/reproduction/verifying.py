"""A statement checked: at once what can be, and the rest by training again what it says was trained.

It may come from anybody. So nothing is read but files of known kinds and sizes, nothing is trained that takes much more
than a recipe of ours, and a promise counts only as far as the config can give it.
"""

import math
from pathlib import Path
from typing import Any, Literal, NamedTuple

from mnist_pipeline.config.recipes import load_config, shipped_configs
from mnist_pipeline.config.schema import CnnModel, Config
from mnist_pipeline.data import Part, load_part
from mnist_pipeline.errors import ProofError, RunError
from mnist_pipeline.numerals import DIGITS
from mnist_pipeline.reproduction.repeat import Likeness, trained_again
from mnist_pipeline.reproduction.statements import MODEL_FILES, Statement, covered, model_files, promises, sha256, state
from mnist_pipeline.reproduction.verdicts import BandCheck, check_band
from mnist_pipeline.runs.opening import differences
from mnist_pipeline.runs.shapes import NUMBERS
from mnist_pipeline.runs.watching import FleetWatcher

_SIDE = 28  # pixels
_IMAGES = 70_000  # of MNIST; another set of images is the verifier's own
# The most that is trained unasked: an hour and a half of what computes 1.3e11 products a second, as cnn.yaml does, and
# some GB. Portable convolutions take four times as long, and lay each window out as a row, for at least so many images
# at once.
_PORTABLE_TIMES, _PORTABLE_IMAGES = 4, 200
_MOST = {"weights": 10**7, "products": 7 * 10**14, "steps": 10**6, "values of a batch": 2**28}


class Verification(NamedTuple):
    """What came of checking a statement."""

    likeness: Likeness
    reasons: list[str]
    differences: dict[str, list[str]]  # from what is stated to what came here, under their heads
    checks: dict[str, list[BandCheck]]  # of both against a band; empty for the same bits, or without a band


def verify(statement: Statement, config: Config, watcher: FleetWatcher) -> Verification:
    """Train the config that `check_at_once` gave of a statement, and compare."""
    with trained_again(config, str(statement.path), watcher) as run:
        return judge(statement, state(run))


def check_at_once(statement: Statement, data: str | None = None) -> Config:
    """The config to train, whose images are those at `data` if the statement names others than MNIST.

    Refused where it takes too much; a ProofError where a file, the images or a promise are not as stated.
    """
    config = statement.config()
    _require_small(statement, config)
    if statement.predicate["promised"] != promises(config, statement.predicate["environment"]):
        raise ProofError(f"{statement.path}: promises {statement.predicate['promised']}, which its config cannot give")
    _require_files(statement, config)
    return _with_data(statement, config, data)


def _require_files(statement: Statement, config: Config) -> None:
    """Refuse a statement that leaves out a file of the model, and one beside which such a file is another."""
    named = [subject["name"] for subject in statement.tree["subject"]]
    if sorted(named) != model_files(config):
        raise RunError(
            f"{statement.path}: is about {', '.join(named) or 'no file'}, not {', '.join(model_files(config))}"
        )
    for name in MODEL_FILES:
        path = statement.path.parent / name
        if path.is_file() and (name not in named or sha256(path) != statement.files[name]):
            raise ProofError(f"{path}: is not the file that {statement.path.name} is about (its sha256 is another)")


def absent(statement: Statement) -> list[str]:
    """The files that a statement is about and that are not beside it."""
    return [name for name in statement.files if not (statement.path.parent / name).is_file()]


def _with_data(statement: Statement, config: Config, data: str | None) -> Config:
    """The config with the images as they are called here, which have to be those that the statement is about."""
    if config.data.source != "mnist" and data is None:
        raise RunError(
            f"{statement.path}: was trained on other images than MNIST: say where they are here: --data PATH"
        )
    if data is not None:
        config = config.reading(data)
    parts: tuple[Literal["train"], Literal["test"]] = ("train", "test")
    for part in parts:
        if _part(config, part).sha256 != statement.predicate["data"][f"{part}_sha256"]:
            raise ProofError(f"{statement.path}: was made with other {part} images than {config.data.source} here")
    return config


def _part(config: Config, part: Literal["train", "test"]) -> Part:
    return load_part(config.data.source, part, config.data.classes, transposed=config.data.transposed)


def _require_small(statement: Statement, config: Config) -> None:
    """Refuse what would keep the machine busy for hours, or take its memory."""
    for what, amount in _size(config).items():
        if amount > _MOST[what]:
            raise RunError(
                f"{statement.path}: takes {amount:,} {what}, and {_MOST[what]:,} is the most that is trained unasked: "
                f"train its config yourself, and compare the runs: mnist runs diff"
            )


def _size(config: Config) -> dict[str, int]:
    """What a config makes a training take, in the units of _MOST."""
    if sizes := [_size(member) for member in config.members]:
        return {what: (max if what == "values of a batch" else sum)(size[what] for size in sizes) for what in _MOST}
    model, training = config.network, config.training
    portable = isinstance(model, CnnModel) and training.numerics == "portable"
    weights = products = 0
    features = values = _SIDE * _SIDE
    if isinstance(model, CnnModel):
        channels, side = 1, _SIDE
        entering: list[int] = []  # channels that each block is given
        for block in model.convolutions:
            entering.append(channels)
            window, side = channels * block.kernel**2, math.ceil(side / block.stride)
            own = window + channels * block.filters if block.separable else window * block.filters
            own += entering[-block.residual] * block.filters if block.residual else 0
            weights, products = weights + own, products + own * side * side
            values += (block.filters + (window if portable else 0)) * side * side
            channels, side = block.filters, side // block.pool
        features = channels * (side * side if model.pooling == "flatten" else 1)
    for units in (*model.hidden, len(config.data.classes or DIGITS)):
        weights, products, values = weights + features * units, products + features * units, values + units
        features = units
    # A step has its products three times: forwards, and backwards for weights and for values.
    return {
        "weights": weights,
        "products": 3 * products * _IMAGES * training.epochs * (_PORTABLE_TIMES if portable else 1),
        "steps": training.epochs * math.ceil(_IMAGES / training.batch_size),
        "values of a batch": values * max(training.batch_size, _PORTABLE_IMAGES if portable else 1),
    }


def judge(statement: Statement, again: dict[str, Any]) -> Verification:
    """Hold what a statement says against the statement of the same config trained again."""
    stated, here, config = statement.predicate, again["predicate"], statement.config()
    found = {
        "environment": differences(stated["environment"], here["environment"]),
        "numbers": _numbers(stated["numbers"], here["numbers"]),
        "weights": differences(*_picked(["weights_sha256"], stated, here)),
        "files": _files(statement, again),
    }
    if not found["weights"] and found["numbers"]:
        return Verification("different", ["the weights are the same, and its numbers are not theirs"], found, {})
    if not found["weights"] and not found["files"]:
        return Verification("same bits", [], found, {})
    if covered(stated["promised"], stated["environment"], here["environment"]):
        return Verification("different", ["the same bits are promised for this environment"], found, {})
    if not found["weights"]:
        reason = "the weights are the same; that its files hold just these could not be checked"
        return Verification("same within the band", [reason], found, {})
    return _within_band(config, found, {"stated": stated["numbers"], "made again": here["numbers"]})


def _within_band(config: Config, found: dict[str, list[str]], numbers: dict[str, dict[str, Any]]) -> Verification:
    """Whether the figures of other weights are those of the recipe: of the shipped one, where it is the same."""
    judge_of, whose = config, "the band that it gives itself"
    for name in shipped_configs():
        shipped = load_config(name, {"training.seed": config.training.seed})
        if shipped.recipe() == config.recipe() and shipped.expected:
            judge_of, whose = shipped, f"the band of the recipe {name}"
    checks = {
        name: check_band(judge_of, {"test_accuracy": [each["test_accuracy"]], "test_loss": [each["test_loss"]]})
        for name, each in numbers.items()
    }
    held = [check.met for each in checks.values() for check in each]
    if not held:
        return Verification("different", ["other weights, and its config has no band to compare by"], found, {})
    return Verification("same within the band" if all(held) else "different", [f"by {whose}"], found, checks)


def _numbers(stated: dict[str, Any], here: dict[str, Any]) -> list[str]:
    """The numbers that differ by more than the last bits of sums: by more than one image in ten thousand."""

    def near(name: str) -> bool:
        left, right = stated[name], here[name]
        if left is None or right is None or isinstance(left, int):
            return bool(left == right)
        return math.isclose(left, right, rel_tol=1e-4, abs_tol=1e-4)

    return differences(*_picked([name for name in NUMBERS if not near(name)], stated, here))


def _picked(names: list[str], *trees: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Some of the values of two trees."""
    left, right = ({name: tree[name] for name in names} for tree in trees)
    return left, right


def _files(statement: Statement, again: dict[str, Any]) -> list[str]:
    """The files that a statement is about and that came out otherwise here, or did not come out."""
    made = {subject["name"]: subject["digest"]["sha256"] for subject in again["subject"]}
    return differences(statement.files, {name: made[name] for name in statement.files if name in made})


def shown(path: str | Path, found: Verification) -> list[str]:
    """The verdict and its reasons, a line each."""
    checks = [f"{whose}: {check.line()}" for whose, each in found.checks.items() for check in each]
    lines = [f"{head}: {line}" for head, each in found.differences.items() for line in each]
    more = [f"and {len(lines) - 20} further differences"] if len(lines) > 20 else []
    return [f"{path}: {found.likeness}", *found.reasons, *checks, *lines[:20], *more]
