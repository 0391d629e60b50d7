"""A trained Keras network changed at its ends for those who receive it, its weights untouched."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.config.schema import Output
from mnist_pipeline.data import Part, load_part
from mnist_pipeline.errors import ExportError, RunError
from mnist_pipeline.exports import card
from mnist_pipeline.exports.c_array import save_c
from mnist_pipeline.exports.eight_bits import calibration_images, save_int8_onnx, save_litert
from mnist_pipeline.exports.forms import FORMS, PACKAGES, ExportForm, Reader
from mnist_pipeline.exports.proof import Keras, KerasRuntime, Proof, SavedModelRuntime, compare, require
from mnist_pipeline.exports.signature import read_signature
from mnist_pipeline.pixels.preprocess import PIXEL, SIDE, scale
from mnist_pipeline.prediction import runtimes
from mnist_pipeline.runs.files import remove, write_json, write_text
from mnist_pipeline.runs.provenance import versions
from mnist_pipeline.runs.run import Run
from mnist_pipeline.runs.watching import Watcher
from mnist_pipeline.training import backend, scoring
from mnist_pipeline.training.backend import keras
from mnist_pipeline.training.fit import weights_sha256
from mnist_pipeline.training.keras_file import load_model
from mnist_pipeline.training.saving import save_folder, save_onnx


def normalised(model: keras.Model) -> keras.Model:
    """The network with a softmax at its end, which is what normalising sigmoids comes to; a softmax stays."""
    last = model.layers[-1]
    if last.activation is keras.activations.softmax:
        return model
    softmax = keras.layers.Dense(last.units, activation="softmax", name="probabilities")
    changed = keras.Model(model.inputs[0], softmax(last.input), name=model.name)
    softmax.set_weights(last.get_weights())
    return changed


def from_pixels(model: keras.Model) -> keras.Model:
    """The network that takes (n, 28, 28) bytes as they are in a picture and gives normalised probabilities."""
    pixels = keras.Input((SIDE, SIDE), dtype="uint8", name="pixels")
    x = keras.layers.Rescaling(float(PIXEL), name="scale")(pixels)
    x = keras.layers.Reshape(model.input_shape[1:], name="shape")(x)
    return keras.Model(pixels, normalised(model)(x), name=model.name)


_BATCH = 500
_TOOLS = ("mnist-pipeline", "tensorflow", "keras", "onnx", "tf2onnx", "opencv-python-headless")


def export_run(run: Run, forms: list[ExportForm], watcher: Watcher) -> None:
    """Write every form that holds, and the card; afterwards say which did not hold."""
    workshop = _Workshop(run, watcher)
    failures = []
    for form in forms:
        watcher.note(f"{form.name}: writing and checking")
        try:
            entry = workshop.make(form)
        except ExportError as error:
            failures.append(str(error))
        except OSError as error:
            raise RunError(f"{run.exports}: cannot be written ({error.strerror or error})") from None
        else:
            for check in entry["checks"]:
                watcher.note(f"  {Proof(**check).sentence()}")
        workshop.write_card()
    if failures:
        raise ExportError("\n".join(failures))


class _Workshop:
    """One run's model, what it gives for the test images, and the forms made of it so far."""

    def __init__(self, run: Run, watcher: Watcher) -> None:
        self._run, self._folder, self._watcher = run, run.exports, watcher
        self._config, self._threshold = run.config(), run.threshold()
        self._test = load_part(self._config.data.source, "test")
        train = load_part(self._config.data.source, "train")
        self._calibration = calibration_images(train.images)
        backend.start()
        self._model = load_model(run.model_file)
        self._train_sha256 = train.sha256
        self._keras = self._reference()
        self._int8: bytes | None = None
        self._kept: dict[str, Any] = card.still_there(run.export_card().get("forms", {}), self._folder)

    def make(self, form: ExportForm) -> dict[str, Any]:
        """One form: written aside, checked, put in its place; what does not hold leaves nothing there."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._kept.pop(form.name, None)
        # Named like every unfinished file, so that what a killed process leaves is swept away.
        with tempfile.TemporaryDirectory(dir=self._folder, prefix=".writing-") as aside:
            paths = [Path(aside) / name for name in form.files]
            try:
                entry = self._written(form, paths)
            except ExportError:
                for path in paths:
                    remove(self._folder / path.name)
                raise
            entry["files"] = card.files_of(paths)
            for path in paths:
                remove(self._folder / path.name)
                path.replace(self._folder / path.name)
        self._kept[form.name] = entry
        return entry

    def _written(self, form: ExportForm, paths: list[Path]) -> dict[str, Any]:
        model = normalised(self._model) if form.normalised else self._model
        checked = paths[0].with_name("model-int8.tflite") if form.name == "c-array" else paths[0]
        self._save(form, model, checked)
        proofs = self._proofs(form, checked)
        entry = read_signature(checked)
        if form.name == "c-array":
            about = f"Run {self._run.name}, weights {weights_sha256(model)[:16]}."
            save_c(checked.read_bytes(), entry["input"], entry["output"], paths[0], about)
        return {**entry, **card.meaning(self._output(form)), "checks": [proof.tree() for proof in proofs]}

    def _save(self, form: ExportForm, model: keras.Model, path: Path) -> None:
        if form.name == "onnx-with-scaling":
            save_onnx(from_pixels(self._model), path)
        elif form.name == "onnx":
            save_onnx(model, path)
        elif form.name == "onnx-int8":
            save_int8_onnx(model, path, self._calibration)
        elif form.name == "saved-model":
            save_folder(model, path)
        elif form.name == "litert":
            save_litert(model, path)
        elif self._int8:
            path.write_bytes(self._int8)
        else:
            save_litert(model, path, self._calibration)
            self._int8 = path.read_bytes()

    def _proofs(self, form: ExportForm, path: Path) -> list[Proof]:
        """What every reader that is installed gives.

        One that does not hold ends it; in eight bits the first reader decides, and another that fails is no reader.
        """
        proofs: list[Proof] = []
        for reader in form.readers:
            if reader == "tensorflow" or runtimes.installed(reader):
                try:
                    proofs.append(self._proof(form, reader, path))
                except ExportError as error:
                    if form.exact or not proofs:
                        raise
                    self._watcher.note(f"  not for {reader}: {error}")
        return proofs

    def _proof(self, form: ExportForm, reader: Reader, path: Path) -> Proof:
        try:
            runtime = SavedModelRuntime(path) if reader == "tensorflow" else runtimes.open_runtime(path, reader)
        except RunError as error:
            raise ExportError(f"{form.name}: not kept: {error}") from None
        proof = compare(form, reader, _scores(runtime, self._test), self._keras)
        require(form, proof)
        return proof

    def _reference(self) -> Keras:
        outputs, _ = scoring.outputs(self._model, self._config, self._test)
        model = normalised(self._model)
        probabilities = outputs if model is self._model else _scores(KerasRuntime(model), self._test)
        return Keras(outputs, probabilities, self._test.labels)

    def _output(self, form: ExportForm) -> Output:
        return "softmax" if form.normalised else self._config.model.output

    def write_card(self) -> None:
        """What there is now, for people and for programs."""
        tree = {
            "name": self._run.name,
            "description": self._config.description,
            "weights_sha256": weights_sha256(self._model),
            "parameters": self._model.count_params(),
            "classes": [str(digit) for digit in range(10)],
            "keras": {
                "test_accuracy": float((self._keras.outputs.argmax(axis=1) == self._test.labels).mean()),
                "n": len(self._test),
            },
            "calibration_images": len(self._calibration),
            "data": {
                "source": self._config.data.source,
                "train_sha256": self._train_sha256,
                "test_sha256": self._test.sha256,
                "licence": card.licence(self._config.data.source),
            },
            "preparation": card.preparation(),
            "refuses_below": self._threshold,
            "versions": versions((*_TOOLS, *PACKAGES)),
            "forms": {name: self._kept[name] for name in FORMS if name in self._kept},
        }
        write_json(self._run.export_card_file, tree)
        write_text(self._run.export_card_file.with_suffix(".md"), card.markdown(tree))


def _scores(runtime: Any, part: Part) -> NDArray[np.float32]:
    starts = range(0, len(part), _BATCH)
    return np.concatenate([runtime.scores(scale(part.images[at : at + _BATCH])) for at in starts])
