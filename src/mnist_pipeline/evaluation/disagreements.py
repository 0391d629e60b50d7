"""The test images on which every one of several runs disagrees with the label, as figures and as a sheet to look at.

Where runs that differ in their seed alone all say the same against the label, the label may be wrong. It stays as it
is: a test set that everyone mends for themselves compares nothing.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mnist_pipeline.errors import MnistError
from mnist_pipeline.evaluation.metrics import images_of
from mnist_pipeline.evaluation.plots.images import disagreements
from mnist_pipeline.prediction.predictor import predictor
from mnist_pipeline.runs.run import Run


def find_disagreements(runs: Sequence[Run], sheet: Path) -> dict[str, Any]:
    """Find the images and draw the sheet: those first of whose answer the runs are surest in the mean."""
    part, *others = [images_of(run) for run in runs]
    for run, other in zip(runs[1:], others, strict=True):
        if (other.sha256, other.classes) != (part.sha256, part.classes):
            raise MnistError(f"{run.path}: has other test images than {runs[0].path}: only runs of the same set agree")
    shares = np.stack([predictor(run, "quickest").probabilities(part.images) for run in runs])
    answers, mean = shares.argmax(axis=2), shares.mean(axis=0)
    found = np.flatnonzero((answers != part.labels).all(axis=0))
    mean[found, part.labels[found]] = 0  # what they answer together is none of the label's
    found = found[np.argsort(-mean[found].max(axis=1), kind="stable")]
    rows = [
        {
            "image": int(number), "label": part.classes[part.labels[number]],
            "answer": part.classes[mean[number].argmax()], "confidence": float(mean[number].max()),
            "answers": [part.classes[answer] for answer in answers[:, number]],
        }
        for number in found
    ]  # fmt: skip
    disagreements(part.images[found], rows, sheet, f"{len(rows):,} of {len(part):,} test images", len(runs))
    return {"runs": [str(run.path) for run in runs], "n": len(part), "images": rows, "sheet": str(sheet)}
