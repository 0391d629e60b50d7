"""One run's folder: which file is where, what each says, and how far the run has come.

Every file is checked as it is read, so that a damaged or foreign one is a line that says what to do.
"""

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from mnist_pipeline.errors import ConfigError, RunError, meant
from mnist_pipeline.numerals import DIGITS, fault_of
from mnist_pipeline.packages import COMPLETE
from mnist_pipeline.runs import shapes
from mnist_pipeline.runs.files import write_json

if TYPE_CHECKING:
    from mnist_pipeline.config.schema import Config, Output

RunState = Literal["new", "unfinished", "trained"]
_LARGEST_JSON = 16 * 2**20  # bytes; that of a thousand epochs is a hundredth of it


class Scores(NamedTuple):
    """What a model's scores are: the activation that they come from, and the class that each is for."""

    output: "Output"
    classes: tuple[str, ...]


class _Place:
    """A file or folder of a run: read from a Run, it is the whole path."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, run: "Run", _: type) -> Path:
        return run.path / self._name


@dataclass(frozen=True)
class Run:
    """One run's folder, and what its files say; each stage writes its own."""

    path: Path

    config_file = _Place("config.yaml")  # the complete config, written first; enough to train the run again
    environment_file = _Place("environment.json")  # versions, processor and commit that the run was made with
    split_file = _Place("split.json")  # indices of the training images that validated
    metrics_file = _Place("metrics.json")  # written last by training, which makes a run trained; evaluation adds to it
    history_file = _Place("history.json")  # every epoch's figures; history.csv beside it holds the same
    model_file = _Place("model.keras")
    onnx_file = _Place("model.onnx")  # the trained model in the form that predicts
    refusal_file = _Place("refusal.json")  # the threshold, where training chose one
    report_file = _Place("report.html")
    statement_file = _Place("statement.json")  # what came from what, for anyone to check
    sweep_file = _Place(".sweep")  # there when the run was trained as one of many, and so is never the default
    plots = _Place("plots")
    checkpoints = _Place("checkpoint")  # what an unfinished training goes on from
    exports = _Place("export")  # the forms that leave the framework
    export_card_file = _Place("export/card.json")  # how each form was proven; card.md beside it is for people

    @property
    def name(self) -> str:
        """The run's name, which is its folder's."""
        return self.path.resolve().name

    @property
    def state(self) -> RunState:
        """How far the run has come; a folder without a config is no run."""
        # os.path is False where Path raises, as for a name that no file can have.
        if not os.path.isfile(self.config_file):  # noqa: PTH113
            return "new"
        return "trained" if os.path.exists(self.metrics_file) else "unfinished"  # noqa: PTH110

    def require_trained(self) -> None:
        """Refuse, with what to do, when there is no finished training here."""
        if self.state == "unfinished":
            raise RunError(f"{self.path}: its training is not finished. Go on: {self.train_command()}")
        if self.state == "new":
            names = [run.name for run in all_runs()]
            known = f"{meant(self.name, names)}Runs in {artifacts()}: {', '.join(names)}"
            raise RunError(
                f"{self.path}: no run here. {known if names else 'Train one: mnist train --config dense.yaml'}"
            )

    def train_command(self) -> str:
        """The command that goes on with, or repeats, this run."""
        return f"mnist train --config {self.config_file}"

    def config(self) -> "Config":
        """The config the run was made with."""
        from mnist_pipeline.config.recipes import load_config

        try:
            return load_config(self.config_file)
        except ConfigError as error:
            raise RunError(
                f"{self.path}: its config does not fit this version of {COMPLETE}\n{error}\n"
                f"Train it again under another --name, or read it with the version in its environment.json"
            ) from None

    def scores(self) -> "Scores":
        """What the model's scores are: all that a prediction needs of the config.

        Read without the schema, because pydantic takes longer to load than a picture takes to read.
        """
        from mnist_pipeline.config import yaml_text

        with suppress(ConfigError, TypeError, KeyError, AttributeError):
            tree = yaml_text.read(self.config_file)
            output, classes = tree["model"]["output"], tree["data"].get("classes", DIGITS) or DIGITS
            if output in ("softmax", "sigmoid") and not isinstance(classes, str) and fault_of(classes) is None:
                return Scores(output, tuple(classes))
        config = self.config()
        return Scores(config.model.output, config.data.classes or DIGITS)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that the model tells apart."""
        return self.scores().classes

    def threshold(self) -> float:
        """The confidence from which the model answers; 0 when it was not trained to tell what is no digit."""
        if not os.path.exists(self.refusal_file):  # noqa: PTH110
            return 0.0
        return float(_read_json(self.refusal_file, shapes.REFUSAL)["threshold"])

    def metrics(self) -> dict[str, Any]:
        """The numbers of training under `train`, those of evaluation under `evaluate`; `figures` checks them."""
        return _read_json(self.metrics_file, {})

    def figures(self, stage: str) -> dict[str, Any]:
        """All numbers of one stage, `train` or `evaluate`; refused, with what to do, when one is missing or wrong."""
        found = self.metrics().get(stage) if self.state == "trained" else None
        if found is None and stage == "evaluate":
            raise RunError(f"{self.path}: is not evaluated yet. First: mnist evaluate {self.path}")
        if problem := shapes.misfit(found, (shapes.STAGES[stage], shapes.WHOLE[stage]), stage):
            raise RunError(
                f"{self.path}: its metrics.json has no `{stage}` numbers as this version of {COMPLETE} writes them "
                f"({problem}): train it again under another --name, or use the version in its environment.json"
            )
        for row in (found or {}).get("per_class", ()):
            row.setdefault("label", str(row["digit"]))  # which older versions, of digits alone, did not write
        return dict(found or {})

    def corruptions(self) -> dict[str, Any] | None:
        """The figures on corrupted test images; None where they were not measured."""
        found = self.metrics().get("corruptions") if self.metrics_file.is_file() else None
        if found and (problem := shapes.misfit(found, shapes.CORRUPTIONS, "corruptions")):
            raise RunError(f"{self.metrics_file}: {problem}. Measure again: mnist evaluate {self.path} --corruptions")
        return found

    def add_metrics(self, stage: str, values: dict[str, Any]) -> None:
        """Write the numbers of one stage, keeping those of the others."""
        write_json(self.metrics_file, (self.metrics() if self.metrics_file.is_file() else {}) | {stage: values})

    def history(self) -> dict[str, list[float]]:
        """Each figure's values, epoch by epoch; of an ensemble, which has no epochs of its own, none."""
        if not self.history_file.exists() and "members" in self.figures("train"):
            return {}
        return _read_json(self.history_file, shapes.HISTORY)

    def environment(self) -> dict[str, Any]:
        """What the run was made with; `changed` lists what was different in an earlier process that trained it."""
        return _read_json(self.environment_file, shapes.ENVIRONMENT)

    def export_card(self) -> dict[str, Any]:
        """What was exported of these weights so far; empty when that is nothing, or the card cannot be read."""
        try:
            card = _read_json(self.export_card_file, shapes.EXPORT_CARD)
        except RunError:
            return {}
        return card if card["weights_sha256"] == self.figures("train")["weights_sha256"] else {}

    def examined(self) -> "Run":
        """The run itself, once everything that is written of it has been read."""
        self.config()
        self.figures("train")
        if "evaluate" in self.metrics():
            self.figures("evaluate")
        self.history()
        self.environment()
        self.threshold()
        return self


def _read_json(path: Path, shape: shapes.Shape) -> dict[str, Any]:
    """The content of one of a run's files, refused unless it has the shape."""
    try:
        if not path.is_file() and path.exists():
            problem = "is no file"
        elif path.stat().st_size > _LARGEST_JSON:
            problem = f"is larger than {_LARGEST_JSON // 2**20} MiB"
        else:
            value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            misfit = shapes.misfit(value, shape, "it")
            if misfit is None:
                return value
            problem = f"is damaged or another program's ({misfit})"
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
    except (ValueError, RecursionError):
        problem = "is damaged (not JSON)"
    raise RunError(f"{path}: {problem}: train the run again with --force")


def artifacts() -> Path:
    """The folder that holds all runs: artifacts/ here, or where MNIST_ARTIFACTS says."""
    return Path(os.environ.get("MNIST_ARTIFACTS") or "artifacts")


def all_runs() -> list[Run]:
    """Every run in the artifacts folder, by name."""
    folder = artifacts()
    try:
        there = [Run(path) for path in sorted(folder.iterdir())] if folder.is_dir() else []
    except OSError as error:
        raise RunError(f"{folder}: cannot be read ({error.strerror})") from None
    return [run for run in there if run.state != "new"]
