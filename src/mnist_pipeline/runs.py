"""A run: what its files say, its state, who may write to it, and how it is found again."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mnist_pipeline.config.difference import differences
from mnist_pipeline.errors import ConfigError, RunError
from mnist_pipeline.files import remove, write_json, write_text
from mnist_pipeline.run_files import FILES, FOLDERS, RunFiles

if TYPE_CHECKING:
    from mnist_pipeline.config import Config
    from mnist_pipeline.config.schema import Output

State = Literal["new", "unfinished", "trained"]


def artifacts() -> Path:
    """The folder that holds all runs: artifacts/ here, or where MNIST_ARTIFACTS says."""
    return Path(os.environ.get("MNIST_ARTIFACTS") or "artifacts")


class Run(RunFiles):
    """One run's folder: what its files say."""

    @property
    def state(self) -> State:
        """How far the run has come."""
        if self.metrics_file.is_file():
            return "trained"
        return "unfinished" if self.config_file.is_file() else "new"

    def config(self) -> "Config":
        """The config it was made with."""
        from mnist_pipeline.config import load_config

        try:
            return load_config(self.config_file)
        except ConfigError as error:
            raise RunError(
                f"{self.path}: its config does not fit this version of mnist-pipeline\n{error}\n"
                f"Train it again under another --name, or read it with the version in its environment.json"
            ) from None

    def output(self) -> "Output":
        """What its model's outputs are: all of the config that an answer needs, without the time to check the rest."""
        from mnist_pipeline.config.yaml_text import parse

        try:
            output = parse(self.config_file.read_text(encoding="utf-8"), str(self.config_file))["model"]["output"]
        except (OSError, ValueError, TypeError, KeyError, ConfigError):
            output = None
        return output if output in ("softmax", "sigmoid") else self.config().model.output

    def threshold(self) -> float:
        """How sure its model must be to answer; 0 when it was not trained to tell what is no digit."""
        return float(_read_json(self.refusal_file)["threshold"]) if self.refusal_file.is_file() else 0.0

    def metrics(self) -> dict[str, Any]:
        """The numbers of training under `train`, those of evaluation under `evaluate`."""
        return dict(_read_json(self.metrics_file))

    def figures(self, stage: str) -> dict[str, Any]:
        """The numbers of one stage, `train` or `evaluate`, and a clear line where they are not there."""
        found = self.metrics().get(stage) if self.state == "trained" else None
        if isinstance(found, dict) and "weights_sha256" in found:
            return found
        if found is None and stage == "evaluate":
            raise RunError(f"{self.path}: is not evaluated yet. First: mnist evaluate {self.path}")
        raise RunError(
            f"{self.path}: its metrics.json has no `{stage}` numbers as this version of mnist-pipeline writes them: "
            f"train it again under another --name, or use the version in its environment.json"
        )

    def history(self) -> dict[str, list[float]]:
        """Each figure's values, epoch by epoch."""
        return dict(_read_json(self.history_file))

    def environment(self) -> dict[str, Any]:
        """What the run was made with."""
        return dict(_read_json(self.environment_file))

    def export_card(self) -> dict[str, Any]:
        """What was exported of these weights so far; empty where nothing was, or nobody can tell."""
        try:
            card = dict(_read_json(self.export_card_file))
        except (RunError, ValueError, TypeError):
            return {}
        return card if card.get("weights_sha256") == self.figures("train")["weights_sha256"] else {}

    def add_metrics(self, section: str, values: dict[str, Any]) -> None:
        """Write one section of the numbers, keeping the others."""
        write_json(self.metrics_file, (self.metrics() if self.metrics_file.is_file() else {}) | {section: values})

    def require_trained(self) -> None:
        """Refuse, with what to do, when there is no finished training here."""
        if self.state == "unfinished":
            raise RunError(f"{self.path}: its training is not finished. Go on: {self.train_command()}")
        if self.state == "new":
            raise RunError(f"{self.path}: no run here. {_known()}")

    def train_command(self) -> str:
        """The command that goes on with, or repeats, this run."""
        return f"mnist train --config {self.config_file}"


def begin(config: "Config", environment: dict[str, Any], *, force: bool = False) -> Run:
    """The folder for this config: new, or one to go on with; another config's is refused unless forced."""
    run = Run(artifacts() / config.name)
    if run.state == "new":
        if run.path.exists() and any(not path.name.startswith(".") for path in run.path.iterdir()):
            raise RunError(f"{run.path}: holds files that are no run's: choose another --name")
    elif force:
        _clear(run)
    else:
        same_recipe(run, config)
        return run
    from mnist_pipeline.config.yaml_text import write as yaml_of

    write_text(run.config_file, f"# mnist train --config {run.config_file}\n{yaml_of(config.tree())}")
    write_json(run.environment_file, environment)
    return run


def same_recipe(run: Run, config: "Config") -> None:
    """Refuse, with the difference, when the run was made with another recipe."""
    changes = differences(run.config().recipe(), config.recipe())
    if changes:
        raise RunError(
            f"{run.path}: holds a run of another config:\n"
            + "\n".join(f"  {line}" for line in changes)
            + "\nChoose another --name, or replace it with --force"
        )


def _clear(run: Run) -> None:
    """Take away a run's own files, the mark of a finished one first, and nothing else."""
    for name in FILES:
        (run.path / name).unlink(missing_ok=True)
    for name in FOLDERS:
        shutil.rmtree(run.path / name, ignore_errors=True)


@contextmanager
def claimed(where: str | Path) -> Iterator[None]:
    """Hold a run folder, by name or by its whole path, for one process; the claim ends with it, however it ends."""
    folder = artifacts() / where
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise RunError(f"{folder}: cannot be written ({error.strerror}); nothing was changed") from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunError(
                f"{folder}: another process is training there or exporting; wait for it, or use another --name"
            ) from None
        for leftover in list(folder.rglob(".writing-*")):  # what a killed process left behind
            remove(leftover)
        yield
    finally:
        os.close(handle)


def open_run(where: str | Path | Run | None = None) -> Run:
    """The trained run at a path or of a name; without either, the one trained last."""
    if where is None:
        last = last_trained()
        if last is None:
            raise RunError("nothing is trained yet. Start with: mnist train --config dense.yaml")
        return last
    if isinstance(where, Run):
        run = where
    else:
        given = Path(where)
        named = artifacts() / given
        run = Run(named if len(given.parts) == 1 and named.is_dir() and not _is_run(given) else given)
    run.require_trained()
    return run


def last_trained() -> Run | None:
    """The run trained last; None when nothing is trained."""
    trained = [run for run in all_runs() if run.state == "trained"]
    return max(trained, key=lambda run: str(run.metrics()["train"]["finished"]), default=None)


def all_runs() -> list[Run]:
    """Every run in the artifacts folder, by name."""
    folder = artifacts()
    return [Run(path) for path in sorted(folder.iterdir()) if _is_run(path)] if folder.is_dir() else []


def _is_run(path: Path) -> bool:
    return (path / "config.yaml").is_file()


def _known() -> str:
    names = [run.name for run in all_runs()]
    return f"Runs in {artifacts()}: {', '.join(names)}" if names else "Train one: mnist train --config dense.yaml"


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror}): train the run again with --force") from None
    except ValueError:
        raise RunError(f"{path}: is damaged (not JSON): train the run again with --force") from None
