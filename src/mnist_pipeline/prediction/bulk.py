"""Answers for millions of pictures in one file, shard by shard: after a kill the same call goes on.

Beside the file lies a folder while the work lasts, with a part for each shard that is done. A part is named after its
shard, so one whose pictures have changed their places is answered anew, and each picture is in the file exactly once.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from mnist_pipeline import __version__
from mnist_pipeline.errors import RunError
from mnist_pipeline.packages import need
from mnist_pipeline.pixels.light import Invert
from mnist_pipeline.prediction.many import Crew, Order, Written
from mnist_pipeline.prediction.parts import FORMS, Tally
from mnist_pipeline.prediction.predictor import Predictor
from mnist_pipeline.prediction.runtimes import choose_runtime
from mnist_pipeline.prediction.shards import shards
from mnist_pipeline.process import cores
from mnist_pipeline.runs.files import UNFINISHED, remove, whole, write_json
from mnist_pipeline.runs.opening import claimed

_PLAN = "plan.json"


class Writers(Protocol):
    """Whoever writes answers: worker processes here, or those of a cluster."""

    def write(self, orders: Iterable[Order]) -> Iterator[Written]:
        """Have each shard's answers written to its file; what is written is told as it is done, in any order."""


def check_out(out: Path) -> None:
    """Refuse a file that cannot be written, before anything is read."""
    if out.suffix not in FORMS:
        raise RunError(f"{out}: --out writes {', '.join(FORMS)}: give it a name that ends so")
    if out.suffix == ".parquet":
        need("writing .parquet", "pyarrow")
    if not out.parent.is_dir():
        raise RunError(f"{out.parent}: no such folder; make it first")
    if out.exists() or out.is_symlink():
        raise RunError(f"{out}: is there already; give --out another name")


def predict_to(
    out: Path, words: Iterable[str], model: Predictor, invert: Invert = "auto", *,
    crew: AbstractContextManager[Writers] | None = None, tell: Callable[[int], None] = lambda _: None,
) -> Tally:  # fmt: skip
    """Answer all pictures that the words mean, in their order, and write the answers to a new file.

    `tell` hears of each number of pictures that are answered, those first that an earlier call has answered.
    """
    check_out(out)
    folder, form = out.with_name(f"{out.name}.parts"), FORMS[out.suffix]
    parts, tally = list[Path](), Tally()

    def count(found: Tally) -> None:
        tally.update(found)
        tell(found.total())

    def orders() -> Iterator[Order]:
        for number, shard in enumerate(shards(words)):
            part = folder / f"{number:06}-{shard.digest()}{out.suffix}"
            parts.append(part)
            if part.exists():
                count(form.tally(part))
            else:
                yield Order(shard, str(part))

    _check_folder(folder)
    with claimed(folder.resolve(), f"writing {out}; wait for it, or give --out another name"):
        _check_plan(folder, _plan(model, invert))
        with crew or Crew(model, invert, cores()) as writers:
            for written in writers.write(orders()):
                count(written.tally)
        check_out(out)
        with whole(out) as beside:
            form.join(parts, beside)
    remove(folder)
    return tally


def _plan(model: Predictor, invert: Invert) -> dict[str, Any]:
    """What answers follow from beside the pictures: those of two plans never come into one file."""
    digest = hashlib.sha256(Path(model.onnx).read_bytes()).hexdigest()
    runtime = choose_runtime(Path(model.onnx), model.runtime)
    how = {"onnx": digest, "runtime": runtime, "invert": invert, "version": __version__, "classes": list(model.classes)}
    return model.arguments | how


def _check_folder(folder: Path) -> None:
    if folder.exists() and not (folder / _PLAN).is_file() and any(path.name[0] != "." for path in folder.iterdir()):
        raise RunError(f"{folder}: is there already and holds no parts of answers; give --out another name")


def _check_plan(folder: Path, plan: dict[str, Any]) -> None:
    """Begin the folder of parts, or see that it is the one to go on with."""
    for left in folder.glob(f"{UNFINISHED}*"):
        remove(left)
    path = folder / _PLAN
    if not path.exists():
        write_json(path, plan)
        return
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
        other = [key for key in plan if before.get(key) != plan[key]]
    except (ValueError, OSError, AttributeError):
        other = ["all"]
    if other:
        what = ", ".join(f"{key}: {before.get(key)} → {plan[key]}" for key in other) if other != ["all"] else "damaged"
        raise RunError(f"{folder}: holds answers of another call ({what}); remove it, or give --out another name")
