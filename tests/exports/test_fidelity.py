"""Every exported form gives what Keras gives, read by the libraries it is for."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_pipeline.data import Part
from mnist_pipeline.pixels.preprocess import scale
from mnist_pipeline.prediction.runtimes import normalised, open_runtime, output_of
from mnist_pipeline.runs.run import Run

FILES = {
    "onnx": "model.onnx", "onnx-with-scaling": "model-with-scaling.onnx", "onnx-int8": "model-int8.onnx",
    "litert": "model.tflite", "litert-int8": "model-int8.tflite",
}  # fmt: skip
READ_BY = [
    (form, reader)
    for form in FILES
    for reader in (("litert",) if form.startswith("litert") else ("opencv", "onnxruntime"))
]


@pytest.mark.parametrize(("form", "reader"), READ_BY)
def test_every_reader_gives_what_keras_gives(
    exported: Run, form: str, reader: Any, test_images: Part, keras_outputs: np.ndarray[Any, Any]
) -> None:
    """The promise itself, by none of the code that checks it when exporting."""
    found = open_runtime(exported.exports / FILES[form], reader).scores(scale(test_images.images))
    right = (found.argmax(1) == test_images.labels).mean()
    if "int8" in form:
        assert right >= (keras_outputs.argmax(1) == test_images.labels).mean() - 0.001
        return
    expected = normalised(keras_outputs, "sigmoid") if form == "onnx-with-scaling" else keras_outputs
    top = np.sort(keras_outputs, axis=1)
    clear = top[:, -1] - top[:, -2] > 1e-5
    assert clear.sum() > 9_900
    assert (found.argmax(1) == keras_outputs.argmax(1))[clear].all()
    # Sigmoids next to 1 have lost what normalising them would need; there the file knows more than Keras' output.
    far_from_one = keras_outputs.max(axis=1) < 0.99
    rows = far_from_one if form == "onnx-with-scaling" else slice(None)
    np.testing.assert_allclose(found[rows], expected[rows], atol=1e-5)


def test_the_saved_model_is_served_by_tensorflow_and_gives_the_same(
    exported: Run, test_images: Part, keras_outputs: np.ndarray[Any, Any]
) -> None:
    from mnist_pipeline.training.backend import tf

    served = tf.saved_model.load(str(exported.exports / "saved-model")).signatures["serving_default"]
    (found,) = served(image=tf.constant(scale(test_images.images[:500]))).values()
    np.testing.assert_allclose(found.numpy(), keras_outputs[:500], atol=1e-5)


def test_the_eight_bit_dense_network_is_small(exported: Run) -> None:
    assert (exported.exports / "model-int8.tflite").stat().st_size <= 50_000
    assert (exported.exports / "model-int8.onnx").stat().st_size <= 60_000


def test_two_products_of_eight_bits_fit_sixteen(exported: Run) -> None:
    """Processors without instructions for eight bits add two at a time in sixteen, and cut off what does not fit."""
    import onnx

    tensors = onnx.load(exported.exports / "model-int8.onnx").graph.initializer
    weights = [onnx.numpy_helper.to_array(tensor) for tensor in tensors if len(tensor.dims) > 1]
    quantised = [matrix for matrix in weights if matrix.dtype == np.int8]
    assert len(quantised) == len(weights) - 1  # the last product stays in float
    assert all(2 * 255 * np.abs(matrix.astype(int)).max() < 2**15 for matrix in quantised)


def test_pixels_go_into_the_scaled_form_as_they_are(exported: Run, test_images: Part) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(exported.exports / "model-with-scaling.onnx")
    (into,) = session.get_inputs()
    assert (into.name, into.type, into.shape) == ("pixels", "tensor(uint8)", ["n", 28, 28])
    (found,) = session.run(None, {"pixels": test_images.images[:100]})
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
    assert (found.argmax(1) == test_images.labels[:100]).mean() > 0.9


def test_eight_bit_litert_takes_pixels_less_128(exported: Run, test_images: Part) -> None:
    """By LiteRT itself, as a phone would: bytes in, bytes out, no float anywhere."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(exported.exports / "model-int8.tflite"))
    interpreter.allocate_tensors()
    (into,), (out,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert into["dtype"] == out["dtype"] == np.int8
    assert into["quantization"] == (pytest.approx(1 / 255), -128)
    interpreter.set_tensor(into["index"], (test_images.images[:1].astype(int) - 128).astype(np.int8))
    interpreter.invoke()
    assert interpreter.get_tensor(out["index"]).argmax() == test_images.labels[0]


def test_what_the_scores_are_is_seen_from_the_file(exported: Run) -> None:
    kinds = {form: output_of(open_runtime(exported.exports / file)) for form, file in FILES.items()}
    assert [form for form, kind in kinds.items() if kind == "sigmoid"] == ["onnx", "onnx-int8", "litert"]


def test_the_c_array_compiles_and_holds_the_model(exported: Run, tmp_path: Path) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler here")
    (tmp_path / "main.c").write_text(
        '#include <stdio.h>\n#include "model_int8.h"\n'
        "int main(void) {\n"
        "  int dimensions[] = MNIST_INPUT_DIMENSIONS;\n"
        "  double scale = MNIST_INPUT_SCALE;\n"
        "  if (dimensions[1] != MNIST_INPUT_HEIGHT || MNIST_INPUT_ZERO_POINT != -128 || scale > 0.00393) return 1;\n"
        "  return fwrite(mnist_model, 1, MNIST_MODEL_SIZE, stdout) != MNIST_MODEL_SIZE;\n"
        "}\n"
    )
    program = tmp_path / "program"
    source = exported.exports / "model_int8.c"
    words = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", f"-I{exported.exports}", "-o", str(program)]
    subprocess.run([compiler, *words, str(tmp_path / "main.c"), str(source)], check=True)
    out = subprocess.run([program], capture_output=True, check=True).stdout
    assert out == (exported.exports / "model-int8.tflite").read_bytes()
