"""`python -m benchmarks.pages`: how well whole pages are read, composed of MNIST digits on papers and forms."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from benchmarks.composing import Composed, compose
from benchmarks.forms import FORMS, TURNED
from benchmarks.papers import KINDS
from benchmarks.scoring import add_options, digits
from mnist_pipeline.data import Part
from mnist_pipeline.prediction.pages.reading import Model, read_pixels
from mnist_pipeline.prediction.predictor import predictor

GROUPS = {"papers": list(KINDS), "forms": list(FORMS), "turned": list(TURNED)}
_TOUCHING = 0.2  # share of pages on which digits touch


class _Result(NamedTuple):
    kind: str
    touching: bool
    digits: int
    wrong: int


def main() -> None:
    """Compose pages, read them, and print how many digits and pages are right for each kind."""
    options = _options()
    part = digits(options.part)
    model = predictor(options.run)
    kinds = [kind for group in options.kinds for kind in GROUPS[group]]
    results: list[_Result] = []
    spent = 0.0
    for number in range(options.pages):
        random = np.random.default_rng([options.seed, number])
        page = composed(part, random, kinds[number % len(kinds)])
        began = time.perf_counter()
        read = _text(page, model)
        spent += time.perf_counter() - began
        wrong = distance(read, page.text)
        results.append(_Result(page.kind, page.touching, len(page.text.replace("\n", "")), wrong))
        if wrong and options.keep:
            _keep(options.keep, number, page, read)
    print(_table(results))
    print(f"\n{1000 * spent / options.pages:.0f} ms a page")


def composed(part: Part, random: np.random.Generator, kind: str) -> Composed:
    """A page of the kind; on plain paper some digits touch on one page in five."""
    if kind in KINDS:
        return compose(part, random, kind, touching=bool(random.random() < _TOUCHING))
    return (FORMS | TURNED)[kind](part, random, kind)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages", description=__doc__)
    parser.add_argument("--pages", type=int, default=210, help="how many pages, of each kind in turn")
    parser.add_argument("--kinds", nargs="+", choices=GROUPS, default=["papers"], help="which kinds of pages")
    add_options(parser)
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
    kinds = dict.fromkeys(one.kind for one in results)
    groups = {kind: [one for one in results if one.kind == kind and not one.touching] for kind in kinds}
    if any(one.touching for one in results):
        groups["all, digits apart"] = [one for one in results if not one.touching]
        groups["some digits touching"] = [one for one in results if one.touching]
    groups["all"] = list(results)
    head = ["kind", "pages", "digits", "digits right", "pages wholly right"]
    lines = [head, ["---"] * len(head)]
    for name, rows in groups.items():
        if rows:
            written, wrong = sum(row.digits for row in rows), sum(row.wrong for row in rows)
            whole = sum(row.wrong == 0 for row in rows)
            lines.append([name, str(len(rows)), str(written), f"{1 - wrong / written:.2%}", f"{whole / len(rows):.1%}"])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
