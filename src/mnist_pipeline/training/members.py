"""The members of an ensemble: which runs they are, whether they can answer together, and the config that names them."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from mnist_pipeline.config.checking import check
from mnist_pipeline.config.data_schema import DataSettings
from mnist_pipeline.config.schema import Config
from mnist_pipeline.errors import RunError
from mnist_pipeline.prediction.shipping import SHIPPED
from mnist_pipeline.runs.opening import open_run, same_recipe
from mnist_pipeline.runs.run import Run


def opened_members(runs: Iterable[str | Path | Run]) -> list[Run]:
    """The trained runs that are meant, two or more; an ensemble is refused, as is a run that is named twice."""
    found: list[Run] = []
    for where in runs:
        if where == SHIPPED:
            raise RunError("shipped: its training cannot be repeated here to the bit: train the recipe photo instead")
        run = open_run(where)
        if run.config().members:
            raise RunError(f"{run.path}: is an ensemble itself: name its members")
        if run.path.resolve() in [other.path.resolve() for other in found]:
            raise RunError(f"{run.path}: is named twice: each member counts once")
        if run.name in [other.name for other in found]:
            raise RunError(f"{run.path}: another member is called {run.name} too: give one folder another name")
        found.append(run)
    if len(found) < 2:
        raise RunError("an ensemble takes two runs or more: mnist ensemble dense-seed0 dense-seed1 dense-seed2")
    _require_same_images(found)
    return found


def _require_same_images(runs: Sequence[Run]) -> None:
    """Refuse runs of other classes or images than the first one's, and two runs with the same weights."""
    first, weights = runs[0], dict[str, Run]()
    for run in runs:
        if run.classes != first.classes:
            theirs, ours = (", ".join(each.classes[:12]) for each in (run, first))
            raise RunError(f"{run.path}: its classes are {theirs}, and those of {first.path} {ours}")
        if _images(run) != _images(first):
            raise RunError(f"{run.path}: was trained on other images than {first.path}")
        twin = weights.setdefault(run.figures("train")["weights_sha256"], run)
        if twin is not run:
            raise RunError(f"{run.path}: has the weights of {twin.path}: each member counts once")


def _images(run: Run) -> tuple[object, ...]:
    data = run.config().data
    return data.source, data.transposed, run.figures("train")["data_sha256"]


def ensemble_of(runs: Sequence[Run], name: str) -> Config:
    """The config that names an ensemble of these runs: the whole recipe of each.

    Where they agree in all settings of the data, the ensemble has its own figures of their validation images.
    """
    configs = [run.config() for run in runs]
    data = configs[0].data
    if any(config.data != data for config in configs):
        data = DataSettings(source=data.source, classes=data.classes, transposed=data.transposed)
        if refusing := [run for run in runs if run.threshold()]:
            raise RunError(
                f"{refusing[0].path}: refuses what is no digit, and when an ensemble does is chosen on validation "
                f"images that all members share: use members whose data settings are the same"
            )
    members = [
        {"name": run.name, **{key: config.recipe()[key] for key in ("data", "model", "training")}}
        for run, config in zip(runs, configs, strict=True)
    ]
    tree = {
        "name": name, "description": f"Ensemble of {len(runs)} runs, whose probabilities are averaged",
        "data": data.model_dump(mode="json"), "model": {"family": "ensemble", "members": members},
    }  # fmt: skip
    return check(tree, "mnist ensemble", {"name": "--name"})


def require_members(config: Config, runs: Sequence[Run]) -> None:
    """Refuse runs that are not those that the config of an ensemble names."""
    if config.name in [run.name for run in runs]:
        raise RunError(f"{config.name}: is the name of a member: choose another --name")
    for run, member in zip(runs, config.members, strict=True):
        same_recipe(run, member)
    _require_same_images(runs)


def digests(runs: Sequence[Run]) -> list[dict[str, str]]:
    """Name and digest of the weights of each member, in their order."""
    return [{"name": run.name, "weights_sha256": run.figures("train")["weights_sha256"]} for run in runs]
