"""Which forms there are: what each is called, which files it is, who reads it, what it takes."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from mnist_pipeline.errors import RunError

PACKAGES = {"onnxruntime": "onnxruntime", "ai-edge-litert": "ai_edge_litert"}  # of the extra, and their modules
Reader = Literal["opencv", "onnxruntime", "litert", "tensorflow"]


@dataclass(frozen=True)
class ExportForm:
    """One form of a trained network."""

    name: str
    files: tuple[str, ...]
    """What lies in the run's export/; a saved model is a folder."""
    readers: tuple[Reader, ...]
    """Who is asked whether it is equal, as far as installed; the first one always."""
    exact: bool
    """Held to the same labels and probabilities; otherwise, in eight bits, to the accuracy."""
    normalised: bool = False
    """Gives probabilities that add up to one, also where the network ends in sigmoids."""
    takes: tuple[str, ...] = ()
    """Packages of the extra without which it cannot be made and checked."""


_ALL = (
    ExportForm("onnx", ("model.onnx",), ("opencv", "onnxruntime"), exact=True),
    ExportForm(
        "onnx-with-scaling", ("model-with-scaling.onnx",), ("opencv", "onnxruntime"), exact=True, normalised=True
    ),
    ExportForm("onnx-int8", ("model-int8.onnx",), ("onnxruntime", "opencv"), exact=False, takes=("onnxruntime",)),
    ExportForm("litert", ("model.tflite",), ("litert",), exact=True, takes=("ai-edge-litert",)),
    # A sigmoid in eight bits cannot tell 0.999 from 1, and most right answers lie there; a softmax can.
    ExportForm(
        "litert-int8", ("model-int8.tflite",), ("litert",), exact=False, normalised=True, takes=("ai-edge-litert",)
    ),
    ExportForm("saved-model", ("saved-model",), ("tensorflow",), exact=True),
    ExportForm(
        "c-array",
        ("model_int8.c", "model_int8.h"),
        ("litert",),
        exact=False,
        normalised=True,
        takes=("ai-edge-litert",),
    ),
)
FORMS = {form.name: form for form in _ALL}


def select_forms(names: Iterable[str], with_scaling: bool) -> list[ExportForm]:
    """The forms of these names, `all` being each of them; refused in a line where a package is not installed."""
    unknown = set(names) - {"all", *FORMS}
    if unknown:
        raise RunError(f"no form is called {', '.join(sorted(unknown))}. There are: {', '.join(FORMS)}, all")
    asked = set(names) | ({"onnx-with-scaling"} if with_scaling else set())
    forms = [form for form in _ALL if asked & {"all", form.name}]
    lacking = {form.name: missing(form) for form in forms if missing(form)}
    if lacking:
        packages = sorted({package for found in lacking.values() for package in found})
        raise RunError(
            f"{', '.join(lacking)}: cannot be made without {' and '.join(packages)}: "
            f"pip install 'mnist-pipeline[export]'"
        )
    return forms


def missing(form: ExportForm) -> list[str]:
    """The packages of the extra that a form takes and that are not there."""
    return [name for name in form.takes if find_spec(PACKAGES[name]) is None]


def makeable() -> list[ExportForm]:
    """The forms that can be made with what is installed."""
    return [form for form in _ALL if not missing(form)]


def files_of(paths: list[Path]) -> list[dict[str, Any]]:
    """Name, size and digest of each file, as the card lists them; the files of a folder by their paths in it."""
    files = [(path, file) for path in paths for file in (sorted(path.rglob("*")) if path.is_dir() else [path])]
    return [
        {"file": file.relative_to(path.parent).as_posix(), "bytes": file.stat().st_size, "sha256": _sha256(file)}
        for path, file in files
        if file.is_file()
    ]


def unchanged(forms: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Those forms on a card whose files in the folder still have the digests that the card gives."""
    return {
        name: form
        for name, form in forms.items()
        if all(_sha256(folder / file["file"]) == file["sha256"] for file in form["files"])
    }


def _sha256(file: Path) -> str | None:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else None
