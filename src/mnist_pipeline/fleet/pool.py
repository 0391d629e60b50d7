"""Trains many configs at once: a process each, as many at a time as keep the cores busy.

A process each, because TensorFlow takes its flags once, when it loads, and one that dies takes no other with it. The
process is this module run by itself: it reads a config as JSON from stdin, prints shares of the work done, and leaves
the result in the run folder.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Lock

from mnist_pipeline import pipeline
from mnist_pipeline.config.schema import Config
from mnist_pipeline.errors import MnistError
from mnist_pipeline.process import OWN_GROUP, command, cores
from mnist_pipeline.runs.opening import same_recipe
from mnist_pipeline.runs.run import Run, artifacts
from mnist_pipeline.runs.watching import FleetWatcher, Watcher


def finished(config: Config) -> bool:
    """True when the config's run is trained and evaluated; a run of another recipe in its place is refused."""
    run = Run(artifacts() / config.name)
    if run.state == "new":
        return False
    same_recipe(run, config)
    return run.state == "trained" and "evaluate" in run.metrics()


def workers_for(configs: Iterable[Config]) -> int:
    """The number of processes that keep the cores busy with the threads that each training is allowed."""
    return max(1, cores() // max((config.training.threads for config in configs), default=1))


def train_all(
    configs: Sequence[Config], *, watcher: FleetWatcher, workers: int | None = None, folder: Path | None = None
) -> dict[str, str]:
    """Train and evaluate every config that is not finished, in the artifacts folder or another one.

    Gives the names of those without a result, and why in a line; a failed training takes no other with it. An
    interruption ends all, and the same call goes on.
    """
    trainings = _Trainings(folder or artifacts(), watcher)
    with ThreadPoolExecutor(workers or workers_for(configs)) as pool:
        try:
            failures = list(pool.map(trainings.run, configs))
        except BaseException:  # map has taken back what has not begun
            trainings.stop()
            raise
    return {config.name: failure for config, failure in zip(configs, failures, strict=True) if failure}


class _Trainings:
    """The processes at work; each thread of the pool follows one of them."""

    def __init__(self, folder: Path, watcher: FleetWatcher) -> None:
        self._folder, self._watcher = folder, watcher
        self._working: set[subprocess.Popen[str]] = set()
        self._stopped = False
        self._one_at_a_time = Lock()

    def run(self, config: Config) -> str | None:
        """One training from start to end; why there is no result."""
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as complaints:
            # Should we be killed, a worker ends at its next word.
            with subprocess.Popen(  # noqa: S603 - words of our own, no shell
                command("fleet.pool"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints,
                env=os.environ | {"MNIST_ARTIFACTS": str(self._folder)}, encoding="utf-8",
                process_group=0, creationflags=OWN_GROUP,
            ) as process:  # fmt: skip
                with self._one_at_a_time:
                    self._working.add(process)
                    if self._stopped:
                        process.terminate()
                self._follow(process, config)
            complaints.seek(0)
            failure = reason(process.returncode, complaints.read(), config)
        with self._one_at_a_time:
            self._working.discard(process)
            if not self._stopped:
                self._watcher.end(config.name, failure)
        return failure

    def _follow(self, process: "subprocess.Popen[str]", config: Config) -> None:
        """Hand the config over and pass on the shares of the work done, until the process ends."""
        assert process.stdin
        assert process.stdout
        with suppress(OSError), process.stdin:  # it has failed already, and says why
            process.stdin.write(config.model_dump_json())
        for line in process.stdout:
            if line.startswith('{"share"'):
                with self._one_at_a_time:
                    self._watcher.share(config.name, float(json.loads(line)["share"]))

    def stop(self) -> None:
        """End every process; what each has finished, its checkpoints included, stays."""
        with self._one_at_a_time:
            self._stopped = True
            for process in self._working:
                process.terminate()


def reason(code: int, complaints: str, config: Config) -> str | None:
    """Why a process ended without a result: the first line of a refusal, the last of a traceback."""
    if code == 0:
        return None
    lines = [line for line in complaints.splitlines() if line.strip()]
    if not lines:
        return f"ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
    if any(line.startswith("Traceback") for line in lines):
        return f"a bug: {lines[-1]} (all of it: mnist train --config RECIPE --seed {config.training.seed})"
    return lines[0]


def main() -> int:
    """Train and evaluate, each unless it is done, without pictures; an expected failure is one line on stderr."""
    try:
        config = Config.model_validate_json(sys.stdin.buffer.read())
        run = Run(artifacts() / config.name)
        pipeline.train(config, one_of_many=True, watcher=_telling(config.training.epochs))
        if "evaluate" not in run.metrics():
            pipeline.evaluate(run, pictures=False)
    except MnistError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return error.exit_code
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
