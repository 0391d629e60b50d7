"""What a training is made of: its images, a person's own pictures, and the run whose weights it begins with.

All of it is found, and refused where it does not do, before TensorFlow loads.
"""

from typing import NamedTuple

from mnist_pipeline.config.schema import Config
from mnist_pipeline.data import Part, load_part, validation_indices
from mnist_pipeline.data.own import read_own
from mnist_pipeline.errors import ConfigError
from mnist_pipeline.numerals import DIGITS
from mnist_pipeline.runs.run import Run
from mnist_pipeline.runs.watching import Note
from mnist_pipeline.training.adapting import beginning


class Material(NamedTuple):
    """The images of the source, and where the config asks for them, own pictures and the run to begin with."""

    images: Part
    own: Part | None = None
    start: Run | None = None

    def digests(self) -> dict[str, str]:
        """What the result depends on beside config and code."""
        found = {"data_sha256": self.images.sha256}
        if self.own:
            found["own_sha256"] = self.own.sha256
        if self.start:
            found["start_sha256"] = self.start.figures("train")["weights_sha256"]
        return found


def gather(config: Config, note: Note) -> Material:
    """The material of a config; refused where there is nothing to train with, or none of the images to validate on."""
    data, start = config.data, config.training.start
    images = load_part(data.source, "train", data.classes, transposed=data.transposed)
    if data.rendering and images.classes != DIGITS:
        raise ConfigError(f"data.rendering: draws digits, and {data.source} has other classes: set it to null")
    validation_indices(images.labels, data.validation, data.split_seed)
    run = beginning(config, start, images.classes) if start else None
    return Material(images, read_own(data.own.folder, images.classes, note) if data.own else None, run)
