"""`python -m benchmarks.drawings`: what the shipped model's page reads of digits, numbers, scribbles and letters.

They are drawn from strokes of our own, of all sizes, anywhere on the paper, with thin and thick pens; Node runs the
page's code. The processor's time for an answer is Node's own, from the strokes to the digits.
"""

import argparse
import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mnist_pipeline.data.rendering.strokes import Strokes, read_alphabets, round_corners, write_digit, write_letter
from mnist_pipeline.exports.page import build, script

_READ = "const given = JSON.parse(require('fs').readFileSync(0));\n"
_WRITE = "process.stdout.write(JSON.stringify(answer(given)));\n"
READER = """
const answer = ({ model, drawings }) => {
  const reader = readerOf(model);
  let id = 0;
  return drawings.map(([, strokes, pen]) => {
    const named = strokes.map((points) => ({ id: ++id, points }));
    const before = process.cpuUsage();
    const read = reader.read(named, pen).map(({ digit }) => digit ?? "?").join("");
    const { user, system } = process.cpuUsage(before);
    return [read, (user + system) / 1000];
  });
};
"""


class Drawing(NamedTuple):
    """What is drawn on paper that is 1 high and 4/3 wide, and read as these digits if all goes well."""

    digits: str
    strokes: list[list[list[float]]]  # of points (x, y)
    pen: float  # its width


def single(number: int, random: np.random.Generator) -> Drawing:
    """One digit of any size, anywhere."""
    strokes, size = write_digit(number % 10, random), random.uniform(0.08, 0.9)
    corner = random.uniform(0, 1 - size, 2)
    return Drawing(str(number % 10), placed(strokes, size, corner), float(random.uniform(0.03, 0.1) * size**0.5))


def several(_: int, random: np.random.Generator) -> Drawing:
    """Two to four digits side by side, of one size and not quite on a line."""
    digits = random.integers(10, size=random.integers(2, 5))
    size, left, strokes = min(0.8, 1.0 / len(digits)), 0.03, list[list[list[float]]]()
    for digit in digits:
        written = write_digit(int(digit), random)
        low, high = (edge(np.concatenate(written)[:, 0]) for edge in (np.min, np.max))
        strokes += placed(written, size, (left - low * size, 0.2 + random.uniform(-0.05, 0.05)))
        left += (high - low) * size + random.uniform(0.1, 0.35) * size
    return Drawing("".join(map(str, digits)), strokes, float(random.uniform(0.035, 0.07) * size**0.5))


def scribble(_: int, random: np.random.Generator) -> Drawing:
    """One line that wanders about."""
    corners = np.cumsum(random.normal(0, 0.25, (random.integers(8, 40), 2)), axis=0)
    corners = (corners - corners.min(axis=0)) / np.ptp(corners, axis=0)
    return Drawing("", placed([round_corners(corners)], random.uniform(0.3, 0.9), (0.02, 0.02)), 0.05)


def letter(_: int, random: np.random.Generator) -> Drawing:
    """A letter or sign of some alphabet; not all look like no digit: O, l, Z."""
    alphabets = [letters for name, letters in read_alphabets().items() if name != "digits"]
    letters = list(alphabets[random.integers(len(alphabets))].values())
    return Drawing("", placed(write_letter(letters[random.integers(len(letters))], random), 0.6, (0.3, 0.2)), 0.05)


def placed(strokes: Strokes, size: float, corner: Any) -> list[list[list[float]]]:
    """Strokes of a unit square as lists, so large and there."""
    return [(stroke * size + corner).tolist() for stroke in strokes]


def drawings(count: int, seed: int, kind: Any = single) -> Iterator[Drawing]:
    """So many drawings of a kind."""
    random = np.random.default_rng(seed)
    return (kind(number, random) for number in range(count))


def in_node(code: str, given: Any) -> Any:
    """What `answer(given)` gives, a function in the code, which knows all functions of the page."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "program.js"
        program.write_text(f"{script()}\n{_READ}{code}\n{_WRITE}", encoding="utf-8")
        words = ["node", str(program)]
        answer = subprocess.run(words, input=json.dumps(given), capture_output=True, text=True, check=False)
    if answer.returncode:
        raise RuntimeError(answer.stderr)
    return json.loads(answer.stdout)


def shipped_model() -> Any:
    """What the page of the shipped model has of it."""
    return json.loads(build().split('id="model">')[1].split("</script>")[0])


def main() -> None:
    """Print how many drawings of each kind are read, or refused where they are no digit."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drawings", description=__doc__)
    parser.add_argument("--count", type=int, default=400, help="drawings of each kind")
    parser.add_argument("--seed", type=int, default=0, help="of the drawings")
    options = parser.parse_args()
    model = shipped_model()
    for kind in (single, several, scribble, letter):
        drawn = list(drawings(options.count, options.seed, kind))
        found = in_node(READER, {"model": model, "drawings": drawn})
        right = sum(read.replace("?", "") == one.digits for (read, _), one in zip(found, drawn, strict=True))
        median, most = np.percentile([milliseconds for _, milliseconds in found], [50, 95])
        times = f"{median:.1f} ms of a processor each (95 %: {most:.1f} ms)"
        print(f"{kind.__name__}: {right} of {len(drawn)} {'read' if drawn[0].digits else 'refused'}, {times}")


if __name__ == "__main__":
    main()
