"""The export of a trained run: each form is written aside, proven equal to the Keras model, and only then kept."""

import tempfile
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.data import Part, load_part
from mnist_pipeline.data.sources import PartName
from mnist_pipeline.errors import ExportError, RunError
from mnist_pipeline.exports import texts
from mnist_pipeline.exports.eight_bits import calibration_images, litert, save_int8_onnx
from mnist_pipeline.exports.forms import FORMS, PACKAGES, ExportForm, Reader, files_of, unchanged
from mnist_pipeline.exports.metadata import citation, croissant
from mnist_pipeline.exports.page import save_page
from mnist_pipeline.exports.page_proof import NodeRuntime
from mnist_pipeline.exports.proof import KerasRuntime, Proof, Reference, SavedModelRuntime, compare, require
from mnist_pipeline.exports.signature import read_signature
from mnist_pipeline.pixels.preprocess import PIXEL, SIDE, scale
from mnist_pipeline.prediction import runtimes
from mnist_pipeline.runs.files import remove, write_json, write_text
from mnist_pipeline.runs.provenance import CODE, versions
from mnist_pipeline.runs.run import Run
from mnist_pipeline.runs.watching import Watcher
from mnist_pipeline.training import backend, scoring
from mnist_pipeline.training.backend import keras
from mnist_pipeline.training.keras_file import weights_sha256
from mnist_pipeline.training.means import with_softmax
from mnist_pipeline.training.saving import load_network, save_onnx

_PARTS: tuple[PartName, PartName] = ("test", "train")
_BATCH = 500  # test images that a runtime is given at a time
_TOOLS = ("tensorflow", "keras", "onnx", "tf2onnx", "opencv-python-headless")


def export_run(run: Run, forms: list[ExportForm], watcher: Watcher) -> None:
    """Write the forms and the card; a form that is not equal is left out, and named in an error once all are done."""
    exporter = _Exporter(run, watcher)
    failures = []
    for form in forms:
        watcher.note(f"{form.name}: writing and checking")
        try:
            entry = exporter.export(form)
        except ExportError as error:
            failures.append(str(error))
        except OSError as error:
            raise RunError(f"{run.exports}: cannot be written ({error.strerror or error})") from None
        else:
            for check in entry["checks"]:
                watcher.note(f"  {Proof(**check).sentence()}")
        exporter.write_card()
    if failures:
        raise ExportError("\n".join(failures))


class _Exporter:
    """A run's model, its outputs for the test images as reference, and the card's entries of the forms that hold."""

    def __init__(self, run: Run, watcher: Watcher) -> None:
        self._run, self._watcher = run, watcher
        self._config, self._threshold = run.config(), run.threshold()
        data, self._classes = self._config.data, run.classes
        self._test, train = (load_part(data.source, part, self._classes, transposed=data.transposed) for part in _PARTS)
        self._train_sha256, self._calibration = train.sha256, calibration_images(train.images)
        self._images = {"train": len(train), "test": len(self._test)}
        backend.start()
        self._model = load_network(run)
        self._softmax_model = with_softmax(self._model)
        outputs, _ = scoring.outputs(self._model, self._config, self._test)
        same = self._softmax_model is self._model
        probabilities = outputs if same else _scores(KerasRuntime(self._softmax_model), self._test)
        self._reference = Reference(outputs, probabilities, self._test.labels)
        self._entries: dict[str, Any] = unchanged(run.export_card().get("forms", {}), run.exports)

    def export(self, form: ExportForm) -> dict[str, Any]:
        """Put one form into the run's export/ and give its entry for the card; one that does not hold is removed."""
        folder = self._run.exports
        folder.mkdir(parents=True, exist_ok=True)
        self._entries.pop(form.name, None)
        # Named like every unfinished file, so that what a killed process leaves is swept away.
        with tempfile.TemporaryDirectory(dir=folder, prefix=".writing-") as aside:
            paths = [Path(aside) / name for name in form.files]
            try:
                entry = self._prove(form, paths)
            except ExportError:
                for path in paths:
                    remove(folder / path.name)
                raise
            entry["files"] = files_of(paths)
            for path in paths:
                remove(folder / path.name)  # a folder cannot be replaced by another
                path.replace(folder / path.name)
        self._entries[form.name] = entry
        return entry

    def _prove(self, form: ExportForm, paths: list[Path]) -> dict[str, Any]:
        """Write the form's files and check them; gives the entry for the card, but for the files."""
        # A C array is checked by the LiteRT file whose bytes it holds.
        checked = paths[0].with_name("model-int8.tflite") if form.name == "c-array" else paths[0]
        self._save(form, checked)
        proofs = self._proofs(form, checked)
        entry = read_signature(checked, len(self._classes))
        if form.name == "c-array":
            about = f"Run {self._run.name}, weights {weights_sha256(self._softmax_model)[:16]}."
            texts.save_c(checked.read_bytes(), entry, paths, about, self._classes)
        output = "softmax" if form.normalised else self._config.model.output
        checks = [asdict(proof) for proof in proofs]
        return {**entry, "scores": output, "needs_normalising": output == "sigmoid", "checks": checks}

    def _save(self, form: ExportForm, path: Path) -> None:
        match form.name:
            case "onnx":
                save_onnx(self._model, path)
            case "onnx-with-scaling":
                save_onnx(from_pixels(self._softmax_model), path)
            case "onnx-int8":
                save_int8_onnx(self._model, path, self._calibration)
            case "saved-model":
                self._model.export(str(path), format="tf_saved_model", verbose=False)
            case "litert":
                path.write_bytes(litert(self._model))
            case "page" | "page-float":
                save_page(path, self._run, 8 if form.name == "page" else 32)
            case _:
                path.write_bytes(self._int8)

    @cached_property
    def _int8(self) -> bytes:
        """The LiteRT file in eight bits, which two forms hold."""
        return litert(self._softmax_model, self._calibration)

    def _proofs(self, form: ExportForm, path: Path) -> list[Proof]:
        """The comparison with Keras by each installed reader of the form; the first has to hold, or it is an error.

        In eight bits runtimes round differently, so a further reader that does not hold is left out and said; in float
        every reader has to hold.
        """
        proofs: list[Proof] = []
        for reader in form.readers:
            if reader != "tensorflow" and reader != "node" and not runtimes.installed(reader):
                continue
            try:
                proof = compare(form, reader, _scores(_opened(reader, path), self._test), self._reference)
                require(form, proof)
                proofs.append(proof)
            except (ExportError, RunError) as error:
                if form.exact or not proofs:
                    raise ExportError(f"{form.name}: not kept: {error}") from None
                self._watcher.note(f"  not for {reader}: {error}")
        return proofs

    def write_card(self) -> None:
        """Write card.json and card.md with the forms that are there now, and beside them what catalogues read."""
        source = self._config.data.source
        digests = {"train_sha256": self._train_sha256, "test_sha256": self._test.sha256}
        tree = {
            "name": self._run.name, "description": self._config.description,
            "weights_sha256": self._run.figures("train")["weights_sha256"], "parameters": self._model.count_params(),
            "classes": [*self._classes],
            "keras": {"test_accuracy": self._reference.accuracy, "n": len(self._test)},
            "calibration_images": len(self._calibration),
            "data": {"source": source, **digests, "licence": texts.licence(source)},
            "preparation": texts.preparation(self._classes), "refuses_below": self._threshold,
            "versions": CODE | versions((*_TOOLS, *PACKAGES)),
            "forms": {name: self._entries[name] for name in FORMS if name in self._entries},
        }  # fmt: skip
        write_json(self._run.export_card_file, tree)
        write_text(self._run.export_card_file.with_suffix(".md"), texts.markdown(tree))
        finished = self._run.figures("train")["finished"]
        write_text(self._run.exports / "CITATION.cff", citation(tree, finished, self._run.environment()))
        write_json(self._run.exports / "croissant.json", croissant(source, self._images, digests))


def from_pixels(model: keras.Model) -> keras.Model:
    """The network behind a layer that scales, so that it takes the (n, 28, 28) bytes of images."""
    pixels = keras.Input((SIDE, SIDE), dtype="uint8", name="pixels")
    x = keras.layers.Rescaling(float(PIXEL), name="scale")(pixels)
    x = keras.layers.Reshape(model.input_shape[1:], name="shape")(x)
    return keras.Model(pixels, model(x), name=model.name)


def _opened(reader: Reader, path: Path) -> Any:
    match reader:
        case "tensorflow":
            return SavedModelRuntime(path)
        case "node":
            return NodeRuntime(path)
        case _:
            return runtimes.open_runtime(path, reader)


def _scores(runtime: Any, part: Part) -> NDArray[np.float32]:
    batch = len(part) if isinstance(runtime, NodeRuntime) else _BATCH  # each batch starts Node anew
    starts = range(0, len(part), batch)
    return np.concatenate([runtime.scores(scale(part.images[at : at + batch])) for at in starts])
