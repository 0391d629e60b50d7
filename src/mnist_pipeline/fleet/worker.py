"""One training of a fleet: a config as JSON comes in on stdin, shares of the work done go out on stdout.

Started by crew.py; the run folder holds the result.
"""

import json
import sys

from mnist_pipeline import pipeline
from mnist_pipeline.config import Config
from mnist_pipeline.errors import MnistError
from mnist_pipeline.runs.run import Run, artifacts
from mnist_pipeline.runs.watching import Watcher


def work(config: Config) -> None:
    """Train and evaluate, each unless it is done, without pictures."""
    run = Run(artifacts() / config.name)
    pipeline.train(config, watcher=_telling(config.training.epochs))
    if "evaluate" not in run.metrics():
        pipeline.evaluate(run, pictures=False)


def _telling(epochs: int) -> Watcher:
    """A watcher that prints how much is done; early stopping may end before the last epoch."""
    done = 0

    def tell(share: float) -> None:
        print(json.dumps({"share": round(share, 4)}), flush=True)  # noqa: T201 - the parent reads it

    def progress(share: float) -> None:
        tell((done + share) / epochs)

    def epoch(number: int, _: dict[str, float]) -> None:
        nonlocal done
        done = number
        tell(done / epochs)

    return Watcher(progress=progress, epoch=epoch)


def main() -> int:
    """Do the work; an expected failure is one line on stderr."""
    try:
        work(Config.model_validate_json(sys.stdin.buffer.read()))
    except MnistError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
