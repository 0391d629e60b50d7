"""`python -m benchmarks.photos FOLDER`: how well real pictures are read; FOLDER/labels.tsv says what they show.

The columns of labels.tsv are file, group and label; a file without a label holds no digit and should be refused.
"""

import argparse
import csv
from collections import Counter
from pathlib import Path

from mnist_pipeline.prediction.predictor import Prediction, predictor


def main() -> None:
    """Print how many files of each group are right, and a line for each file that is not."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.photos", description=__doc__)
    parser.add_argument("folder", type=Path, help="pictures with their labels.tsv")
    parser.add_argument("--run", help="the run that answers; by default what mnist predict uses")
    options = parser.parse_args()
    with (options.folder / "labels.tsv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if len(row["label"]) <= 1]
    model = predictor(options.run)
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        group = row["group"] if row["label"] else "no digit there"
        counts.setdefault(group, Counter()).update(_judged(model.predict(options.folder / row["file"]), row["label"]))
    for group, count in counts.items():
        parts = [f"{name} {n} ({n / count['files']:.1%})" for name, n in count.items() if name != "files"]
        print(f"{group}: {count['files']} files, {', '.join(parts)}")


def _judged(answer: Prediction, label: str) -> list[str]:
    right = str(answer.digit) == label if label else answer.digit is None
    if not right:
        print(f"  {answer.sentence()}; it is {label or 'no digit'}, the guess was {answer.guess}")
    if not label:
        return ["files", *(["refused"] if right else [])]
    guessed = ["right as a guess"] if str(answer.guess) == label else []
    return ["files", *(["right"] if right else []), *guessed]


if __name__ == "__main__":
    main()
