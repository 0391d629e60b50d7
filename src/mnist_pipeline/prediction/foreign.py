"""Model files from elsewhere: each is tried out in a process of its own before this one opens it.

A file in the artifacts folder was written by this package and is trusted. Any other may be a download, and each
runtime crashes over some files. In order: `vet` has its size and first bytes checked; the process, with little memory
and time, looks through an ONNX file's network, has the runtime read it, and computes with it for an image of zeros.
Another image costs the same, because no size in the network may follow from the image.

This module is that process too: `python -m mnist_pipeline.prediction.foreign FILE RUNTIME`.
"""

import contextlib
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from mnist_pipeline.errors import RunError
from mnist_pipeline.packages import need
from mnist_pipeline.prediction import runtimes
from mnist_pipeline.process import command

_PATIENCE = 60  # seconds more than the bounds, where other processes want the processor too

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
# Those among them whose further inputs say what shape comes out or which values are taken.
_SHAPED = {
    "Gather", "Pad", "Reshape", "Slice", "Split", "Squeeze", "Unsqueeze", "ReduceMax", "ReduceMean", "ReduceSum",
}  # fmt: skip
_WINDOWS, _WIDEST = {"kernel_shape", "strides", "dilations", "pads"}, 64  # pixels; an image has 28


class Bounds(NamedTuple):
    """What a process may take that reads a file from elsewhere."""

    memory: int  # MiB of data
    seconds: int  # of a processor, once its libraries are loaded

    def __str__(self) -> str:
        return f"{self.memory:,} MiB or {self.seconds} seconds"


_BOUNDS = Bounds(512, 3)  # our largest networks take 150 MiB; a ResNet-18 and a file of 60 MiB half a second


def vet(path: Path, choice: runtimes.RuntimeChoice | None = None) -> None:
    """Raise a RunError for a model file from elsewhere that is refused, crashes its runtime or takes too much."""
    if not runtimes.made_here(path):
        name = runtimes.choose_runtime(path, choice)
        runtimes.check_file(path, name)
        if name != "litert":
            need(f"{path}: looking through an ONNX file from elsewhere", "onnx")
        try_out(path, name)


def try_out(path: Path, name: runtimes.RuntimeName) -> None:
    """Read a model file and compute with it in another process, which takes half a second."""
    run_bounded([*command("prediction.foreign"), str(path), name], f"{path}: not read: {name}", _BOUNDS)


def run_bounded(words: list[str], what: str, bounds: Bounds) -> None:
    """Run a process that does its work by `bounded`; its refusal, or `what` with how it ended, is a RunError."""
    try:
        done = subprocess.run(  # noqa: S603 - a module of our own
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False,
            timeout=_PATIENCE + bounds.seconds,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},  # each thread takes memory
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise RunError(f"{what} did not end within {error.timeout:.0f} seconds") from None
    said = done.stdout.decode(errors="replace").splitlines()
    if done.returncode == RunError.exit_code and said:
        raise RunError(said[-1])
    if done.returncode != 0:
        raise RunError(f"{what} crashed over it, or would take more than {bounds}")


def bounded(work: Callable[[], object], bounds: Bounds) -> None:
    """Do this process's work, its memory and time limited where the system can; a refusal is its last line."""
    seconds = math.ceil(time.process_time()) + bounds.seconds
    limits = {"RLIMIT_CORE": 0, "RLIMIT_DATA": bounds.memory * 2**20, "RLIMIT_CPU": seconds}
    for kind, most in limits.items():
        with contextlib.suppress(ImportError, ValueError, OSError):  # Windows has no such limits
            import resource

            resource.setrlimit(getattr(resource, kind), (most, most))
    try:
        work()
    except RunError as refusal:
        # The names in a file may hold control characters, which would move a terminal's cursor.
        sys.stdout.write("".join(letter if letter.isprintable() else "?" for letter in str(refusal)))
        sys.exit(refusal.exit_code)


def check_network(path: Path) -> None:
    """Raise a RunError of one line for a damaged ONNX file, and for a network that may do what no trial shows."""
    import onnx

    try:
        model = onnx.load(path, load_external_data=False)
        problem = next(_problems(model), None)
        if problem is None:  # for the checker looks whether files are there that hold weights
            onnx.checker.check_model(model, full_check=True)
    except Exception as error:  # protobuf's, the checker's, and what Python makes of their texts
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        problem = f"the model is damaged ({first[:200]})"
    if problem:
        raise RunError(f"{path}: {problem}")


def _problems(model: Any) -> Iterator[str]:
    if model.functions or model.training_info:
        yield "has functions of its author's own, which are not read here"
    if runtimes.ELSEWHERE in model.SerializeToString():  # its fields in order again
        yield "keeps weights in other files, which are not read here"
    constants = {constant.name for constant in model.graph.initializer}
    from_image = {value.name for value in model.graph.input} - constants
    for node in model.graph.node:
        if node.domain not in ("", "ai.onnx") or node.op_type not in _OPERATORS:
            kind = ".".join(filter(None, (node.domain, node.op_type)))
            yield f"has a node {kind[:40]!r}, which is none that a digit classifier is made of"
        reach = [pixels for found in node.attribute if found.name in _WINDOWS for pixels in found.ints]
        if reach and not 0 <= min(reach) <= max(reach) <= _WIDEST:
            yield f"has a node {node.op_type} that reaches further than {_WIDEST} pixels"
        if node.op_type in _SHAPED and from_image.intersection(node.input[1:]):
            yield f"lets the image decide what shape its node {node.op_type} gives, or which values it takes"
        if node.op_type != "Shape" and from_image.intersection(node.input):
            from_image.update(node.output)


def _compute(path: Path, name: Any) -> None:
    if name != "litert":
        check_network(path)
    runtimes.open_runtime(path, name)


if __name__ == "__main__":
    bounded(lambda: _compute(Path(sys.argv[1]), sys.argv[2]), _BOUNDS)
