"""One page about a data set before anything is trained on it: its classes, and the images that are worth a look."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mnist_pipeline.data.loading import Dataset, Part
from mnist_pipeline.data.looking import KINDS, Look, look
from mnist_pipeline.evaluation.page import embedded, template
from mnist_pipeline.evaluation.plots import charts, images
from mnist_pipeline.numerals import counted
from mnist_pipeline.runs.files import write_text

_SHOWN = 40  # images of a finding


class _Finding(NamedTuple):
    """Images worth a look for one reason: what they are called, how many there are, what it means, and some of them."""

    name: str
    title: str
    many: int
    means: str
    shown: list[tuple[int, str, str]]  # an image, and what stands below it


def write_data_page(dataset: Dataset, folder: Path) -> tuple[Path, list[Path], Look]:
    """Draw a set's plots and write its page, data.html; gives the page, the plots and what was found."""
    drawn = [folder / "digits.png", folder / "distribution.png"]
    train, classes = dataset.train, dataset.classes
    images.digits(train.images, train.labels, drawn[0], f"Training images of {dataset.source}", classes)
    charts.distribution(train.counts, dataset.test.counts, drawn[1], classes)
    found = look(dataset)
    findings = _findings(train, found)
    plots: dict[str, Any] = {}
    for finding in findings:
        path = folder / f"{finding.name}.png"
        if finding.shown:
            chosen = train.images[[index for index, *_ in finding.shown]]
            some = f"The first {_SHOWN} of {finding.many:,}" if finding.many > _SHOWN else "All of them"
            images.flagged(chosen, [(upper, lower) for _, upper, lower in finding.shown], path, finding.title, some)
            plots[finding.name] = embedded(path)
            drawn.append(path)
    counts = np.array([train.counts, dataset.test.counts])
    page = template("data.html.jinja").render(
        dataset=dataset, found=found, findings=findings, plots=plots, counts=counts.T.tolist(),
        samples=embedded(drawn[0]), distribution=embedded(drawn[1]), balance=counts[0].max() / max(counts[0].min(), 1),
    )  # fmt: skip
    write_text(folder / "data.html", page)
    return folder / "data.html", drawn, found


def _findings(part: Part, found: Look) -> list[_Finding]:
    named = [part.classes[label] for label in part.labels]
    pairs = {
        "leaked": [(index, f"{named[index]}", f"image {index:,}") for index in found.leaked],
        "contradicted": [
            (index, f"{named[index]} or {named[other]}", f"{index:,}, {other:,}") for index, other in found.contradicted
        ],
        "repeated": [(index, named[index], f"{index:,} as {other:,}") for index, other in found.repeated],
        "blank": [(index, named[index], f"image {index:,}") for index in found.blank],
        "inverted": [(index, named[index], f"image {index:,}") for index in found.inverted],
        "suspects": [
            (index, f"{named[index]} or {part.classes[answer]}?", f"image {index:,}")
            for index, answer, _ in found.suspects
        ],
    }
    means = {
        "leaked": "their pixels are in the test part too: a test on them flatters",
        "contradicted": "the same pixels are labelled in two ways: one label is wrong",
        "repeated": "the same pixels come twice in the training part",
        "blank": "they show next to nothing",
        "inverted": "their paper is dark where that of most is light, or the other way round",
        "suspects": "a quick model that was fitted without them clearly expects another class",
    }
    return [
        _Finding(name, f"{counted(len(of_kind), 'image')} {KINDS[name]}", len(of_kind), means[name], of_kind[:_SHOWN])
        for name, of_kind in pairs.items()
    ]
