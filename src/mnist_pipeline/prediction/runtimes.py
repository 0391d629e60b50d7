"""Model files that compute without TensorFlow: through OpenCV, ONNX Runtime or LiteRT.

`open_runtime` checks a file's size, its first bytes and, in ONNX, that it names no other file; then the runtime parses
it, and finite scores have to come out for an image. A file from elsewhere goes through foreign.py before that.
"""

import contextlib
import io
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.errors import RunError
from mnist_pipeline.numerals import DIGITS, MOST_CLASSES
from mnist_pipeline.packages import missing, need
from mnist_pipeline.pixels.preprocess import SIDE, scale
from mnist_pipeline.prediction.shipping import FOLDER
from mnist_pipeline.process import quiet_stderr
from mnist_pipeline.runs.run import artifacts

if TYPE_CHECKING:
    from mnist_pipeline.config.schema import Output

RuntimeName = Literal["opencv", "onnxruntime", "litert"]
RuntimeChoice = RuntimeName | Literal["quickest"]
_TAKES = {"opencv": (), "onnxruntime": ("onnxruntime",), "litert": ("ai-edge-litert",)}  # packages that may be missing
BATCH = 20  # images: more are hardly quicker, and take that many times the memory of one
LARGEST = 256 * 2**20  # bytes of a file
ELSEWHERE = b"\x0a\x08location\x12"  # in ONNX: the key under which the name of another file stands


def made_here(path: Path) -> bool:
    """Whether this package has written a file: it lies in the artifacts folder, or came with the package."""
    return any(path.resolve().is_relative_to(folder.resolve()) for folder in (artifacts(), FOLDER))


class Runtime(ABC):
    """A model ready to compute; `prepare` and `compute` are apart so that their times can be measured apart."""

    name: RuntimeName
    batch = 1  # images that it computes together
    classes = len(DIGITS)  # scores that it gives for an image

    @abstractmethod
    def prepare(self, images: NDArray[np.float32]) -> NDArray[Any]:
        """(n, 28, 28) images in 0..1 in the shape and the numbers that the model takes, bytes or floats."""

    @abstractmethod
    def compute(self, inputs: NDArray[Any]) -> NDArray[np.float32]:
        """The model's ten outputs for each prepared image."""

    def scores(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """The model's outputs for each of (n, 28, 28) images in 0..1."""
        return self.compute(self.prepare(images))


def installed(name: RuntimeName) -> bool:
    """Whether a runtime's package is there; OpenCV always is."""
    return not missing(_TAKES[name])


def choose_runtime(path: Path, choice: RuntimeChoice | None = None) -> RuntimeName:
    """The runtime that reads a file: the one chosen, the quickest for many pictures, or by default that for one."""
    usual: RuntimeName = "litert" if path.suffix == ".tflite" else "opencv"
    if choice == "quickest":  # ONNX Runtime reads more pictures a second, but takes longer to load
        choice = "onnxruntime" if usual == "opencv" and installed("onnxruntime") else usual
    name = choice or usual
    need(f"{path}: reading it", *_TAKES[name])
    return name


def check_file(path: Path, name: RuntimeName) -> None:
    """Raise a RunError for a file of another format or too large, and for an ONNX file that names other files."""
    if path.is_dir():
        raise RunError(f"{path}: a folder; a SavedModel is read by TensorFlow alone: give an .onnx or .tflite file")
    if not path.is_file():
        raise RunError(f"{path}: the model is missing")
    if path.stat().st_size > LARGEST:
        raise RunError(f"{path}: larger than the {LARGEST // 2**20} MiB read here")
    content = path.read_bytes()
    lite = content[4:8] == b"TFL3"
    if lite != (name == "litert") or not (lite or content[:1] == b"\x08"):  # ONNX begins with its version, field 1
        raise RunError(f"{path}: no model that {name} reads, whatever its name says")
    if not lite and ELSEWHERE in content:
        raise RunError(f"{path}: keeps weights in other files, which are not read here")


def open_runtime(
    path: Path, choice: RuntimeChoice | None = None, threads: int = 1, classes: Sequence[str] | None = None
) -> Runtime:
    """A model file ready to compute: one that this package has made, or one that `foreign.vet` has let pass.

    One that gives more or fewer scores than there are classes is refused.
    """
    name = choose_runtime(path, choice)
    check_file(path, name)
    # LiteRT greets, OpenCV lists what it cannot parse, ONNX Runtime explains itself on stdout.
    with quiet_stderr(), contextlib.redirect_stdout(io.StringIO()):
        try:
            runtime = _RUNTIMES[name](path, threads)
            scores = runtime.scores(np.zeros((1, SIDE, SIDE), np.float32))
        except Exception as error:  # each runtime has errors of its own, ONNX Runtime over a dozen
            first = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise RunError(f"{path}: the model is damaged or not one that {name} reads ({first[:200]})") from None
    if scores.ndim != 2 or len(scores) != 1 or not 2 <= scores.size <= MOST_CLASSES or not np.isfinite(scores).all():
        raise RunError(f"{path}: no classifier of images: it has to give a score a class, and gave {scores.shape}")
    if classes and scores.size != len(classes):
        raise RunError(
            f"{path}: gives {scores.size} scores for an image, expected {len(classes)}: a model of other classes "
            f"than the ten digits is read in the folder of its run, which knows their names"
        )
    runtime.classes = scores.size
    runtime.batch = BATCH if made_here(path) else 1  # as it was tried out; some networks take one image alone
    return runtime


def output_of(runtime: Runtime) -> "Output":
    """Whether a model ends in a softmax or in sigmoids: the scores of a softmax add up to one for any noise."""
    noise = np.random.default_rng(0).random((8, SIDE, SIDE), np.float32)
    in_eight_bits = max(0.02, runtime.classes / 512)  # of 1/256 each, the scores may be off by that much
    sums = np.array([runtime.scores(image[np.newaxis]).sum() for image in noise])
    return "softmax" if np.abs(sums - 1).max() <= in_eight_bits else "sigmoid"


def probabilities(runtime: Runtime, images: NDArray[np.uint8], output: "Output") -> NDArray[np.float32]:
    """Probabilities that add up to one for each of any number of (n, 28, 28) images, a batch at a time."""
    starts = range(0, len(images), runtime.batch)
    scores = [runtime.scores(scale(images[at : at + runtime.batch])) for at in starts]
    return normalised(np.concatenate(scores), output)


_NEAREST_ONE = 2.0**-25  # what a sigmoid that is 1 in float32 may lack


def normalised(scores: NDArray[np.float32], output: "Output") -> NDArray[np.float32]:
    """A model's outputs as probabilities that add up to one, in the order of the outputs.

    Sigmoids judge each class by itself. Given that exactly one class is true, its probability goes with the odds
    p / (1 - p); that is the softmax of the values behind the sigmoids, which Keras' cross-entropy trains. Their
    plain shares would call a model that is right in 97 of 100 cases 40 % sure.
    """
    weights = scores.astype(np.float64)
    if output == "sigmoid":
        weights /= np.maximum(1 - weights, _NEAREST_ONE)
    total = weights.sum(axis=-1, keepdims=True)
    evenly = np.full_like(weights, 1 / weights.shape[-1])  # when every sigmoid says no
    np.divide(weights, total, out=evenly, where=total > 0)
    return evenly.astype(np.float32)


class _OpenCv(Runtime):
    name = "opencv"

    def __init__(self, path: Path, threads: int) -> None:
        self._threads = threads
        self._net = cv2.dnn.readNetFromONNX(np.fromfile(path, np.uint8))  # on Windows a path must be ASCII
        self._bytes = False
        try:
            self.scores(np.zeros((1, SIDE, SIDE), np.float32))
        except cv2.error as error:  # the one way to learn that it wants bytes
            self._bytes = "CV_8UC1 expected" in str(error)

    def prepare(self, images: NDArray[np.float32]) -> NDArray[Any]:
        return _bytes(images) if self._bytes else images.reshape(-1, SIDE, SIDE, 1)

    def compute(self, inputs: NDArray[Any]) -> NDArray[np.float32]:
        before = cv2.getNumThreads()  # one number for the whole process, which may be another's
        cv2.setNumThreads(self._threads)
        try:
            self._net.setInput(inputs)
            return np.asarray(self._net.forward(), np.float32)
        finally:
            cv2.setNumThreads(before)


class _OnnxRuntime(Runtime):
    name = "onnxruntime"

    def __init__(self, path: Path, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 4
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0]

    def prepare(self, images: NDArray[np.float32]) -> NDArray[Any]:
        return (_bytes(images) if "uint8" in self._input.type else images).reshape(-1, *self._input.shape[1:])

    def compute(self, inputs: NDArray[Any]) -> NDArray[np.float32]:
        outputs: list[Any] = self._session.run(None, {self._input.name: inputs})
        return np.asarray(outputs[0], np.float32)


class _LiteRt(Runtime):
    name = "litert"

    def __init__(self, path: Path, threads: int) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(model_path=str(path), num_threads=threads)
        self._input, self._output = self._interpreter.get_input_details()[0], self._interpreter.get_output_details()[0]
        self._count = -1

    def prepare(self, images: NDArray[np.float32]) -> NDArray[Any]:
        """Images as they are, or in steps of its scale for an 8-bit model."""
        kind, steps = self._input["dtype"], images
        if kind != np.float32:
            (step, zero), bounds = self._input["quantization"], np.iinfo(kind)
            steps = np.clip(np.round(images / step) + zero, bounds.min, bounds.max).astype(kind)
        return steps.reshape(-1, *self._input["shape"][1:])

    def compute(self, inputs: NDArray[Any]) -> NDArray[np.float32]:
        if len(inputs) != self._count:
            self._interpreter.resize_tensor_input(self._input["index"], inputs.shape)
            self._interpreter.allocate_tensors()
            self._count = len(inputs)
        self._interpreter.set_tensor(self._input["index"], inputs)
        self._interpreter.invoke()
        values, (step, zero) = self._interpreter.get_tensor(self._output["index"]), self._output["quantization"]
        floats = self._output["dtype"] == np.float32
        return np.asarray(values if floats else (values.astype(np.float32) - zero) * step, np.float32)


_RUNTIMES: dict[RuntimeName, Callable[[Path, int], Runtime]] = {
    "opencv": _OpenCv, "onnxruntime": _OnnxRuntime, "litert": _LiteRt,
}  # fmt: skip


def _bytes(images: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.rint(images * 255).astype(np.uint8)
