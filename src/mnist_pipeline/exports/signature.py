"""The signature of an exported file, read from the file itself: names, shapes and types of its input and its output.

For a model in eight bits it also holds the scale and the zero point: value = (stored - zero_point) * scale.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx

from mnist_pipeline.numerals import DIGITS
from mnist_pipeline.training.backend import tf

_Tensor = dict[str, Any]
_RANGES = {"float32": "0 to 1: pixel / 255", "uint8": "0 to 255: the pixel itself"}


def read_signature(path: Path, classes: int = len(DIGITS)) -> dict[str, _Tensor]:
    """The `input` and the `output` of an ONNX file, a LiteRT file, a page or a SavedModel's folder; n is the batch."""
    if path.suffix == ".html":
        into, out = _of_page(classes)
    else:
        into, out = {".onnx": _of_onnx, ".tflite": _of_litert}.get(path.suffix, _of_saved_model)(path)
    return {"input": {**into, "range": _range(into)}, "output": out}


def _of_onnx(path: Path) -> Iterator[_Tensor]:
    graph = onnx.load(path).graph
    for tensor in (graph.input[0], graph.output[0]):
        kind = onnx.helper.tensor_dtype_to_np_dtype(tensor.type.tensor_type.elem_type)
        shape = [side.dim_param or side.dim_value for side in tensor.type.tensor_type.shape.dim]
        yield {"name": tensor.name, "shape": shape, "type": str(kind)}


def _of_litert(path: Path) -> Iterator[_Tensor]:
    from ai_edge_litert.interpreter import Interpreter  # the extra may not be there

    interpreter = Interpreter(model_path=str(path))
    served = interpreter.get_signature_list()["serving_default"]
    tensors = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    for name, tensor in zip((served["inputs"][0], served["outputs"][0]), tensors, strict=True):
        shape = ["n" if side < 0 else int(side) for side in tensor["shape_signature"]]
        (scale, zero_point), kind = tensor["quantization"], tensor["dtype"].__name__
        steps = {} if kind == "float32" else {"scale": float(scale), "zero_point": int(zero_point)}
        yield {"name": name, "shape": shape, "type": kind, **steps}


def _of_page(classes: int) -> Iterator[_Tensor]:
    """What the functions in the page's code take and give."""
    yield {"name": "pixels", "shape": [784], "type": "uint8"}
    yield {"name": "probabilities", "shape": [classes], "type": "float64"}


def _of_saved_model(path: Path) -> Iterator[_Tensor]:
    loaded = tf.saved_model.load(str(path))  # kept, because its signatures die with it
    served = loaded.signatures["serving_default"]
    for tensors in (served.structured_input_signature[1], served.structured_outputs):
        ((name, tensor),) = tensors.items()
        shape = ["n" if side is None else side for side in tensor.shape]
        yield {"name": name, "shape": shape, "type": tensor.dtype.name}


def _range(tensor: _Tensor) -> str:
    if "scale" not in tensor:
        return _RANGES[tensor["type"]]
    scale, zero_point = tensor["scale"], tensor["zero_point"]
    if abs(scale - 1 / 255) < 1e-9 and zero_point == -128:
        return "-128 to 127: pixel - 128"
    return f"-128 to 127: round(pixel / 255 / {scale:.9g}) + ({zero_point})"
