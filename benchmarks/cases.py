"""The five cases that `make bench` measures: the commands of each, and the rows of its table."""

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks import many as pictures
from benchmarks.commands import Variant, mnist, mnist_predict, mnist_train, plain_predict, plain_train, through
from benchmarks.table import Row
from mnist_pipeline.prediction.runtimes import RuntimeName, installed
from mnist_pipeline.prediction.shipping import SHIPPED
from mnist_pipeline.process import cores
from mnist_pipeline.runs.provenance import multiplies_bfloat16

PICTURE = "examples/7.png"
_RATE = " a second"


@dataclass(frozen=True)
class Case:
    """Variants of one job, which take turns so that what slows the machine slows them all, and their table's rows."""

    title: str
    variants: Mapping[str, Variant]
    rows: tuple[Row, ...]

    def measure(self, rounds: int, say: Callable[[str], None]) -> dict[str, dict[str, list[float]]]:
        """Run every variant once a round; gives, for each variant and figure, the values of all rounds."""
        measured: dict[str, dict[str, list[float]]] = {name: {} for name in self.variants}
        for number in range(1, rounds + 1):
            for name, variant in self.variants.items():
                with tempfile.TemporaryDirectory() as folder:
                    figures = variant.measure(Path(folder))
                say(f"{number}/{rounds}  {variant.command}  " + "  ".join(f"{k} {v:.2f}" for k, v in figures.items()))
                for figure, value in figures.items():
                    measured[name].setdefault(figure, []).append(value)
        return measured


def dense(quick: bool) -> Case:
    """R1: 15 epochs on one thread, as its config says."""
    epochs = 2 if quick else 15
    setting = f"training.epochs={epochs}"
    return Case(
        "R1, dense 50-50-10",
        {
            "plain": plain_train("dense", f"--epochs={epochs}", "--threads=1"),
            "ours": mnist_train("dense", setting),
            "portable": mnist_train("dense-portable", setting),
            "plain, own threads": plain_train("dense", f"--epochs={epochs}"),
            "run": mnist("run", "--config", "dense", "--set", setting),
        },
        (
            Row(f"training, {epochs} epochs, compiling included", "fit", "ours", "plain", at_least=7),
            Row("the same, plain Keras on all cores", "fit", "ours", "plain, own threads"),
            Row("the same in portable numerics", "fit", "portable", "plain"),
            Row("the same in fast numerics, beside portable ones (left)", "fit", "ours", "portable"),
            Row("one epoch after the first", "epoch", "ours", "plain"),
            Row("whole process, training and files", "training", "ours", "plain", at_least=3),
            Row("whole process, evaluation too; here also pictures and report", "whole", "run", "plain"),
            Row("seconds of processor, whole process", "processor", "ours", "plain"),
            Row("from the last epoch's end to the exit", "after", "ours", at_most=3),
            Row("peak memory", "peak", "ours", "plain", unit=" GB", at_most=1.5),
        ),
    )


def cnn(quick: bool) -> Case:
    """R3: two epochs instead of twenty, on one thread and on two."""
    epochs = 1 if quick else 2
    setting = f"training.epochs={epochs}"
    variants: dict[str, Variant] = {}
    rows: list[Row] = []
    for threads in (1,) if quick or os.cpu_count() == 1 else (1, 2):
        base, here, short = (f"{name}, {threads}" for name in ("plain", "ours", "bfloat16"))
        settings = (setting, f"training.threads={threads}")
        variants[base] = plain_train("cnn", f"--epochs={epochs}", f"--threads={threads}")
        variants[here] = mnist_train("cnn", *settings)
        at = f"{threads} thread{'s' * (threads > 1)}"
        rows += [
            Row(f"one epoch after the first, {at}", "epoch", here, base, at_least=1),
            Row(f"training, {epochs} epochs, tracing included, {at}", "fit", here, base),
        ]
        if multiplies_bfloat16():
            variants[short] = mnist_train("cnn", *settings, "training.precision=bfloat16")
            rows.append(Row(f"one epoch after the first, {at}, here in bfloat16", "epoch", short, base, at_least=1))
        rows += [
            Row(f"from the last epoch's end to the exit, {at}", "after", here, at_most=3),
            Row(f"peak memory, {at}", "peak", here, base, unit=" GB", at_most=1.5),
        ]
    return Case("R3, CNN of 459,210 parameters", variants, tuple(rows))


def start(work: Path) -> Case:
    """One picture, from the start of the process to the answer, by R1's network after an epoch of training."""
    mnist("train", "--config", "dense", "--set", "training.epochs=1").measure(work)
    trained = work / "dense"
    pictures.photo(work / "photo.jpg")
    return Case(
        "Start",
        {
            "plain": plain_predict(trained / "model.keras", PICTURE),
            # As a run of one's own: one from elsewhere is first read by a process that may crash.
            "ours": mnist("predict", PICTURE, "--run", "dense", artifacts=work),
            "photo": mnist("predict", str(work / "photo.jpg"), "--run", "dense", artifacts=work),
            "help": mnist("--help"),
        },
        (
            Row("a picture read, whole process", "whole", "ours", "plain", at_least=12),
            Row("the same", "whole", "ours", at_most=0.3),
            Row("a JPEG of 12 megapixels read, whole process", "whole", "photo", at_most=0.45),
            Row("`mnist --help`, whole process", "whole", "help", at_most=0.25),
        ),
    )


def many(quick: bool, work: Path) -> Case:
    """Small pictures by the thousand, on all cores: by the shipped model, and by R3's network after an epoch."""
    count = 1000 if quick else 20_000
    mnist("train", "--config", "cnn", "--set", "training.epochs=1").measure(work)
    trained, folder = work / "cnn", work / "pictures"
    pictures.small(folder, count)
    runtimes: list[RuntimeName] = ["opencv", "onnxruntime"]
    each: dict[str, Variant] = {name: through(name, folder, SHIPPED) for name in runtimes if installed(name)}
    return Case(
        f"{count:,} small PNGs on {cores()} cores",
        {"ours": mnist_predict(folder, count, SHIPPED), "R3": mnist_predict(folder, count, trained), **each},
        (
            Row("whole process, output included, the model that comes", "rate", "ours", unit=_RATE, no_less=2500),
            Row("the same with R3's CNN", "rate", "R3", unit=_RATE, no_less=2500),
            *(Row(f"the model that comes, through {name}", "rate", name, unit=_RATE) for name in each),
        ),
    )


def bulk(count: int, work: Path, beside: Path | None) -> Case:
    """Small pictures by the hundred thousand into a file; beside it, with another checkout, what --csv prints there."""
    folder, tar = work / "pictures", work / "pictures.tar"
    if not tar.exists():
        pictures.small(folder, count)
        pictures.packed(folder, tar)
    before = {"before": mnist_predict(folder, count, SHIPPED, "--csv", source=beside)} if beside else {}
    return Case(
        f"{count:,} small PNGs into a file on {cores()} cores",
        {
            **before,
            "printed": mnist_predict(folder, count, SHIPPED, "--csv"),
            "csv": mnist_predict(folder, count, SHIPPED, "--out", "answers.csv"),
            "tar": mnist_predict(tar, count, SHIPPED, "--out", "answers.csv"),
            "parquet": mnist_predict(tar, count, SHIPPED, "--out", "answers.parquet"),
        },
        (
            Row("the table printed, by the checkout beside", "rate", "before", unit=_RATE),
            Row("the table printed", "rate", "printed", unit=_RATE),
            *(Row(what, "rate", name, unit=_RATE) for name, what in _INTO_A_FILE.items()),
            *(Row(f"{what}: seconds", "whole", name, "before", at_least=1.6) for name, what in _INTO_A_FILE.items()),
            *(Row(f"{what}: of processor", "processor", name, "before") for name, what in _INTO_A_FILE.items()),
            Row("peak memory of one process, files", "peak", "csv", unit=" GB"),
            Row("peak memory of one process, a tar", "peak", "parquet", unit=" GB"),
        ),
    )


_INTO_A_FILE = {"csv": "files, into CSV", "tar": "a tar, into CSV", "parquet": "a tar, into Parquet"}
