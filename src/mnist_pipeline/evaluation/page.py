"""One self-contained page a run: figures, tables and pictures, nothing to fetch and nothing to execute."""

import base64
import shlex
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from mnist_pipeline.config.yaml_text import write as yaml_of
from mnist_pipeline.errors import RunError
from mnist_pipeline.numerals import counted, percent
from mnist_pipeline.runs.files import write_text
from mnist_pipeline.runs.run import Run, artifacts

_PAGE = Path(__file__).parent / "page.html"
_PNG_SIZE = slice(16, 24)  # width and height, four bytes each, in a PNG's first chunk


def write_report(run: Run) -> Path:
    """Write the page of a trained and evaluated run, and say where it is."""
    run.require_trained()
    if "evaluate" not in run.metrics():
        raise RunError(f"{run.path}: is not evaluated yet. First: mnist evaluate {_called(run)}")
    train, test = run.figures("train"), run.figures("evaluate")
    parts = _words(run, train, test) | _tables(run, train, test) | _pictures(run, train, test)
    parts["seeds"] = _seeds(run)
    write_text(run.report_file, Template(_PAGE.read_text(encoding="utf-8")).substitute(parts))
    return run.report_file


def _words(run: Run, train: dict[str, Any], test: dict[str, Any]) -> dict[str, str]:
    config = run.config()
    finished = datetime.fromisoformat(train["finished"])
    origin = f"Trained on {config.data.source}, finished {finished:%Y-%m-%d %H:%M %Z}".strip()
    again = f"{run.name[:58]}-again"  # a name has at most 64 characters
    config_file = shlex.quote(str(run.config_file))
    texts = {
        "title": f"{run.name}: {_percent(test['test_accuracy'])} right",
        "name": run.name,
        "origin": origin,
        "commands": f"mnist train --config {config_file} --name {again}\nmnist evaluate {again}",
        "weights": train["weights_sha256"],
        "data": train["data_sha256"],
        "ece": _percent(test["ece"]),
        "config": yaml_of(config.tree()),
    }
    page = {key: escape(text) for key, text in texts.items()}
    page["description"] = f'<p class="lead">{escape(config.description)}</p>' if config.description else ""
    page["tiles"] = _tiles(train, test)
    return page


def _tiles(train: dict[str, Any], test: dict[str, Any]) -> str:
    right = sum(row["right"] for row in test["per_class"])
    validation, best = train["val_accuracy"], train["best_epoch"]
    tiles = [
        ("Test accuracy", _percent(test["test_accuracy"]), f"{right:,} of {test['n']:,} right"),
        ("Test loss", f"{test['test_loss']:.4f}", f"training {train['train_loss']:.4f}"),
        ("Calibration error", _percent(test["ece"]), "0 is best"),
        ("Training accuracy", _percent(train["train_accuracy"]),
         "no validation" if validation is None else f"validation {_percent(validation)}"),
        ("Parameters", f"{train['parameters']:,}", "weights of the model"),
        ("Training time", _duration(train["train_seconds"]), counted(train["steps"], "step")),
        ("Epochs", str(train["epochs"]), "the last one kept" if best is None else f"epoch {best} kept"),
        ("Seed", str(train["seed"]), "of weights and batches"),
    ]  # fmt: skip
    return "\n".join(
        f"<div{'' if number else ' class=first'}><dt>{escape(name)}</dt>"
        f'<dd class="figure">{escape(value)}</dd><dd class="quiet">{escape(note)}</dd></div>'
        for number, (name, value, note) in enumerate(tiles)
    )


def _tables(run: Run, train: dict[str, Any], test: dict[str, Any]) -> dict[str, str]:
    return {
        "epochs": _epochs(run.history(), train["best_epoch"]),
        "classes": _classes(test),
        "confused": _confused(test),
        "calibration": _calibration(test),
        "environment": _table("Made with", [], _flat(run.environment()), kind="facts"),
    }


def _epochs(history: Mapping[str, Sequence[float]], best: int | None) -> str:
    columns = [key for key in history if history[key]]
    rows = [
        [str(number), *(_rounded(key, value) for key, value in zip(columns, values, strict=True))]
        for number, values in enumerate(zip(*(history[key] for key in columns), strict=True), start=1)
    ]
    names = [key.replace("val_", "validation ").replace("_", " ") for key in columns]
    return _table("Epochs", ["epoch", *names], rows, marked=None if best is None else best - 1)


def _rounded(key: str, value: float) -> str:
    if key.endswith("accuracy"):
        return _percent(value)
    return f"{value:.3g}" if key == "learning_rate" else f"{value:.4f}"


def _classes(test: dict[str, Any]) -> str:
    scores = ("precision", "recall", "f1")
    classes, report = test["per_class"], test["report"]
    rows = [
        [str(row["digit"]), f"{row['n']:,}", f"{row['right']:,}", _percent(row["accuracy"])]
        + [_percent(report[str(row["digit"])][score]) for score in scores]
        for row in classes
    ]
    right = sum(row["right"] for row in classes)
    rows.append(["all", f"{test['n']:,}", f"{right:,}", _percent(test["test_accuracy"])])
    rows[-1] += [_percent(report["macro"][score]) for score in scores]
    accuracies = [row["accuracy"] if row["n"] else 1 for row in classes]
    weakest = accuracies.index(min(accuracies)) if min(accuracies) < 1 else None
    return _table(
        "Digit by digit", ["digit", "images", "right", "accuracy", "precision", "recall", "F1"], rows, weakest
    )


def _confused(test: dict[str, Any]) -> str:
    if not test["most_confused"]:
        return "<p>No mistakes.</p>"
    images = {row["digit"]: row["n"] for row in test["per_class"]}
    rows = [
        [
            f"{pair['true']} read as {pair['answer']}",
            f"{pair['n']:,}",
            _percent(pair["n"] / max(images[pair["true"]], 1)),
        ]
        for pair in test["most_confused"]
    ]
    return _table("Most confused pairs", ["pair", "times", "of the digit"], rows)


def _calibration(test: dict[str, Any]) -> str:
    rows = [
        [
            f"{100 * bin_['from']:.1f} to {100 * bin_['to']:.1f}\N{NO-BREAK SPACE}%",
            f"{bin_['n']:,}",
            _percent(bin_["confidence"]),
            _percent(bin_["accuracy"]),
        ]
        for bin_ in test["calibration"]
        if bin_["n"]
    ]
    return _table("Calibration", ["confidence", "images", "on average", "right"], rows)


def _flat(tree: Mapping[str, Any], before: str = "") -> list[list[str]]:
    """Nested facts as rows of two, in their order."""
    rows = []
    for key, value in tree.items():
        if isinstance(value, Mapping):
            rows += _flat(value, f"{before}{key}: ")
        else:
            rows.append([before + key, _plain(value)])
    return rows


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)


def _table(
    name: str, head: Sequence[str], rows: Iterable[Sequence[str]], marked: int | None = None, kind: str = ""
) -> str:
    """A table that scrolls by itself where it is too wide; the first cell of a row is its header."""
    titles = "".join(f'<th scope="col">{escape(title)}</th>' for title in head)
    lines = [
        f'<tr{" class=mark" if number == marked else ""}><th scope="row">{escape(first)}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in rest)
        + "</tr>"
        for number, (first, *rest) in enumerate(rows)
    ]
    return (
        f'<div class="scroll {kind}" role="region" aria-label="{escape(name)}" tabindex="0"><table>'
        + (f"<thead><tr>{titles}</tr></thead>" if head else "")
        + "<tbody>\n" + "\n".join(lines) + "\n</tbody></table></div>"
    )  # fmt: skip


def _pictures(run: Run, train: dict[str, Any], test: dict[str, Any]) -> dict[str, str]:
    wrong = test["n"] - sum(row["right"] for row in test["per_class"])
    told = {
        "curves": f"Loss and accuracy over {counted(train['epochs'], 'epoch')}; the numbers are in the table below",
        "confusion": f"Confusion matrix of {counted(test['n'], 'image')}, {wrong:,} of them beside the diagonal",
        "mistakes": f"The surest of {counted(wrong, 'mistake')}, each with true digit, answer and confidence",
        "samples": "Sample images with the answers and how sure the model was of them",
        "architecture": f"The layers of the network from input to output, {counted(train['parameters'], 'parameter')}",
    }
    return {name: _picture(run, name, alt) for name, alt in told.items()}


def _seeds(run: Run) -> str:
    """What `mnist reproduce` drew of this recipe over seeds, where it has been there."""
    config = run.config()
    recipe = config.name.removesuffix(f"-seed{config.training.seed}")
    path = run.path.parent / "reproduce" / f"{recipe}.png"
    if not path.is_file():
        return ""
    alt = f"Test accuracy and loss of {recipe} over seeds, beside what was reported"
    return f'<section id="seeds">\n<h2>Over seeds</h2>\n{_figure(path.read_bytes(), alt)}\n</section>'


def _picture(run: Run, name: str, alt: str) -> str:
    path = run.plots / f"{name}.png"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror}). Draw it: mnist evaluate {_called(run)}") from None
    return _figure(content, alt)


def _figure(content: bytes, alt: str) -> str:
    size = content[_PNG_SIZE]
    width, height = int.from_bytes(size[:4]), int.from_bytes(size[4:])
    source = f"data:image/png;base64,{base64.b64encode(content).decode()}"
    return f'<figure><img src="{source}" width="{width}" height="{height}" alt="{escape(alt)}"></figure>'


def _called(run: Run) -> str:
    """What a command has to be given to mean this run."""
    return run.name if run.path.resolve().parent == artifacts().resolve() else shlex.quote(str(run.path))


def _percent(share: float) -> str:
    return percent(share).replace(" ", "\N{NO-BREAK SPACE}")


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"
