"""One training of a fleet: a config as JSON comes in on stdin, shares of the work done go out on stdout.

Started by pool.py; the run folder holds the result.
"""

import json
import sys

from mnist_pipeline import pipeline
from mnist_pipeline.config import Config
from mnist_pipeline.errors import MnistError
from mnist_pipeline.runs.run import Run, artifacts
from mnist_pipeline.runs.watching import Watcher


def main() -> int:
    """Train and evaluate, each unless it is done, without pictures; an expected failure is one line on stderr."""
    try:
        config = Config.model_validate_json(sys.stdin.buffer.read())
        pipeline.train(config, watcher=_telling(config.training.epochs))
        run = Run(artifacts() / config.name)
        if "evaluate" not in run.metrics():
            pipeline.evaluate(run, pictures=False)
    except MnistError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


def _telling(epochs: int) -> Watcher:
    """Callbacks that print the share of the work that is done; early stopping may end before the last epoch."""
    done = 0

    def progress(share: float) -> None:
        line = json.dumps({"share": round((done + share) / epochs, 4)})
        print(line, flush=True)  # noqa: T201 - the parent reads it

    def epoch(number: int, _: dict[str, float]) -> None:
        nonlocal done
        done = number
        progress(0)

    return Watcher(progress=progress, epoch=epoch)


if __name__ == "__main__":
    sys.exit(main())
