"""What the network of an ONNX file from elsewhere may hold: operators, tensors, and the memory and work of an image.

Checked from the file alone, in the process of foreign.py, before a runtime reads the file: OpenCV crashes over a loop,
ONNX Runtime follows one without end, and a few nodes can make gigabytes out of nothing. The images of zeros that the
process then tries would not show what another image costs, so every size has to follow from the file alone.
"""

from collections.abc import Iterable, Iterator
from math import prod
from pathlib import Path

import onnx

from mnist_pipeline.errors import RunError
from mnist_pipeline.pixels.preprocess import SIDE

# What the exporters of PyTorch, TensorFlow and Keras write for classifiers of images: no loops, no branches, and
# nothing that makes much out of little.
_OPERATORS = {
    "Conv", "ConvInteger", "Gemm", "MatMul", "MatMulInteger", "QLinearConv", "QLinearMatMul", "QuantizeLinear",
    "DequantizeLinear", "DynamicQuantizeLinear", "BatchNormalization", "InstanceNormalization", "LayerNormalization",
    "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "ReduceMax", "ReduceMean", "ReduceSum",
    "Relu", "LeakyRelu", "PRelu", "Elu", "Selu", "Celu", "Gelu", "Clip", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh",
    "Erf", "Softplus", "Softsign", "Mish", "Softmax", "LogSoftmax", "Add", "Sub", "Mul", "Div", "Pow", "Sqrt",
    "Reciprocal", "Exp", "Log", "Neg", "Abs", "Min", "Max", "Sum", "Cast", "Concat", "Constant", "Dropout", "Flatten",
    "Gather", "Identity", "Pad", "Reshape", "Shape", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze",
}  # fmt: skip
_CONVOLUTIONS = {"Conv": 1, "ConvInteger": 1, "QLinearConv": 3}  # and which of their inputs holds the weights
_TYPES = {
    onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16, onnx.TensorProto.BOOL,
    onnx.TensorProto.INT8, onnx.TensorProto.UINT8, onnx.TensorProto.INT32, onnx.TensorProto.INT64,
}  # fmt: skip
_MOST_NODES = 2000
_WIDEST = 64  # pixels of a kernel, a stride or a margin; an image has 28
_LARGEST_VALUES = 8 * 2**20  # bytes of all that is computed for one image; of our networks at most 1
_LARGEST_CONSTANTS = 128 * 2**20  # bytes computed from constants alone, such as weights out of their eight bits
_MOST_WORK = 10**9  # multiplications for one image: more than a ResNet-18 takes, and of our networks at most 10 million

Shape = tuple[int, ...]


def check_network(path: Path) -> None:
    """Raise a RunError of one line for a damaged file, and for a network that is no digit classifier of usual size."""
    try:
        model = onnx.load(path, load_external_data=False)
        problem = next(_in_file(model), None)
        if problem is None:
            onnx.checker.check_model(model)
            problem = next(_in_shapes(model), None)
    except Exception as error:  # protobuf's, the checker's, and what Python makes of their texts
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        problem = f"the model is damaged ({first[:200]})"
    if problem:
        raise RunError(f"{path}: {problem}")


def _in_file(model: onnx.ModelProto) -> Iterator[str]:
    """What speaks against a file, as far as it shows without computing shapes."""
    graph = model.graph
    if model.functions or model.training_info:
        yield "has functions of its author's own, which are not read here"
    if len(graph.node) > _MOST_NODES:
        yield f"has {len(graph.node):,} nodes, more than the {_MOST_NODES:,} read here"
    if graph.sparse_initializer:
        yield "has sparse weights, which are not read here"
    yield from _in_tensors(graph.initializer)
    for node in graph.node:
        if node.domain not in ("", "ai.onnx") or node.op_type not in _OPERATORS:
            kind = ".".join(filter(None, (node.domain, node.op_type)))
            yield f"has a node {kind[:40]!r}, which is none that a digit classifier is made of"
        for attribute in node.attribute:
            yield from _in_attribute(attribute)


def _in_attribute(attribute: onnx.AttributeProto) -> Iterator[str]:
    if attribute.HasField("g") or attribute.graphs or attribute.HasField("sparse_tensor") or attribute.sparse_tensors:
        yield "has a graph inside a node, which no digit classifier needs"
    yield from _in_tensors(attribute.tensors)
    if attribute.HasField("t"):
        yield from _in_tensors([attribute.t])
    where = attribute.name in ("kernel_shape", "strides", "dilations", "pads")
    if where and not all(0 <= pixels <= _WIDEST for pixels in attribute.ints):
        yield f"has {attribute.name} of more than {_WIDEST} pixels"


def _in_tensors(tensors: Iterable[onnx.TensorProto]) -> Iterator[str]:
    for tensor in tensors:
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            yield "keeps weights in other files, which are not read here"
        if tensor.data_type not in _TYPES:
            yield "has weights of a kind that is not read here"
        elif min(tensor.dims, default=0) < 0 or prod(tensor.dims) != _held(tensor):
            yield "the model is damaged (a tensor holds more or less than its shape says)"


def _held(tensor: onnx.TensorProto) -> int:
    """The number of values that a tensor's data hold."""
    if tensor.HasField("raw_data"):
        return len(tensor.raw_data) // _width(tensor.data_type)
    return len(tensor.float_data) + len(tensor.double_data) + len(tensor.int32_data) + len(tensor.int64_data)


def _width(kind: int) -> int:
    return int(onnx.helper.tensor_dtype_to_np_dtype(kind).itemsize)


def _in_shapes(model: onnx.ModelProto) -> Iterator[str]:
    """What speaks against a network once the shape of each value is computed for one image."""
    constants = {constant.name for constant in model.graph.initializer}
    takes = [value for value in model.graph.input if value.name not in constants]
    if len(takes) != 1 or not takes[0].type.tensor_type.shape.dim:
        yield f"no digit classifier: it has to take one image, and takes {len(takes)} inputs"
    dims = takes[0].type.tensor_type.shape.dim
    dims[0].Clear()
    dims[0].dim_value = 1
    if prod(side.dim_value for side in dims) != SIDE * SIDE:
        yield f"no digit classifier: it has to take images of {SIDE}x{SIDE} pixels"
    for value in (*model.graph.output, *model.graph.value_info):
        value.type.tensor_type.ClearField("shape")  # computed anew: what a file claims may be wrong
    del model.graph.value_info[:]
    inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True).graph
    sizes = dict(_sizes(inferred))
    unknown = next((node for node in inferred.node if any(name and name not in sizes for name in node.output)), None)
    if unknown is not None:
        yield f"how large its node {unknown.op_type} becomes cannot be told from the file"
    yield from _in_costs(inferred, sizes, constants)


def _sizes(graph: onnx.GraphProto) -> Iterator[tuple[str, tuple[Shape, int]]]:
    """Name, shape and bytes of every constant, input and result whose shape is known."""
    for constant in graph.initializer:
        yield constant.name, (tuple(constant.dims), prod(constant.dims) * _width(constant.data_type))
    for value in (*graph.input, *graph.value_info, *graph.output):
        kind, dims = value.type.tensor_type.elem_type, value.type.tensor_type.shape.dim
        known = value.type.tensor_type.HasField("shape") and all(side.HasField("dim_value") for side in dims)
        if known and kind in _TYPES:
            shape = tuple(side.dim_value for side in dims)
            yield value.name, (shape, prod(shape) * _width(kind))


def _in_costs(graph: onnx.GraphProto, sizes: dict[str, tuple[Shape, int]], constants: set[str]) -> Iterator[str]:
    """What speaks against a network: the bytes and the multiplications that it takes for one image."""
    values = made = work = 0
    constant = {*constants, ""}
    for node in graph.node:
        took = sum(sizes[name][1] for name in node.output if name)
        if constant.issuperset(node.input):
            constant.update(node.output)
            made += took
        else:
            values += took
        work += _work(node, [sizes[name][0] if name else () for name in node.input], sizes[node.output[0]][0])
    if values > _LARGEST_VALUES:
        yield f"would take {values / 2**20:,.0f} MiB for an image; allowed here are {_LARGEST_VALUES // 2**20}"
    if made > _LARGEST_CONSTANTS:
        yield f"would take {made / 2**20:,.0f} MiB; allowed here are {_LARGEST_CONSTANTS // 2**20}"
    if work > _MOST_WORK:
        yield f"would take {work:,} multiplications for an image; allowed here are {_MOST_WORK:,}"


def _work(node: onnx.NodeProto, inputs: list[Shape], output: Shape) -> int:
    """The multiplications of one node, roughly."""
    if node.op_type in _CONVOLUTIONS:
        return prod(output) * prod(inputs[_CONVOLUTIONS[node.op_type]][1:])
    if node.op_type in ("Gemm", "MatMul", "MatMulInteger", "QLinearMatMul"):
        return prod(output) * max(inputs[0], default=1)
    window = next((prod(found.ints) for found in node.attribute if found.name == "kernel_shape"), 1)
    return prod(output) * window + sum(map(prod, inputs))
