"""The forms in which a trained network is exported: their names, files, readers and the packages that they need."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import Any, Literal

from mnist_pipeline.errors import PackageError, RunError
from mnist_pipeline.packages import install, missing, need

PACKAGES = ("onnxruntime", "ai-edge-litert")  # of the extra
Reader = Literal["opencv", "onnxruntime", "litert", "tensorflow", "node"]


@dataclass(frozen=True)
class ExportForm:
    """One form of a trained network."""

    name: str
    files: tuple[str, ...]  # in the run's export/; a SavedModel is a folder
    readers: tuple[Reader, ...]  # that check it, as far as they are installed; the first has to be
    exact: bool  # whether labels and scores have to equal Keras'; in eight bits only the accuracy has to
    normalised: bool = False  # whether it ends in a softmax, also where the network ends in sigmoids
    takes: tuple[str, ...] = ()  # packages of the extra without which it cannot be made or checked
    measured: bool = True  # by bench; a C array is the bytes of litert-int8, and a page is for people

    of_means: bool = True  # whether it can be made of a run whose answer is a mean of several

    @property
    def program(self) -> str | None:
        """The program without which it cannot be checked, where that is not here."""
        return "node" if "node" in self.readers and which("node") is None else None


_ONNX: tuple[Reader, ...] = ("opencv", "onnxruntime")
_LITERT: dict[str, Any] = {"readers": ("litert",), "takes": ("ai-edge-litert",)}
# A sigmoid in eight bits cannot tell 0.999 from 1, where most right answers of R1 lie: 88.2 % right instead of 97.3 %.
_LITERT_INT8: dict[str, Any] = {**_LITERT, "exact": False, "normalised": True}
_NO_PACKAGE = ", which is no Python package and not on the PATH: install Node.js (nodejs.org)"
# In both its answers are probabilities. Where its code was not run over the test images, there is no page.
_PAGE: dict[str, Any] = {"readers": ("node",), "normalised": True, "measured": False, "of_means": False}
NO_MEANS = "a page computes one network on one view of an image, and this run's answer is a mean of several"
FORMS = {
    form.name: form
    for form in (
        ExportForm("onnx", ("model.onnx",), _ONNX, exact=True),
        ExportForm("onnx-with-scaling", ("model-with-scaling.onnx",), _ONNX, exact=True, normalised=True),
        ExportForm("onnx-int8", ("model-int8.onnx",), ("onnxruntime", "opencv"), exact=False, takes=("onnxruntime",)),
        ExportForm("litert", ("model.tflite",), exact=True, **_LITERT),
        ExportForm("litert-int8", ("model-int8.tflite",), **_LITERT_INT8),
        ExportForm("saved-model", ("saved-model",), ("tensorflow",), exact=True),
        ExportForm("c-array", ("model_int8.c", "model_int8.h"), **_LITERT_INT8, measured=False),
        ExportForm("page", ("page.html",), exact=False, **_PAGE),
        ExportForm("page-float", ("page-float.html",), exact=True, **_PAGE),
    )
}


def select_forms(names: Iterable[str], with_scaling: bool) -> list[ExportForm]:
    """The forms of these names, `all` being all that can be made here; a named one that cannot is refused in a line."""
    if unknown := set(names) - {"all", *FORMS}:
        raise RunError(f"no form is called {', '.join(sorted(unknown))}. There are: {', '.join(FORMS)}, all")
    asked = set(names) | ({"onnx-with-scaling"} if with_scaling else set())
    forms = [form for form in FORMS.values() if form.name in asked or ("all" in asked and not lacking_for(form))]
    lacking = [form for form in forms if missing(form.takes)]
    packages = {name for form in lacking for name in form.takes}
    need(f"exporting {', '.join(form.name for form in lacking)}", *sorted(packages))
    for form in forms:
        if form.program:
            raise PackageError(f"exporting {form.name} takes {form.program}{_NO_PACKAGE}")
    return forms


def lacking_for(form: ExportForm) -> list[str]:
    """The packages and the program that a form takes and that are not here."""
    return [*missing(form.takes), *([form.program] if form.program else [])]


def left_out() -> list[str]:
    """A line for each form that cannot be made here: the packages that it takes, and how to get them."""
    return [
        f"{form.name}: takes {' and '.join(lacking)}{_NO_PACKAGE if form.program else f': {install(form.takes)}'}"
        for form in FORMS.values()
        if (lacking := lacking_for(form))
    ]


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
