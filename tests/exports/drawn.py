"""Digits drawn from strokes, and the page's code run over data by Node."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from mnist_pipeline.data.rendering.strokes import write_digit
from mnist_pipeline.exports.page import script

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node, which runs the page's code, is not here")
_READ = "const given = JSON.parse(require('fs').readFileSync(0));\n"
_WRITE = "require('fs').writeSync(1, JSON.stringify(answer(given)));\n"


class Drawing(NamedTuple):
    """A digit as it is drawn on paper that is 1 high: strokes of points (x, y), and the width of the pen."""

    digit: int
    strokes: list[list[list[float]]]
    pen: float


def drawings(count: int, seed: int) -> Iterator[Drawing]:
    """Digits of all sizes anywhere on the paper, drawn with thin and with thick pens."""
    random = np.random.default_rng(seed)
    for number in range(count):
        strokes = write_digit(number % 10, random)
        size = random.uniform(0.08, 0.9)
        corner = random.uniform(0, 1 - size, 2)
        pen = random.uniform(0.03, 0.1) * size**0.5
        yield Drawing(number % 10, [(stroke * size + corner).tolist() for stroke in strokes], float(pen))


def in_node(code: str, given: Any, folder: Path) -> Any:
    """What `answer(given)` gives, a function in the code, which knows all functions of the page."""
    program = folder / "program.js"
    program.write_text(f"{script()}\n{_READ}{code}\n{_WRITE}")
    answer = subprocess.run(["node", program], input=json.dumps(given), capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)
