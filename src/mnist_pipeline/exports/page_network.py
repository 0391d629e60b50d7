"""A network for the page: the layers of an ONNX file that this package wrote, as plain numbers in one text.

Only weights are in eight bits, each output channel with a step of its own; what is computed with them is not, so that
hardly anything is lost. In JSON stand the layers, in base64 behind one another their numbers.
"""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray

from mnist_pipeline.errors import ExportError

Bits = Literal[8, 32]
_Layer = dict[str, Any]
_Floats = NDArray[np.float32]
_ACTIVATIONS = {"Relu", "Elu", "Selu", "LeakyRelu", "Tanh", "Sigmoid"}
# They order the numbers, or find out a shape: a page has every layer's numbers by row, column and channel, as Keras.
_NOTHING_TO_COMPUTE = {"Reshape", "Transpose", "Squeeze", "Shape", "Gather", "Cast", "Slice", "Concat", "Identity"}


def read_network(path: Path, bits: Bits) -> dict[str, Any]:
    """The network of an ONNX file: its layers, and the text that holds all their numbers."""
    graph = onnx.load(path).graph
    constants = {constant.name: onnx.numpy_helper.to_array(constant) for constant in graph.initializer}
    layers: list[_Layer] = []
    same = {name: name for name in (graph.input[0].name,)}  # a value's name, and that of the layer's that it equals
    for node in graph.node:
        layer = _layer(node, [constants[name] for name in node.input if name in constants])
        taken = [same[name] for name in node.input if name in same]
        for name in node.output:
            same[name] = name if layer else "".join(taken[:1])
        if layer:
            layers.append(layer | {"takes": taken, "gives": node.output[0]})
    _join_swish(layers)
    _number(layers)
    return {"bits": bits, "layers": layers, "numbers": base64.b64encode(b"".join(_packed(layers, bits))).decode()}


def _layer(node: onnx.NodeProto, given: list[NDArray[Any]]) -> _Layer | None:
    """A node as a layer; None where it computes nothing."""
    kind, settings = node.op_type, {field.name: onnx.helper.get_attribute_value(field) for field in node.attribute}
    if kind in _NOTHING_TO_COMPUTE:
        return None
    if kind in _ACTIVATIONS:
        return {"kind": kind.lower(), "slope": float(settings.get("alpha", 0.01 if kind == "LeakyRelu" else 1.0))}
    if kind not in _LAYERS:
        raise ExportError(f"the page computes no {kind}: export another form")
    return _LAYERS[kind](given, settings)


def _convolution(given: list[_Floats], settings: dict[str, Any]) -> _Layer:
    kernel = given[0].transpose(2, 3, 1, 0)  # rows, columns, channels in, channels out
    top, left, *_ = settings.get("pads", [0, 0])
    # With one channel in for each filter: of a separable convolution the first half, in which channels are not mixed.
    kind = "depthwise" if settings.get("group", 1) > 1 else "conv"
    window = {"kernel": kernel.shape[:2], "before": [top, left], "stride": settings.get("strides", [1])[0]}
    return {"kind": kind, **window, **_weights(kernel, *given[1:])}


def _weights(weights: _Floats, bias: _Floats | None = None) -> _Layer:
    inputs, outputs = weights.shape[-2:]
    return {"inputs": inputs, "outputs": outputs, "weights": weights, **({} if bias is None else {"bias": bias})}


def _by_channel(given: list[_Floats], settings: dict[str, Any]) -> _Layer:
    """A batch normalization as one product and one sum for each channel."""
    gamma, beta, mean, variance = given
    scale = gamma / np.sqrt(variance + np.float32(settings.get("epsilon", 1e-5)))
    return {"kind": "scale", "scale": scale, "shift": beta - mean * scale}


def _sum(given: list[_Floats], _: dict[str, Any]) -> _Layer:
    """A summand for each channel; or a sum of two layers' values, behind residual blocks."""
    return {"kind": "scale", "shift": given[0].ravel()} if given else {"kind": "sum"}


def _product(given: list[_Floats], _: dict[str, Any]) -> _Layer:
    """A factor for each channel; or of two layers' values, which _join_swish knows."""
    return {"kind": "scale", "scale": given[0].ravel()} if given else {"kind": "product"}


_LAYERS: dict[str, Callable[[list[_Floats], dict[str, Any]], _Layer]] = {
    "Conv": _convolution,
    "MatMul": lambda given, _: {"kind": "dense", **_weights(given[0])},
    "BatchNormalization": _by_channel,
    "Mul": _product,
    "Add": _sum,
    "MaxPool": lambda _, settings: {"kind": "pool", "side": settings["kernel_shape"][0]},
    "GlobalAveragePool": lambda *_: {"kind": "average"},
    "ReduceMean": lambda *_: {"kind": "average"},
    "Softmax": lambda *_: {"kind": "softmax"},
}


def _join_swish(layers: list[_Layer]) -> None:
    """Make one layer (SiLU) of a sigmoid and the product with what went into it, between which a factor may stand."""
    while any(layer["kind"] == "product" for layer in layers):
        product = next(at for at, layer in enumerate(layers) if layer["kind"] == "product")
        sigmoid = max(at for at in range(product) if layers[at]["kind"] == "sigmoid")
        layers[sigmoid] |= {"kind": "silu"}
        layers[product - 1]["gives"] = layers[product]["gives"]
        del layers[product]


def _number(layers: list[_Layer]) -> None:
    """Say by number which layers another takes its values from, -1 the image, where it is not the one before it."""
    numbers = {layer.pop("gives"): number for number, layer in enumerate(layers)}
    for number, layer in enumerate(layers):
        sources = [numbers.get(name, -1) for name in layer.pop("takes")]
        if sources != [number - 1]:
            layer["from"] = sources


def _packed(layers: list[_Layer], bits: Bits) -> list[bytes]:
    """Take the numbers out of the layers, in whose places stays how many there are; floats first, then bytes."""
    floats: list[bytes] = []
    steps: list[bytes] = []
    for layer in layers:
        for name in ("weights", "bias", "scale", "shift"):
            if name not in layer:
                continue
            values = np.asarray(layer[name], "<f4")
            layer[name] = values.size
            if name == "weights" and bits == 8:
                step = np.maximum(np.abs(values).reshape(-1, values.shape[-1]).max(axis=0) / 127, np.float32(1e-12))
                floats.append(step.astype("<f4").tobytes())
                steps.append(np.rint(values / step).astype(np.int8).tobytes())
            else:
                floats.append(values.tobytes())
    return [*floats, *steps]
