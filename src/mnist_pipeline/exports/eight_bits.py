"""Models in eight bits instead of 32, quantised after training: LiteRT and ONNX.

The steps between two eight-bit values are fitted to the ranges that training images give (post-training quantisation).
"""

import tempfile
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
from numpy.typing import NDArray

from mnist_pipeline.pixels.preprocess import scale
from mnist_pipeline.process import quiet_stderr
from mnist_pipeline.runs.files import whole
from mnist_pipeline.training.backend import keras, tf
from mnist_pipeline.training.saving import save_onnx, sort_constants

_CALIBRATION = 500  # training images


def calibration_images(train: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Random training images, always the same ones, from which the range of each value in the network is taken."""
    rows = np.random.default_rng(0).choice(len(train), min(_CALIBRATION, len(train)), replace=False)
    return scale(train[np.sort(rows)])


def litert(model: keras.Model, calibration: NDArray[np.float32] | None = None) -> bytes:
    """The model as a LiteRT file in float32; with calibration images in eight bits, its input and output too."""
    with tempfile.TemporaryDirectory() as folder, quiet_stderr(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that tf.lite moves elsewhere
        model.export(folder, format="tf_saved_model", verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        if calibration is not None:
            shaped = calibration.reshape(-1, 1, *model.input_shape[1:])
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: ([image] for image in shaped)
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = converter.inference_output_type = tf.int8
        return bytes(converter.convert())


def save_int8_onnx(model: keras.Model, path: Path, calibration: NDArray[np.float32]) -> None:
    """The model as ONNX with its convolutions and matrix products in eight bits; input and output stay float32.

    QDQ nodes, and products not fused with their sums, are what ONNX Runtime and OpenCV both compute to the same scores.
    A network's last product stays float32: it is small, and in eight bits its scores are too coarse to tell close
    answers apart. Batch normalizations stay a product and a sum: joined, they take longer, or OpenCV cannot read them.

    Weights take seven of their eight bits, -64 to 64. A processor without instructions for eight bits (VNNI) adds two
    products in 16 bits, which 2 * 255 * 127 does not fit: there ONNX Runtime lost 0.25 points of a dense network's
    accuracy with all eight bits, and 0.03 with seven.
    """
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static  # the extra may not be there

    with tempfile.TemporaryDirectory() as folder, whole(path) as beside:
        plain = Path(folder) / "model.onnx"
        save_onnx(model, plain, joined=False)
        exact = onnx.load(plain)
        # Else ONNX Runtime advises to pre-process, which fuses nodes that OpenCV then cannot read.
        processed = exact.metadata_props.add(key="onnx.quant.pre_process", value="onnxruntime.quant")
        onnx.save(exact, plain)
        images = np.array_split(calibration.reshape(-1, *model.input_shape[1:]), max(1, len(calibration) // 100))
        batches = iter([{model.inputs[0].name: batch} for batch in images])
        quantize_static(
            plain, beside, SimpleNamespace(get_next=lambda: next(batches, None)),
            nodes_to_exclude=_last_products(exact.graph),
            quant_format=QuantFormat.QDQ, op_types_to_quantize=["Conv", "MatMul"], per_channel=True,
            activation_type=QuantType.QInt8, weight_type=QuantType.QInt8, reduce_range=True,
        )  # fmt: skip
        quantised = onnx.load(beside)
        quantised.metadata_props.remove(processed)
        sort_constants(quantised.graph)
        onnx.save(quantised, beside)


def _last_products(graph: onnx.GraphProto) -> list[str]:
    """The matrix products behind which there is no other: one of each network whose mean is the answer."""
    behind: set[str] = set()  # values from which a later product is computed
    found = []
    for node in reversed(graph.node):
        leads_on = not behind.isdisjoint(node.output)
        if node.op_type == "MatMul" and not leads_on:
            found.append(node.name)
        if leads_on or node.op_type in ("Conv", "MatMul"):
            behind.update(node.input)
    return found
