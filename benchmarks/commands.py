"""The commands that are compared, each run in a fresh process, and the figures that are read from a run."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
Figures = dict[str, float]


@dataclass(frozen=True)
class Outcome:
    """What is known of a process that has ended well."""

    seconds: float
    """From its start to its exit, by the clock."""
    processor_seconds: float
    peak_gb: float
    output: str
    notes: list[tuple[float, str]]
    """The lines on stderr, each with the seconds after which it came."""


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Outcome:
    """Run a command from the project's folder; an exit code other than 0 ends the benchmark."""
    with tempfile.TemporaryFile("w+") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        notes = [(time.perf_counter() - started, line.rstrip()) for line in process.stderr]
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.stderr.close()
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            last = "\n".join(line for _, line in notes[-20:])
            raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}\n{last}")
        output.seek(0)
        return Outcome(
            seconds=seconds,
            processor_seconds=used.ru_utime + used.ru_stime,
            peak_gb=used.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9,
            output=output.read(),
            notes=notes,
        )


@dataclass(frozen=True)
class Variant:
    """A command as it stands in the results, and what runs it in an empty folder and reads its figures."""

    command: str
    measure: Callable[[Path], Figures]


def plain_train(recipe: str, *words: str) -> Variant:
    """A recipe trained with plain Keras, which says in its last line what it took."""

    def measure(folder: Path) -> Figures:
        outcome = run([sys.executable, "-m", "benchmarks.plain", recipe, str(folder), *words])
        said = json.loads(outcome.output.splitlines()[-1])
        # `mnist train` does not evaluate, so its whole process is compared with the script's without that.
        trained = {"training": outcome.seconds - said["evaluate"], "fit": said["fit"], "epoch": later(said["epochs"])}
        return _process(outcome) | trained

    return Variant(" ".join(["python -m benchmarks.plain", recipe, "FOLDER", *words]), measure)


def plain_predict(model: Path, picture: str) -> Variant:
    """A picture read with plain Keras."""
    words = (sys.executable, "-m", "benchmarks.plain", "predict", str(model), picture)
    return Variant(f"python -m benchmarks.plain predict {model.name} {picture}", lambda _: _process(run(words)))


def mnist_train(config: str, *settings: str) -> Variant:
    """`mnist train`."""
    words = ["train", "--config", config, *(word for setting in settings for word in ("--set", setting))]

    def measure(folder: Path) -> Figures:
        outcome = _mnist(folder, *words, "--json")
        fit = json.loads(outcome.output)["train_seconds"]
        ends = epoch_ends(outcome.notes)
        later_epochs = [end - start for start, end in pairwise(ends)]
        return _process(outcome) | {
            "training": outcome.seconds,
            "fit": fit,
            "epoch": later([fit - sum(later_epochs), *later_epochs]),
            "after": outcome.seconds - ends[-1],
        }

    return Variant(" ".join(["mnist", *words]), measure)


def mnist_predict(pictures: Path, count: int, trained: str | Path, *how: str, source: Path | None = None) -> Variant:
    """`mnist predict` over `count` pictures, by another checkout's source if one is given; the whole process counts."""
    how = how or ("--json",)

    def measure(work: Path) -> Figures:
        words = [str(work / word) if "." in word else word for word in how]
        outcome = _mnist(work, "predict", str(pictures), *words, "--run", str(trained), source=source)
        assert outcome.output.count("\n") - ("--csv" in how) == (0 if "--out" in how else count)
        return _process(outcome) | {"rate": count / outcome.seconds}

    shown = f"{pictures.name}/" if pictures.is_dir() else pictures.name
    return Variant(f"mnist predict {shown} {' '.join(how)} --run {Path(trained).name}", measure)


def through(runtime: str, folder: Path, trained: str | Path) -> Variant:
    """A folder of pictures read through one runtime, without the command line around it."""
    words = (sys.executable, "-m", "benchmarks.many", str(folder), str(trained), runtime)

    def measure(_: Path) -> Figures:
        outcome = run(words)
        return _process(outcome) | {"rate": json.loads(outcome.output)["rate"]}

    return Variant(f"python -m benchmarks.many {folder.name}/ {Path(trained).name} {runtime}", measure)


def mnist(*words: str, artifacts: Path | None = None) -> Variant:
    """Any other verb, of which only the process is measured; its runs lie in a new folder, or in one that is given."""
    shown = (Path(word).name if Path(word).is_absolute() else word for word in words)
    return Variant(" ".join(["mnist", *shown]), lambda folder: _process(_mnist(artifacts or folder, *words)))


def epoch_ends(notes: list[tuple[float, str]]) -> list[float]:
    """When `mnist train` said that an epoch was done."""
    return [seconds for seconds, line in notes if re.match(r"epoch +\d+/", line)]


def later(epochs: list[float]) -> float:
    """The median epoch but for the first, in which there is tracing and compiling, unless it is the only one."""
    return median(epochs[1:] or epochs)


def _mnist(folder: Path, *words: str, source: Path | None = None) -> Outcome:
    path = {"PYTHONPATH": str(source / "src")} if source else {}
    return run([sys.executable, "-P", "-m", "mnist_pipeline", *words], {"MNIST_ARTIFACTS": str(folder)} | path)


def _process(outcome: Outcome) -> Figures:
    return {"whole": outcome.seconds, "processor": outcome.processor_seconds, "peak": outcome.peak_gb}
