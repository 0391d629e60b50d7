"""The model that comes with the package, read and checked; `make shipped` puts it there.

Its two files lie in shipped/: photo.onnx, and photo.json, which holds the file's digest, its config and its figures.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

from mnist_pipeline.errors import RunError
from mnist_pipeline.packages import installed_as

FOLDER = Path(__file__).parent / "shipped"
MODEL, FACTS = "photo.onnx", "photo.json"
SHIPPED = "shipped"  # the name of the run that nobody has to train


class Shipped(NamedTuple):
    """The shipped model's ONNX file, and the facts about it."""

    path: Path
    facts: dict[str, Any]


def shipped(folder: Path = FOLDER) -> Shipped:
    """The shipped model, once its file is seen to be the one that the facts are about."""
    path = folder / MODEL
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except (OSError, ValueError) as error:
        raise RunError(f"{folder}: the shipped model cannot be read ({error}): reinstall {installed_as()}") from None
    if not isinstance(facts, dict) or digest != facts.get("sha256"):
        raise RunError(f"{path}: is not the shipped model (its sha256 differs): reinstall {installed_as()}")
    return Shipped(path, facts)
