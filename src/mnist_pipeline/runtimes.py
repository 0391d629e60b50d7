"""Model files that compute without TensorFlow: through OpenCV, ONNX Runtime or LiteRT."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.errors import RunError
from mnist_pipeline.preprocess import SIDE

Name = Literal["opencv", "onnxruntime", "litert"]
LARGEST_MODEL = 256 * 2**20  # bytes
_PACKAGES: dict[str, str] = {"onnxruntime": "onnxruntime", "litert": "ai_edge_litert"}


class Runtime(Protocol):
    """A model ready to compute."""

    name: Name

    def scores(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """The model's ten outputs for each of (n, 28, 28) images in 0..1."""


def installed(name: Name) -> bool:
    """Whether a runtime's package is there; OpenCV always is."""
    return name not in _PACKAGES or importlib.util.find_spec(_PACKAGES[name]) is not None


def quickest() -> Name:
    """What answers most pictures a second from an ONNX file: ONNX Runtime, where it is installed."""
    return "onnxruntime" if installed("onnxruntime") else "opencv"


def open_runtime(path: Path, name: Name | None = None, threads: int = 1) -> Runtime:
    """A model file, read by the runtime of that name, or by the one that suits a single picture best."""
    name = name or ("litert" if path.suffix == ".tflite" else "opencv")
    if not installed(name):
        raise RunError(f"{path}: reading it takes {_PACKAGES[name]}: pip install 'mnist-pipeline[export]'")
    _check(path, name)
    kinds: dict[Name, Callable[[Path, int], Runtime]] = {
        "opencv": _OpenCv, "onnxruntime": _OnnxRuntime, "litert": _LiteRt,
    }  # fmt: skip
    try:
        return kinds[name](path, threads)
    except Exception as error:  # each runtime has errors of its own, ONNX Runtime over a dozen
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise RunError(f"{path}: the model is damaged or not one that {name} reads ({first[:200]})") from None


def _check(path: Path, name: Name) -> None:
    """Size and signature, before anything is parsed."""
    if not path.is_file():
        raise RunError(f"{path}: the model is missing")
    size = path.stat().st_size
    if size > LARGEST_MODEL:
        raise RunError(f"{path}: {size / 2**20:.0f} MiB, more than the {LARGEST_MODEL // 2**20} MiB read here")
    with path.open("rb") as file:
        start = file.read(8)
    lite = start[4:8] == b"TFL3"
    if lite != (name == "litert") or not (lite or start[:1] == b"\x08"):  # ONNX begins with its version, field 1
        kind = "a LiteRT model" if name == "litert" else "an ONNX model"
        raise RunError(f"{path}: not {kind}, whatever its name says")


class _OpenCv:
    name: Name = "opencv"

    def __init__(self, path: Path, threads: int) -> None:
        cv2.setNumThreads(threads)
        self._net = cv2.dnn.readNetFromONNX(str(path))

    def scores(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        self._net.setInput(images.reshape(-1, SIDE, SIDE, 1))
        return np.asarray(self._net.forward(), np.float32)


class _OnnxRuntime:
    name: Name = "onnxruntime"

    def __init__(self, path: Path, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 4
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0]

    def scores(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        shaped = images.reshape(-1, *self._input.shape[1:])
        outputs: list[Any] = self._session.run(None, {self._input.name: shaped})
        return np.asarray(outputs[0], np.float32)


class _LiteRt:
    name: Name = "litert"

    def __init__(self, path: Path, threads: int) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(model_path=str(path), num_threads=threads)
        self._input, self._output = self._interpreter.get_input_details()[0], self._interpreter.get_output_details()[0]
        self._count = -1

    def scores(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        self._allocate(len(images))
        shape = (len(images), *self._input["shape"][1:])
        self._interpreter.set_tensor(self._input["index"], _quantised(images, self._input).reshape(shape))
        self._interpreter.invoke()
        return _restored(self._interpreter.get_tensor(self._output["index"]), self._output)

    def _allocate(self, count: int) -> None:
        if count != self._count:
            self._interpreter.resize_tensor_input(self._input["index"], (count, *self._input["shape"][1:]))
            self._interpreter.allocate_tensors()
            self._count = count


def _quantised(images: NDArray[np.float32], tensor: dict[str, Any]) -> NDArray[Any]:
    """Floats as the model takes them: themselves, or steps of its scale."""
    if tensor["dtype"] == np.float32:
        return images
    step, zero = tensor["quantization"]
    bounds = np.iinfo(tensor["dtype"])
    steps: NDArray[Any] = np.clip(np.round(images / step) + zero, bounds.min, bounds.max).astype(tensor["dtype"])
    return steps


def _restored(values: NDArray[Any], tensor: dict[str, Any]) -> NDArray[np.float32]:
    if tensor["dtype"] == np.float32:
        return np.asarray(values, np.float32)
    step, zero = tensor["quantization"]
    return np.asarray((values.astype(np.float32) - zero) * step, np.float32)
