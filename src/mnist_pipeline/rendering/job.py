"""One job of drawing: which digits or pictures of no digit, by their numbers, and what each shows."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.rendering.negatives import HELD_OUT, KINDS
from mnist_pipeline.rendering.originals import Originals
from mnist_pipeline.rendering.picture import digit_seen, generator, none_seen

_NONE, _HELD_OUT = 1_000_000, 2_000_000  # variants that no digit has


def work(job: Mapping[str, Any]) -> NDArray[np.uint8]:
    """The pictures of one job in the order in which it names them."""
    digits, seed = Originals(job["images"], job["labels"]), int(job["seed"])
    numbers = [int(number) for number in job["numbers"]]
    if "variants" not in job:
        held_out = bool(job["held_out"])
        variant, kinds = (_HELD_OUT, HELD_OUT) if held_out else (_NONE, KINDS)
        pictures = [none_seen(digits, generator(seed, number, variant), kinds) for number in numbers]
    else:
        pictures = [
            digit_seen(image, int(label), float(job["strokes"]), generator(seed, number, int(variant)))
            for variant in job["variants"]
            for image, label, number in zip(*digits, numbers, strict=True)
        ]
    return np.array(pictures, np.uint8).reshape(-1, *digits.images.shape[1:])
