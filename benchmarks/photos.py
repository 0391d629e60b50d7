"""`python -m benchmarks.photos FOLDER`: how well real pictures are read; FOLDER/labels.tsv says what they show.

The columns of labels.tsv are file, group and label; a file without a label holds no digit and should be refused.
"""

import argparse
import csv
from pathlib import Path

from benchmarks.scoring import Score, head, row
from mnist_pipeline.prediction.predictor import predictor


def main() -> None:
    """Print a line for each file that is not right, then a row for each group."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.photos", description=__doc__)
    parser.add_argument("folder", type=Path, help="pictures with their labels.tsv")
    parser.add_argument("--run", help="the run that answers; by default what mnist predict uses")
    options = parser.parse_args()
    with (options.folder / "labels.tsv").open(encoding="utf-8") as file:
        files = [line for line in csv.DictReader(file, delimiter="\t") if len(line["label"]) <= 1]
    model = predictor(options.run)
    groups: dict[str, Score] = {}
    for line in files:
        label = int(line["label"]) if line["label"] else None
        answer = model.predict(options.folder / line["file"])
        if answer.digit != label:
            print(f"{answer.sentence()}; it is {'no digit' if label is None else label}, the guess was {answer.guess}")
        group = "no digit there" if label is None else line["group"]
        groups[group] = groups.get(group, Score()) + Score.of(answer, label)
    print(head(), *(row(group, found) for group, found in groups.items()), sep="\n")


if __name__ == "__main__":
    main()
