"""Pictures composed from MNIST's test digits: small ones by the thousand, and one as a phone takes it.

python -m benchmarks.many FOLDER RUN RUNTIME    the rate at which a folder of them is read through one runtime
"""

import argparse
import json
import tarfile
import time
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.data import load_part
from mnist_pipeline.prediction.finding import find
from mnist_pipeline.prediction.many import answers
from mnist_pipeline.prediction.predictor import predictor


def small(folder: Path, count: int) -> None:
    """Write `count` PNGs: every other one 28x28 as in MNIST, the rest on paper, 84 to 116 pixels a side."""
    folder.mkdir(parents=True)
    digits = load_part("mnist", "test").images
    seeded = np.random.default_rng(0)
    for number in range(count):
        digit = digits[number % len(digits)]
        picture = digit if number % 2 else _on_paper(digit, int(seeded.integers(2, 4)), seeded)
        cv2.imwrite(str(folder / f"{number:05}.png"), picture)


def packed(folder: Path, tar: Path) -> None:
    """Write the pictures of a folder into an archive."""
    with tarfile.open(tar, "w", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted(folder.iterdir()):
            archive.add(path, path.name)


def photo(path: Path) -> None:
    """Write a JPEG of 12 megapixels: a digit on paper that is lit from one side."""
    seeded = np.random.default_rng(0)
    light = np.linspace(190, 240, 4000, dtype=np.float32)
    paper = light + seeded.normal(0, 4, (3000, 4000)).astype(np.float32)
    digit = cv2.resize(load_part("mnist", "test").images[0], (1600, 1600), interpolation=cv2.INTER_CUBIC)
    paper[700:2300, 1200:2800] -= 0.75 * digit
    lamp = np.array([0.92, 0.97, 1], np.float32)  # blue, green, red
    shades = np.clip(paper[:, :, None] * lamp, 0, 255).astype(np.uint8)
    cv2.imwrite(str(path), shades, [cv2.IMWRITE_JPEG_QUALITY, 92])


def _on_paper(digit: NDArray[np.uint8], times: int, seeded: np.random.Generator) -> NDArray[np.uint8]:
    """A digit in dark ink on light, somewhat grainy paper, with a margin."""
    ink = cv2.resize(digit, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)
    margin = int(seeded.integers(14, 17))
    ink = cv2.copyMakeBorder(ink, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=0)
    paper = 235 + seeded.normal(0, 3, ink.shape) - 0.8 * ink
    drawn: NDArray[np.uint8] = np.clip(paper, 0, 255).astype(np.uint8)
    return drawn


def main() -> None:
    """Read a folder through one runtime, whichever `mnist predict` would choose."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many", description=main.__doc__)
    parser.add_argument("folder")
    parser.add_argument("run")
    parser.add_argument("runtime", choices=("opencv", "onnxruntime"))
    options = parser.parse_args()
    started = time.perf_counter()
    count = sum(len(batch) for batch in answers(find([options.folder]), predictor(options.run, options.runtime)))
    print(json.dumps({"count": count, "rate": count / (time.perf_counter() - started)}))


if __name__ == "__main__":
    main()
