"""`python -m benchmarks.pages`: how well whole pages are read, composed of MNIST digits on paper of several kinds."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from benchmarks.composing import Composed, compose
from benchmarks.papers import KINDS
from mnist_pipeline.data import load_part
from mnist_pipeline.prediction.pages.reading import Model, read_pixels
from mnist_pipeline.prediction.predictor import predictor

_TOUCHING = 0.2  # share of pages on which digits touch


class _Result(NamedTuple):
    kind: str
    touching: bool
    digits: int
    wrong: int


def main() -> None:
    """Compose pages, read them, and print how many digits and pages are right for each kind of paper."""
    options = _options()
    part = load_part("mnist", options.part)
    model = predictor(options.model or "shipped")
    results: list[_Result] = []
    spent = 0.0
    for number in range(options.pages):
        kind = list(KINDS)[number % len(KINDS)]
        random = np.random.default_rng([options.seed, number])
        page = compose(part, random, kind, touching=bool(random.random() < _TOUCHING))
        began = time.perf_counter()
        read = _text(page, model)
        spent += time.perf_counter() - began
        wrong = distance(read, page.text)
        results.append(_Result(kind, page.touching, len(page.text.replace("\n", "")), wrong))
        if wrong and options.failures:
            _keep(options.failures, number, page, read)
    print(_table(results))
    print(f"\n{1000 * spent / options.pages:.0f} ms a page")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages", description=__doc__)
    parser.add_argument("--pages", type=int, default=210, help="how many pages")
    parser.add_argument(
        "--model", help="a run, by its name or folder; by default the model that comes with the package"
    )
    parser.add_argument("--part", choices=("train", "test"), default="train", help="where the digits come from")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--failures", type=Path, help="a folder for the pages that were not read right")
    return parser.parse_args()


def _text(page: Composed, model: Model) -> str:
    return read_pixels(page.grey, model).text


def distance(read: str, written: str) -> int:
    """How many characters, digits and line ends, have to be changed, added or removed to turn one text into another."""
    row = list(range(len(written) + 1))
    for number, character in enumerate(read, 1):
        before, row[0] = row[0], number
        for at, other in enumerate(written, 1):
            before, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, before + (character != other))
    return row[-1]


def _keep(folder: Path, number: int, page: Composed, read: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{number:04d}-{page.text}-read-{read}".replace("\n", "_").replace("?", "q")
    cv2.imwrite(str(folder / f"{name}.png"), page.grey)


def _table(results: Sequence[_Result]) -> str:
    groups = {kind: [one for one in results if one.kind == kind and not one.touching] for kind in KINDS}
    groups |= {
        "all, digits apart": [one for one in results if not one.touching],
        "some digits touching": [one for one in results if one.touching],
        "all": list(results),
    }
    head = ["paper", "pages", "digits", "digits right", "pages wholly right"]
    lines = [head, ["---"] * len(head)]
    for name, rows in groups.items():
        if rows:
            digits, wrong = sum(row.digits for row in rows), sum(row.wrong for row in rows)
            whole = sum(row.wrong == 0 for row in rows)
            lines.append([name, str(len(rows)), str(digits), f"{1 - wrong / digits:.2%}", f"{whole / len(rows):.1%}"])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
