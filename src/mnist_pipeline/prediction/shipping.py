"""The model that comes with the package, read and checked; `make shipped` puts it there.

Its two files lie in shipped/: photo.onnx, and photo.json, which holds the file's digest, its config and its figures.
"""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mnist_pipeline.errors import RunError
from mnist_pipeline.packages import installed_as
from mnist_pipeline.runs.files import write_json
from mnist_pipeline.runs.opening import open_run
from mnist_pipeline.runs.run import Run, artifacts

if TYPE_CHECKING:
    from mnist_pipeline.config.schema import Config

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


class ShippedRun(Run):
    """The shipped model as a run: the package says what is known of it, artifacts/shipped holds what is made of it."""

    def __init__(self) -> None:
        super().__init__(artifacts() / SHIPPED)

    @property
    def onnx_file(self) -> Path:  # type: ignore[override]
        """The network, which lies in the package."""
        return shipped().path

    def write_refusal(self) -> None:
        """Write the threshold to where a prediction from one of its exported files looks for it."""
        write_json(self.refusal_file, shipped().facts["refusal"])

    def require_trained(self) -> None:
        """Refuse nothing: it always is trained."""

    def config(self) -> "Config":
        """The config it was trained with."""
        from mnist_pipeline.config.checking import check

        return check(shipped().facts["config"], SHIPPED)

    def threshold(self) -> float:
        """The confidence from which it answers."""
        return float(shipped().facts["refusal"]["threshold"])

    def figures(self, stage: str) -> dict[str, Any]:
        """The numbers that came with it, of whichever stage."""
        return shipped().facts

    def environment(self) -> dict[str, Any]:
        """The versions and the processor that it was trained with."""
        return {key: shipped().facts[key] for key in ("versions", "processor")}


def run_called(where: str | Path | Run | None) -> Run:
    """The trained run of this name or at this path, `shipped` among them; without either, the one trained last."""
    return open_run(ShippedRun() if where == SHIPPED else where)
