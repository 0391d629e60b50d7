"""The model that comes with the package: photo.onnx, checked against photo.json, which says where it came from."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnist_pipeline.errors import RunError

FOLDER = Path(__file__).parent
NAME = "photo"


@dataclass(frozen=True)
class Shipped:
    """The model's file and what is known of it."""

    path: Path
    facts: dict[str, Any]

    @property
    def name(self) -> str:
        """The recipe that it came from."""
        return str(self.facts["name"])

    @property
    def digest(self) -> str:
        """sha256 of the file."""
        return str(self.facts["sha256"])

    @property
    def threshold(self) -> float:
        """How sure it must be to answer."""
        return float(self.facts["refusal"]["threshold"])


def shipped(folder: Path = FOLDER) -> Shipped:
    """The shipped model, its file whole and the one that its numbers belong to."""
    path, facts_file = folder / f"{NAME}.onnx", folder / f"{NAME}.json"
    try:
        facts = json.loads(facts_file.read_text(encoding="utf-8"))
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except (OSError, ValueError) as error:
        raise RunError(f"{folder}: the shipped model cannot be read ({error}): reinstall mnist-pipeline") from None
    if not isinstance(facts, dict) or found != facts.get("sha256"):
        raise RunError(f"{path}: is not the shipped model (its sha256 differs): reinstall mnist-pipeline")
    return Shipped(path, facts)
