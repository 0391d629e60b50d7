"""A run's folder: its files by name, what they say, who may write to it, and how it is found again."""

import fcntl
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from mnist_pipeline.errors import ConfigError, RunError
from mnist_pipeline.runs import shapes
from mnist_pipeline.runs.files import UNFINISHED, remove, write_json, write_text

if TYPE_CHECKING:
    from mnist_pipeline.config import Config
    from mnist_pipeline.config.schema import Output


CONFIG = "config.yaml"
FOLDERS = ("checkpoint", "plots", "export")
# What a run makes, in the order in which it is taken away: the mark of a finished one first. The config is written
# over and never taken away, because it says that the folder is a run's; nothing else in there is ever touched.
MADE = ("metrics.json", "environment.json", "split.json", "history.json", "history.csv", "refusal.json",
        "model.keras", "model.onnx", "report.html", *FOLDERS)  # fmt: skip


@dataclass(frozen=True)
class RunFiles:
    """A run's folder and what stands where in it; the stages write it."""

    path: Path

    @property
    def name(self) -> str:
        """The run's name, which is its folder's."""
        return self.path.resolve().name

    @property
    def config_file(self) -> Path:
        """The complete config, written first; enough to train the run again."""
        return self.path / CONFIG

    @property
    def environment_file(self) -> Path:
        """What the run was made with."""
        return self.path / "environment.json"

    @property
    def split_file(self) -> Path:
        """The indices of the training images that validated."""
        return self.path / "split.json"

    @property
    def metrics_file(self) -> Path:
        """The numbers: written last by training, which makes a run trained; evaluation adds its own."""
        return self.path / "metrics.json"

    @property
    def model_file(self) -> Path:
        """The trained Keras model."""
        return self.path / "model.keras"

    @property
    def onnx_file(self) -> Path:
        """The same model as ONNX, which predicts."""
        return self.path / "model.onnx"

    @property
    def exports(self) -> Path:
        """The forms that leave the framework, and their card."""
        return self.path / "export"

    @property
    def export_card_file(self) -> Path:
        """What was exported and how it was proven; card.md beside it is the same for people."""
        return self.exports / "card.json"

    @property
    def refusal_file(self) -> Path:
        """How sure the model must be to answer, where training chose it."""
        return self.path / "refusal.json"

    @property
    def history_file(self) -> Path:
        """Every epoch's figures; history.csv beside it holds the same."""
        return self.path / "history.json"

    @property
    def checkpoints(self) -> Path:
        """What an unfinished training goes on from."""
        return self.path / "checkpoint"

    @property
    def plots(self) -> Path:
        """The pictures."""
        return self.path / "plots"

    @property
    def report_file(self) -> Path:
        """The page that shows it all."""
        return self.path / "report.html"


_NOT_SET = object()


def differences(ours: dict[str, Any], theirs: dict[str, Any], block: str = "") -> list[str]:
    """Lines such as `training.epochs: 15 → 10`, in the order of the settings."""
    lines = []
    for key in dict.fromkeys([*ours, *theirs]):
        left, right = ours.get(key, _NOT_SET), theirs.get(key, _NOT_SET)
        if isinstance(left, dict) and isinstance(right, dict):
            lines += differences(left, right, f"{block}{key}.")
        elif left != right:
            lines.append(f"{block}{key}: {_shown(left)} → {_shown(right)}")
    return lines


def _shown(value: Any) -> str:
    return "not set" if value is _NOT_SET else json.dumps(value, ensure_ascii=False)


RunState = Literal["new", "unfinished", "trained"]
Note = Callable[[str], None]
_Found = TypeVar("_Found")
_LARGEST_JSON = 16 * 2**20  # bytes; that of a thousand epochs is a hundredth of it
_LARGEST_CONFIG = 256 * 2**10


def unsaid(_: str) -> None:
    """For those who do not care which runs are passed over."""


def artifacts() -> Path:
    """The folder that holds all runs: artifacts/ here, or where MNIST_ARTIFACTS says."""
    return Path(os.environ.get("MNIST_ARTIFACTS") or "artifacts")


class Run(RunFiles):
    """One run's folder: what its files say."""

    @property
    def state(self) -> RunState:
        """How far the run has come; a folder without a config is none."""
        if not _is_run(self.path):
            return "new"
        return "trained" if _there(self.metrics_file) else "unfinished"

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
            with self.config_file.open("rb") as file:
                text = file.read(_LARGEST_CONFIG).decode()
            output = parse(text, str(self.config_file))["model"]["output"]
        except (OSError, ValueError, TypeError, KeyError, ConfigError):
            output = None
        return output if output in ("softmax", "sigmoid") else self.config().model.output

    def threshold(self) -> float:
        """How sure its model must be to answer; 0 when it was not trained to tell what is no digit."""
        if not _there(self.refusal_file):
            return 0.0
        return float(_read_json(self.refusal_file, shapes.REFUSAL)["threshold"])

    def metrics(self) -> dict[str, Any]:
        """The numbers of training under `train`, those of evaluation under `evaluate`; `figures` checks them."""
        return _read_json(self.metrics_file, shapes.METRICS)

    def figures(self, stage: str) -> dict[str, Any]:
        """The numbers of one stage, `train` or `evaluate`, all of them there, or a clear line that says what is not."""
        found = self.metrics().get(stage) if self.state == "trained" else None
        if found is None and stage == "evaluate":
            raise RunError(f"{self.path}: is not evaluated yet. First: mnist evaluate {self.path}")
        problem = shapes.STAGES[stage](found, stage)
        if problem:
            raise RunError(
                f"{self.path}: its metrics.json has no `{stage}` numbers as this version of mnist-pipeline writes them "
                f"({problem}): train it again under another --name, or use the version in its environment.json"
            )
        return dict(found or {})

    def history(self) -> dict[str, list[float]]:
        """Each figure's values, epoch by epoch."""
        return _read_json(self.history_file, shapes.HISTORY)

    def environment(self) -> dict[str, Any]:
        """What the run was made with; under `changed` what was another in an earlier process that trained it."""
        return _read_json(self.environment_file, shapes.ENVIRONMENT)

    def export_card(self) -> dict[str, Any]:
        """What was exported of these weights so far; empty where nothing was, or nobody can tell."""
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
    """The folder for this config: new, or one to go on with; another config's is refused unless forced.

    The caller holds the claim. A process that ends anywhere in here leaves what the same call goes on from.
    """
    run = Run(artifacts() / config.name)
    if run.state == "new":
        if run.path.exists() and any(not path.name.startswith(".") for path in run.path.iterdir()):
            raise RunError(f"{run.path}: holds files that are no run's: choose another --name")
        _write_config(run, config)
    elif force:
        for name in MADE:
            _take_away(run.path / name)
        _write_config(run, config)
    else:
        same_recipe(run, config)
    if run.state == "unfinished":
        _sweep(run)
        write_json(run.environment_file, _with_changes(run, environment))
    return run


def _write_config(run: Run, config: "Config") -> None:
    from mnist_pipeline.config.yaml_text import write as yaml_of

    write_text(run.config_file, f"# mnist train --config {run.config_file}\n{yaml_of(config.tree())}")


def _with_changes(run: Run, environment: dict[str, Any]) -> dict[str, Any]:
    """The environment of this process, and what was another in those whose epochs it goes on from."""
    if not any(run.checkpoints.glob("*")):
        return environment
    try:
        before = run.environment()
    except RunError:  # nobody can tell
        return environment
    changed = [*before.pop("changed", []), *differences(before, environment)]
    return environment | ({"changed": changed} if changed else {})


def same_recipe(run: Run, config: "Config") -> None:
    """Refuse, with the difference, when the run was made with another recipe."""
    changes = differences(run.config().recipe(), config.recipe())
    if changes:
        raise RunError(
            f"{run.path}: holds a run of another config:\n"
            + "\n".join(f"  {line}" for line in changes)
            + "\nChoose another --name, or replace it with --force"
        )


def _take_away(path: Path) -> None:
    try:
        remove(path)
    except OSError as error:
        raise RunError(f"{path}: cannot be taken away ({error.strerror})") from None


def _sweep(run: Run) -> None:
    """Take away what killed processes left half-written: whoever writes to a run holds its claim, so none lives."""
    for folder in (run.path, *(run.path / name for name in FOLDERS)):
        for leftover in list(folder.glob(f"{UNFINISHED}*")):
            _take_away(leftover)


@contextmanager
def opened(where: str | Path | Run | None = None) -> Iterator[Run]:
    """A trained run, by default the last one, held for writing to it."""
    run = open_run(where)
    with claimed(run.path.resolve()):
        run.require_trained()  # before it was ours, another process may have begun it anew
        run.figures("train")
        _sweep(run)
        yield run


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
                f"{folder}: another process is training, evaluating or exporting there; wait for it, "
                f"or train under another --name"
            ) from None
        except OSError as error:
            raise RunError(f"{folder}: cannot be locked ({error.strerror}); nothing was changed") from None
        yield
    finally:
        os.close(handle)


def open_run(where: str | Path | Run | None = None, note: Note = unsaid) -> Run:
    """The trained run at a path or of a name; without either, the one trained last.

    Runs that cannot be read are passed over on the way to the last one; `note` is told which.
    """
    if where is None:
        last = last_trained(Run.examined, note)
        if last is None:
            raise RunError("nothing is trained yet. Start with: mnist train --config dense.yaml")
        return last
    if isinstance(where, Run):
        run = where
    else:
        given = Path(where)
        named = artifacts() / given
        run = Run(named if len(given.parts) == 1 and _there(named) and not _is_run(given) else given)
    run.require_trained()
    return run


def last_trained(use: Callable[[Run], _Found], note: Note = unsaid) -> _Found | None:
    """What `use` makes of the run trained last that can be read; None when there is none."""
    trained = [run for run in all_runs() if run.state == "trained"]
    dated = list(readable(trained, lambda run: (run.figures("train")["finished"], run), note))
    newest_first = [run for _, run in sorted(dated, key=lambda pair: str(pair[0]), reverse=True)]
    return next(readable(newest_first, use, note), None)


def readable(runs: Iterable[Run], use: Callable[[Run], _Found], note: Note) -> Iterator[_Found]:
    """What `use` makes of each run; one that it cannot read is named in a note and passed over."""
    for run in runs:
        try:
            found = use(run)
        except RunError as error:
            note(f"passed over: {str(error).splitlines()[0]}")
        else:
            yield found


def all_runs() -> list[Run]:
    """Every run in the artifacts folder, by name."""
    folder = artifacts()
    try:
        return [Run(path) for path in sorted(folder.iterdir()) if _is_run(path)] if folder.is_dir() else []
    except OSError as error:
        raise RunError(f"{folder}: cannot be read ({error.strerror})") from None


def _is_run(path: Path) -> bool:
    return os.path.isfile(path / CONFIG)  # noqa: PTH113 - where Path.is_file raises, this is False


def _there(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110 - where Path.exists raises, this is False


def _known() -> str:
    names = [run.name for run in all_runs()]
    return f"Runs in {artifacts()}: {', '.join(names)}" if names else "Train one: mnist train --config dense.yaml"


def _read_json(path: Path, shape: shapes.Shape) -> dict[str, Any]:
    """What a file of a run holds, once it is known to have the shape."""
    try:
        if not path.is_file() and path.exists():
            problem = "is no file"
        elif path.stat().st_size > _LARGEST_JSON:
            problem = f"is larger than {_LARGEST_JSON // 2**20} MiB"
        else:
            value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            misfit = shape(value, "it")
            if misfit is None:
                return value
            problem = f"is damaged or another program's ({misfit})"
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
    except (ValueError, RecursionError):
        problem = "is damaged (not JSON)"
    raise RunError(f"{path}: {problem}: train the run again with --force")
