"""`make bench`: plain Keras and this project in turns, each run a fresh process; tables on stdout and in RESULTS.md."""

import argparse
import os
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import cases
from benchmarks.commands import ROOT
from benchmarks.table import table
from mnist_pipeline.runs.provenance import environment

RESULTS = ROOT / "benchmarks" / "RESULTS.md"
ROUNDS = {"dense": 5, "cnn": 3, "start": 7, "many": 3, "bulk": 3}


def main() -> None:
    """Measure the cases that were asked for; only a complete measurement is written to RESULTS.md."""
    options = read_options()
    began, load = time.perf_counter(), os.getloadavg()[0]
    parts = []
    with tempfile.TemporaryDirectory() as work:
        for name in options.only or ROUNDS:
            case = _case(name, options, Path(work))
            rounds = 1 if options.quick else getattr(options, name)
            measured = case.measure(rounds, lambda line: print(line, file=sys.stderr))
            parts.append(_part(case, table(case.rows, measured)))
            print(f"\n{parts[-1]}", flush=True)
    if not options.quick and not options.only:
        text = "\n".join([_heading(load, time.perf_counter() - began), *parts])
        RESULTS.write_text(text, encoding="utf-8")
        print(f"written: {RESULTS.relative_to(ROOT)}")


def read_options() -> argparse.Namespace:
    """What to measure, and in how many rounds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=ROUNDS, help="this part alone; may be repeated")
    parser.add_argument("--quick", action="store_true", help="one round of short trainings, to see that all runs")
    parser.add_argument("--beside", type=Path, help="another checkout of this project, for the part `bulk`")
    parser.add_argument("--pictures", type=int, default=200_000, metavar="N", help="so many, for the part `bulk`")
    for name, rounds in ROUNDS.items():
        parser.add_argument(f"--{name}", type=int, default=rounds, metavar="N", help=f"rounds of it ({rounds})")
    return parser.parse_args()


def _case(name: str, options: argparse.Namespace, work: Path) -> cases.Case:
    quick: bool = options.quick
    if name == "dense":
        return cases.dense(quick)
    if name == "cnn":
        return cases.cnn(quick)
    if name == "bulk":
        return cases.bulk(2000 if quick else options.pictures, work, options.beside)
    return cases.start(work) if name == "start" else cases.many(quick, work)


def _part(case: cases.Case, rows: str) -> str:
    commands = "\n".join(variant.command for variant in case.variants.values())
    return f"## {case.title}\n\n{rows}\n\nIn turns:\n```sh\n{commands}\n```\n"


def _heading(load: float, seconds: float) -> str:
    facts = environment(1)
    processor, versions = facts["processor"], facts["versions"]
    return f"""# What `make bench` measured

{processor["model"]}, {processor["cores"]} cores ({", ".join(processor["instructions"])}), {facts["system"]}, Python
{facts["python"]}, TensorFlow {versions["tensorflow"]}, Keras {versions["keras"]};
{datetime.now(UTC):%d %B %Y}, {seconds / 60:.0f} minutes; load of the machine before it began {load:.1f}, at its end
{os.getloadavg()[0]:.1f} (the benchmark itself makes 1 to 2).

Every run is a fresh process, and the commands of a part take turns, so that whatever else the machine does disturbs
them all: trust the ratios more than the seconds. A figure is the median of n rounds (least .. most); "times less" is
the median of the ratios within a round. What stands for plain Keras is plain.py beside this file; it prints one line
an epoch, not Keras' bar, which would slow it. Training time is the time of `fit`, compiling included, here with a
checkpoint after every epoch.
"""


if __name__ == "__main__":
    main()
