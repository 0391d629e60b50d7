"""`python -m benchmarks.as_files`: the test images written as picture files and read back, against their arrays."""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.data import load_part
from mnist_pipeline.pixels.pictures import as_png, read_grey
from mnist_pipeline.pixels.preprocess import find_digit
from mnist_pipeline.prediction.predictor import Predictor, predictor

Grey = NDArray[np.uint8]
_EXIF_TURNED = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"  # a quarter to the right


def _enlarged(image: Grey) -> Grey:
    return cv2.resize(image, (280, 280), interpolation=cv2.INTER_LINEAR).astype(np.uint8)


def _with_margins(image: Grey) -> Grey:
    return np.pad(255 - _enlarged(image), ((120, 300), (260, 90)), constant_values=255)


KINDS: dict[str, Callable[[Grey], bytes]] = {
    "28 x 28, PNG": lambda image: as_png(image),
    "28 x 28, dark on light": lambda image: as_png(255 - image),
    "enlarged ten times": lambda image: as_png(_enlarged(image)),
    "enlarged ten times, dark on light": lambda image: as_png(255 - _enlarged(image)),
    "enlarged, dark on light, with uneven margins": lambda image: as_png(_with_margins(image)),
    "enlarged, dark on light, as a JPEG that EXIF turns upright": lambda image: turned_jpeg(255 - _enlarged(image)),
}


def turned_jpeg(picture: Grey) -> bytes:
    """A picture as a camera held sideways stores it: turned, and EXIF says so."""
    data = cv2.imencode(".jpg", np.rot90(picture), [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    return data[:2] + b"\xff\xe1" + (len(_EXIF_TURNED) + 2).to_bytes(2, "big") + _EXIF_TURNED + data[2:]


def main() -> None:
    """Print the accuracy on each kind of file, and the difference from the accuracy on the arrays."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.as_files", description=__doc__)
    parser.add_argument("--run", help="the run that answers; by default what mnist predict uses")
    parser.add_argument("--images", type=int, default=10_000, help="test images to write")
    options = parser.parse_args()
    part = load_part("mnist", "test")
    images, labels = part.images[: options.images], part.labels[: options.images]
    model = predictor(options.run)
    arrays = _right(model, images, labels)
    print(f"{model.name}, {len(images):,} test images\n{'arrays':57} {arrays:.2%}")
    for name, encode in KINDS.items():
        files = _right(model, np.stack([_read(encode(image)) for image in images]), labels)
        print(f"{name:57} {files:.2%}  {100 * (files - arrays):+.2f} points", flush=True)


def _read(data: bytes) -> Grey:
    with tempfile.NamedTemporaryFile(suffix=".picture") as file:
        Path(file.name).write_bytes(data)
        pixels = find_digit(read_grey(file.name)).pixels
    return np.zeros((28, 28), np.uint8) if pixels is None else pixels


def _right(model: Predictor, images: Grey, labels: Grey) -> float:
    answers = [model.probabilities(images[at : at + 500]).argmax(1) for at in range(0, len(images), 500)]
    return float((np.concatenate(answers) == labels).mean())


if __name__ == "__main__":
    main()
