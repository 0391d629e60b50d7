"""The page of a run: its numbers, tables and plots in one HTML file, which fetches nothing and executes nothing.

The words and the markup are in page.html.jinja. Jinja escapes every value that is put in there, because run names,
descriptions and the facts of an environment may hold any characters.
"""

import base64
import shlex
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from mnist_pipeline.config.yaml_text import write as yaml_of
from mnist_pipeline.errors import RunError
from mnist_pipeline.evaluation.metrics import evaluate_file
from mnist_pipeline.evaluation.plots import charts, images
from mnist_pipeline.numerals import counted, noun, percent
from mnist_pipeline.prediction.shipping import ShippedRun
from mnist_pipeline.runs.files import write_text
from mnist_pipeline.runs.run import Run

_PLOTS = ("confusion", "mistakes", "samples", "architecture")
_LONGEST_STEM = 58  # characters of a run's name before "-again"; the whole may have 64


class _Image(NamedTuple):
    """A PNG as the page embeds it."""

    base64: str
    width: int
    height: int


def write_page(run: Run) -> Path:
    """Write the page of a trained and evaluated run; gives its path."""
    run.require_trained()
    run.figures("train")
    test, history = run.figures("evaluate"), {name: values for name, values in run.history().items() if values}
    again = f"{run.name[:_LONGEST_STEM]}-again"
    commands = f"mnist train --config {shlex.quote(str(run.config_file))} --name {again}\nmnist evaluate {again}"
    if not history:  # an ensemble, whose members have each their own
        return _write(run, test, {}, _PLOTS, f"mnist reproduce {shlex.quote(str(run.path))}")
    return _write(run, test, history, ("curves", *_PLOTS), commands)


def write_shipped_page() -> Path:
    """Write the page of the model that comes with the package, of whose training only the outcome is known.

    It reads the test images anew, for the plots.
    """
    run = ShippedRun()
    test, part, probabilities = evaluate_file(run.onnx_file, None)
    charts.confusion(np.array(test.confusion), run.plots / "confusion.png", run.name, part.classes)
    images.answers(part, probabilities, run.plots)
    name = run.config().name
    commands = f"mnist train {name}\nmnist evaluate {name}"
    return _write(run, test.tree(), {}, ("confusion", "mistakes", "samples"), commands)


def _write(
    run: Run, test: dict[str, Any], history: dict[str, list[float]], plots: Iterable[str], commands: str
) -> Path:
    """Write the page of a model, without the sections about a training of which there is no history."""
    train, config = run.figures("train"), run.config()
    right = sum(row["right"] for row in test["per_class"])
    columns = [[_rounded(name, value) for value in values] for name, values in history.items()]
    recipe = config.name.removesuffix(f"-seed{config.training.seed}")
    corruptions = run.corruptions()
    plots = [*plots, *(["corruptions"] if corruptions else [])]
    over_seeds = run.path.parent / "reproduce" / f"{recipe}.png"  # where `mnist reproduce` has drawn it
    page = template("page.html.jinja").render(
        run=run, config=config, train=train, test=test, corruptions=corruptions, right=right, wrong=test["n"] - right,
        finished="" if isinstance(run, ShippedRun) else _time(train["finished"]),
        members=train.get("members", ()),
        commands=commands, history=history, epochs=list(zip(*columns, strict=True)),
        classes=[row["label"] for row in test["per_class"]], noun=noun(run.classes),
        weakest=_weakest(test["per_class"]), plots={name: _plot(run, name) for name in plots}, recipe=recipe,
        seeds=embedded(over_seeds) if over_seeds.is_file() else None,
        yaml=yaml_of(config.tree()), environment=yaml_of(run.environment()),
    )  # fmt: skip
    write_text(run.report_file, page)
    return run.report_file


def _time(text: str) -> str:
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M %Z}".strip()


@cache
def template(name: str) -> Any:
    """A template of this room, with the filters that pages write numbers by."""
    pages = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    pages.filters |= {"percent": _percent, "counted": counted, "grouped": "{:,}".format, "duration": _duration}
    return pages.get_template(name)


def _rounded(name: str, value: float) -> str:
    if name.endswith("accuracy"):
        return _percent(value)
    return f"{value:.3g}" if name == "learning_rate" else f"{value:.4f}"


def _weakest(per_class: list[dict[str, Any]]) -> str | None:
    """The class with the lowest accuracy; None where every image was read right."""
    there = [row for row in per_class if row["n"]]
    worst = min(there, key=lambda row: float(row["accuracy"]), default=None)
    return worst["label"] if worst and worst["accuracy"] < 1 else None


def _plot(run: Run, name: str) -> _Image:
    path = run.plots / f"{name}.png"
    try:
        return embedded(path)
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror}). Draw it: mnist evaluate {run.path}") from None


def embedded(path: Path) -> _Image:
    """A PNG as a page holds it."""
    png = path.read_bytes()
    width, height = png[16:20], png[20:24]  # in a PNG's first chunk, four bytes each
    return _Image(base64.b64encode(png).decode(), int.from_bytes(width), int.from_bytes(height))


def _percent(share: float) -> str:
    return percent(share).replace(" ", "\N{NO-BREAK SPACE}")


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"
