"""The page of a run: its numbers, tables and plots in one HTML file, which fetches nothing and executes nothing.

The words and the markup are in page.html.jinja. Jinja escapes every value that is put in there, because run names,
descriptions and the facts of an environment may hold any characters.
"""

import base64
import shlex
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from mnist_pipeline.config.yaml_text import write as yaml_of
from mnist_pipeline.errors import RunError
from mnist_pipeline.numerals import counted, percent
from mnist_pipeline.runs.files import write_text
from mnist_pipeline.runs.run import Run, artifacts

_PLOTS = ("curves", "confusion", "mistakes", "samples", "architecture")
_LONGEST_STEM = 58  # characters of a run's name before "-again"; the whole may have 64


class _Image(NamedTuple):
    """A PNG as the page embeds it."""

    base64: str
    width: int
    height: int


def write_page(run: Run) -> Path:
    """Write the page of a trained and evaluated run; gives its path."""
    run.require_trained()
    if "evaluate" not in run.metrics():
        raise RunError(f"{run.path}: is not evaluated yet. First: mnist evaluate {_argument(run)}")
    train, test, config = run.figures("train"), run.figures("evaluate"), run.config()
    right = sum(row["right"] for row in test["per_class"])
    history = {name: values for name, values in run.history().items() if values}
    recipe = config.name.removesuffix(f"-seed{config.training.seed}")
    page = _template().render(
        run=run, config=config, train=train, test=test, right=right, wrong=test["n"] - right,
        finished=f"{datetime.fromisoformat(train['finished']):%Y-%m-%d %H:%M %Z}".strip(),
        config_file=shlex.quote(str(run.config_file)), again=f"{run.name[:_LONGEST_STEM]}-again",
        history=history, epochs=list(_epochs(history)), weakest=_weakest(test["per_class"]),
        plots={name: _plot(run, name) for name in _PLOTS}, recipe=recipe, seeds=_seeds_plot(run, recipe),
        yaml=yaml_of(config.tree()), environment=list(_flat(run.environment())),
    )  # fmt: skip
    write_text(run.report_file, page)
    return run.report_file


def _template() -> Any:
    pages = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    pages.filters |= {"percent": _percent, "counted": counted, "grouped": "{:,}".format, "duration": _duration}
    return pages.get_template("page.html.jinja")


def _epochs(history: Mapping[str, list[float]]) -> Iterator[list[str]]:
    """The values of each epoch as text, in the order of the history's columns."""
    for values in zip(*history.values(), strict=True):
        yield [_rounded(name, value) for name, value in zip(history, values, strict=True)]


def _rounded(name: str, value: float) -> str:
    if name.endswith("accuracy"):
        return _percent(value)
    return f"{value:.3g}" if name == "learning_rate" else f"{value:.4f}"


def _weakest(per_class: list[dict[str, Any]]) -> int | None:
    """The digit with the lowest accuracy; None where every image was read right."""
    accuracy, digit = min(((row["accuracy"], row["digit"]) for row in per_class if row["n"]), default=(1, None))
    return digit if accuracy < 1 else None


def _plot(run: Run, name: str) -> _Image:
    path = run.plots / f"{name}.png"
    try:
        return _embedded(path.read_bytes())
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror}). Draw it: mnist evaluate {_argument(run)}") from None


def _seeds_plot(run: Run, recipe: str) -> _Image | None:
    """The plot of the recipe over seeds, where `mnist reproduce` has drawn it beside this run."""
    path = run.path.parent / "reproduce" / f"{recipe}.png"
    return _embedded(path.read_bytes()) if path.is_file() else None


def _embedded(png: bytes) -> _Image:
    width, height = png[16:20], png[20:24]  # in a PNG's first chunk, four bytes each
    return _Image(base64.b64encode(png).decode(), int.from_bytes(width), int.from_bytes(height))


def _flat(tree: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Nested facts as pairs such as (versions: keras, 3.13.0), in their order."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}: ")
        else:
            yield before + key, _text_of(value)


def _text_of(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)


def _argument(run: Run) -> str:
    """The argument by which a command finds the run: its name inside the artifacts folder, elsewhere its path."""
    return run.name if run.path.resolve().parent == artifacts().resolve() else shlex.quote(str(run.path))


def _percent(share: float) -> str:
    return percent(share).replace(" ", "\N{NO-BREAK SPACE}")


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"
