"""`python -m benchmarks.spoilt FOLDER`: how well pictures of one digit each are read, spoilt in several ways.

The digit that a picture shows is the first one that stands alone in its file's name, as in `anna-7-2.jpg`. Without a
folder, digits of MNIST are written on paper, by default those that are kept apart from training for validation.
"""

import argparse
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from benchmarks.composing import Hand
from benchmarks.papers import KINDS
from benchmarks.scoring import Grey, Sample, add_options, digits, head, row, score
from benchmarks.spoiling import WAYS, Box, ink_box
from mnist_pipeline.data import Part
from mnist_pipeline.data.own import label_of
from mnist_pipeline.errors import PictureError
from mnist_pipeline.numerals import DIGITS
from mnist_pipeline.pixels.pictures import read_grey
from mnist_pipeline.prediction.finding import find
from mnist_pipeline.prediction.predictor import predictor

_PAPERS = ("white", "grey, uneven light", "squared", "ruled", "dark board")
_LONGEST = 1000  # pixels of a picture's longer side


def main() -> None:
    """Print one row for each way of spoiling."""
    options = _options()
    if options.folder:
        known = list(in_folder(options.folder))
    elif options.sklearn:
        known = list(of_sklearn())
    else:
        known = list(on_paper(digits(options.part), options.digits, options.seed))
    if not known:
        raise SystemExit(f"{options.folder}: no picture here has a digit that stands alone in its name")
    model = predictor(options.run)
    print(head())
    for way in options.ways or WAYS:
        keep = options.keep / re.sub(r"\W+", "-", way) if options.keep else None
        print(row(way, score(model, spoilt(known, way, options.seed), keep)), flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spoilt", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="pictures, named by the digit that they show")
    parser.add_argument("--digits", type=int, default=500, help="without a folder: how many MNIST digits to write")
    parser.add_argument("--sklearn", action="store_true", help="scikit-learn's 1,797 digits of 8x8 pixels instead")
    ways = ", ".join(WAYS).replace("%", "%%")  # a sign of its own to argparse
    parser.add_argument("--ways", nargs="+", choices=WAYS, metavar="WAY", help=f"some of: {ways}")
    add_options(parser)
    return parser.parse_args()


Known = tuple[Sample, Box]


def spoilt(known: list[Known], way: str, seed: int) -> Iterator[Sample]:
    """The pictures spoilt in one way, each with its own seed."""
    for number, (sample, box) in enumerate(known):
        random = np.random.default_rng([seed, zlib.crc32(way.encode()), number])
        yield Sample(sample.name, WAYS[way](sample.picture, box, random), sample.label)


def in_folder(folder: Path) -> Iterator[Known]:
    """The pictures of a folder that have a digit standing alone in their names."""
    for path, _ in filter(None, find([str(folder)])):
        label = label_of(Path(path).name, DIGITS)
        if label is None:
            continue
        try:
            picture = read_grey(path, _LONGEST)
        except PictureError as error:
            raise SystemExit(str(error)) from None
        yield Sample(Path(path).name, picture, label), ink_box(picture)


def on_paper(part: Part, count: int, seed: int) -> Iterator[Known]:
    """Digits written on paper of five kinds, in sizes from 60 to 300 pixels, with a margin around them."""
    chosen = np.random.default_rng(seed).permutation(len(part))[:count]
    for number, one in enumerate(chosen):
        random = np.random.default_rng([seed, number])
        side = float(np.exp(random.uniform(np.log(60), np.log(300))))
        drawn = Hand(side, random).drawn(part.images[one], random)
        edges = [(round(random.uniform(0.15, 0.5) * side), round(random.uniform(0.15, 0.5) * side)) for _ in range(2)]
        ink = np.pad(drawn, edges)
        box = Box(*cv2.boundingRect((ink > 0.3).astype(np.uint8)))
        grey = KINDS[_PAPERS[number % len(_PAPERS)]](ink, side, random)
        yield Sample(f"{one:05d}-{_PAPERS[number % len(_PAPERS)].split(',')[0]}", grey, int(part.labels[one])), box


def of_sklearn() -> Iterator[Known]:
    """The 8x8 digits that come with scikit-learn, as dark ink."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise SystemExit("--sklearn needs scikit-learn: pip install scikit-learn") from None
    found = load_digits()
    for number, (image, label) in enumerate(zip(found.images, found.target, strict=True)):
        grey: Grey = (255 - image * (255 / 16)).round().astype(np.uint8)
        yield Sample(f"{number:04d}", grey, int(label)), Box(0, 0, 8, 8)


if __name__ == "__main__":
    main()
