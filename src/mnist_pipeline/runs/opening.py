"""Opens a run: begun or gone on with by training, found again by name or as the last one, held by one process.

A process may be killed at any write: what it leaves half-written is swept away by the next one that holds the run.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mnist_pipeline.errors import RunError
from mnist_pipeline.numerals import DIGITS
from mnist_pipeline.runs.files import UNFINISHED, remove, write_json, write_text
from mnist_pipeline.runs.run import Run, all_runs, artifacts
from mnist_pipeline.runs.watching import Note, ignore

if TYPE_CHECKING:
    from mnist_pipeline.config.schema import Config

_FOLDERS = ("checkpoint", "plots", "export")
# What a run makes, in the order in which it is taken away: the mark of a trained one first. The config is written
# over and never taken away, because it says that the folder is a run's; nothing else in there is ever touched.
_MADE = ("metrics.json", "environment.json", "split.json", "history.json", "history.csv", "refusal.json",
         "model.keras", "model.onnx", "report.html", "statement.json", ".sweep", *_FOLDERS)  # fmt: skip
NO_RUN = "nothing is trained yet. Start with: mnist train --config dense.yaml"
_HELD_BY = "training, evaluating or exporting there; wait for it, or train under another --name"
_NOT_SET = object()
_Found = TypeVar("_Found")


@contextmanager
def claimed(where: str | Path, held_by: str = _HELD_BY) -> Iterator[None]:
    """Hold a run folder, by name or by its whole path, for one process; the claim ends with it, however it ends.

    The lock is the system's, on a file that stays: a file whose mere presence is the lock would outlive a killed
    process.
    """
    from filelock import lock_descriptor  # 35 ms, which only those wait for who write to a run

    folder = artifacts() / where
    with ExitStack() as claim:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = claim.enter_context((folder / ".lock").open("ab"))
            held = lock_descriptor(lock.fileno(), blocking=False)
        except OSError as error:
            raise RunError(f"{folder}: cannot be claimed ({error.strerror}); nothing was changed") from None
        if not held:
            raise RunError(f"{folder}: another process is {held_by}")
        yield


def begin(
    config: "Config", environment: dict[str, Any], *, force: bool = False, one_of_many: bool = False, command: str = ""
) -> Run:
    """The folder for this config: new, or one to go on with; another config's is refused unless forced.

    `command`, by default the one that trains it, is written at the head of its config.
    The caller holds the claim. A process that ends anywhere in here leaves what the same call goes on from. Whoever
    goes on with a run says anew whether it is one of many.
    """
    from mnist_pipeline.config import yaml_text

    run = Run(artifacts() / config.name)
    if run.path.exists() and config.name not in os.listdir(run.path.parent):  # noqa: PTH208
        raise RunError(f"{run.path}: this disk takes it for the folder of another name: choose another --name")
    new = run.state == "new"
    if new and any(run.path.glob("[!.]*")):
        raise RunError(f"{run.path}: holds files that are no run's: choose another --name")
    if new or force:
        for name in () if new else _MADE:
            remove(run.path / name)
        write_text(run.config_file, f"# {command or run.train_command()}\n{yaml_text.write(config.tree())}")
    else:
        same_recipe(run, config)
    if run.state == "unfinished":
        _sweep(run)
        if one_of_many:
            write_text(run.sweep_file, "")
        else:
            remove(run.sweep_file)
        write_json(run.environment_file, _with_changes(run, environment))
    return run


def _with_changes(run: Run, environment: dict[str, Any]) -> dict[str, Any]:
    """The environment of this process, and what was different in those whose epochs it goes on from."""
    with suppress(RunError):  # a damaged file tells nothing
        before = run.environment() if any(run.checkpoints.glob("*")) else environment
        if changed := [*before.pop("changed", []), *differences(before, environment)]:
            return environment | {"changed": changed}
    return environment


def same_recipe(run: Run, config: "Config") -> None:
    """Refuse, with the differences, when the run was made with another recipe."""
    made = run.config()
    if changes := differences(made.recipe(), config.called(made.data.classes or DIGITS).recipe()):
        lines, mend = "\n  ".join(changes), "Choose another --name, or replace it with --force"
        raise RunError(f"{run.path}: holds a run of another config:\n  {lines}\n{mend}")


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


def _sweep(run: Run) -> None:
    """Take away what killed processes left half-written: only the holder of the claim writes, so none is alive."""
    for folder in (run.path, *(run.path / name for name in _FOLDERS)):
        for leftover in list(folder.glob(f"{UNFINISHED}*")):
            remove(leftover)


@contextmanager
def opened(where: str | Path | Run | None = None) -> Iterator[Run]:
    """A trained run, by default the last one, held for writing to it."""
    run = open_run(where)
    with claimed(run.path.resolve()):
        run.require_trained()  # another process may have begun it anew before the claim
        run.figures("train")
        _sweep(run)
        yield run


def open_run(where: str | Path | Run | None = None, note: Note = ignore) -> Run:
    """The trained run at a path or of a name; without either, the one trained last, seeds of a sweep left out.

    Runs that cannot be read are passed over on the way to the last one; `note` is told which.
    """
    if where is None:
        if last := last_trained(Run.examined, note):
            return last
        swept = [run.name for run in all_runs() if run.sweep_file.exists()]
        raise RunError(f"which run? Those here were trained as one of many: {', '.join(swept)}" if swept else NO_RUN)
    run = where if isinstance(where, Run) else Run(_folder(Path(where)))
    run.require_trained()
    return run


def _folder(given: Path) -> Path:
    """The path itself when it is a run's or no name; else the folder of that name among the artifacts, if there."""
    named = artifacts() / given
    if len(given.parts) == 1 and Run(given).state == "new" and os.path.exists(named):  # noqa: PTH110
        return named
    return given


def last_trained(use: Callable[[Run], _Found], note: Note = ignore) -> _Found | None:
    """The result of `use` on the run trained last that it can read; None when there is none."""
    trained = [run for run in all_runs() if run.state == "trained" and not run.sweep_file.exists()]
    dated = list(readable(trained, lambda run: (run.figures("train")["finished"], run), note))
    newest_first = [run for _, run in sorted(dated, key=lambda pair: str(pair[0]), reverse=True)]
    return next(readable(newest_first, use, note), None)


def readable(runs: Iterable[Run], use: Callable[[Run], _Found], note: Note) -> Iterator[_Found]:
    """The result of `use` on each run; one that it cannot read is named in a note and passed over."""
    for run in runs:
        try:
            found = use(run)
        except RunError as error:
            note(f"passed over: {str(error).splitlines()[0]}")
        else:
            yield found
