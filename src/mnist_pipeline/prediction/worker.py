"""One process of a crew: what model to use comes in first, then files, a few a line; their answers go out in a line.

Started by crew.py; it ends when its input does.
"""

import contextlib
import json
import sys
from typing import Any

from mnist_pipeline.errors import MnistError
from mnist_pipeline.pixels.pictures import configure_opencv
from mnist_pipeline.prediction.finding import Found
from mnist_pipeline.prediction.many import answered
from mnist_pipeline.prediction.predictor import Predictor
from mnist_pipeline.process import libraries_muted


def _work() -> None:
    order = json.loads(sys.stdin.readline())
    try:
        model = Predictor(**order["model"])
    except MnistError as error:
        _say({"refused": str(error)})
        return
    _say({})
    for line in sys.stdin:
        files = [Found(*file) for file in json.loads(line)]
        _say([list(vars(answer).values()) for answer in answered(files, model, order["invert"])])


def _say(value: Any) -> None:
    sys.stdout.write(f"{json.dumps(value)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    configure_opencv()
    with (
        contextlib.suppress(BrokenPipeError, KeyboardInterrupt),
        libraries_muted(),
    ):  # nobody wants the answers any more
        _work()
