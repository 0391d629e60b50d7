"""What an exported file takes and gives, read from the file itself: names, shapes, types, steps of eight bits."""

from pathlib import Path
from typing import Any

import onnx

from mnist_pipeline.training.backend import tf

_RANGES = {"float32": "0 to 1: pixel / 255", "uint8": "0 to 255: the pixel itself"}


def read_signature(path: Path) -> dict[str, dict[str, Any]]:
    """The `input` and the `output` of an ONNX file, a LiteRT file or a SavedModel's folder."""
    if path.suffix == ".onnx":
        found = _of_onnx(path)
    elif path.suffix == ".tflite":
        found = _of_litert(path)
    else:
        found = _of_folder(path)
    found["input"]["range"] = _range(found["input"])
    return found


def _of_onnx(path: Path) -> dict[str, dict[str, Any]]:
    graph = onnx.load(path).graph
    found = {}
    for end, tensor in (("input", graph.input[0]), ("output", graph.output[0])):
        shape = [side.dim_param or side.dim_value for side in tensor.type.tensor_type.shape.dim]
        kind = onnx.helper.tensor_dtype_to_np_dtype(tensor.type.tensor_type.elem_type)
        found[end] = {"name": tensor.name, "shape": shape, "type": str(kind)}
    return found


def _of_litert(path: Path) -> dict[str, dict[str, Any]]:
    from ai_edge_litert.interpreter import Interpreter  # the extra may not be there

    interpreter = Interpreter(model_path=str(path))
    signature = interpreter.get_signature_list()["serving_default"]
    found = {}
    for end, name, tensor in (
        ("input", signature["inputs"][0], interpreter.get_input_details()[0]),
        ("output", signature["outputs"][0], interpreter.get_output_details()[0]),
    ):
        kind = tensor["dtype"].__name__
        found[end] = {
            "name": name,
            "shape": ["n" if side < 0 else int(side) for side in tensor["shape_signature"]],
            "type": kind,
        }
        if kind != "float32":
            step, zero = tensor["quantization"]
            found[end] |= {"scale": float(step), "zero_point": int(zero)}
    return found


def _of_folder(path: Path) -> dict[str, dict[str, Any]]:
    served = tf.saved_model.load(str(path)).signatures["serving_default"]
    found = {}
    for end, tensors in (("input", served.structured_input_signature[1]), ("output", served.structured_outputs)):
        ((name, tensor),) = tensors.items()
        shape = ["n" if side is None else side for side in tensor.shape]
        found[end] = {"name": name, "shape": shape, "type": tensor.dtype.name}
    return found


def _range(end: dict[str, Any]) -> str:
    if "scale" not in end:
        return _RANGES[end["type"]]
    step, zero = end["scale"], end["zero_point"]
    if abs(step - 1 / 255) < 1e-9 and zero == -128:
        return "-128 to 127: pixel - 128"
    return f"-128 to 127: round(pixel / 255 / {step:.9g}) + ({zero})"
