"""A page's own network code, run over images by Node as a browser would run it; and the shipped model's page."""

import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.data import load_part
from mnist_pipeline.errors import ExportError
from mnist_pipeline.exports.forms import ExportForm, files_of
from mnist_pipeline.exports.page import save_page
from mnist_pipeline.exports.proof import Reference, compare, require
from mnist_pipeline.pixels.preprocess import scale
from mnist_pipeline.prediction.runtimes import open_runtime, probabilities
from mnist_pipeline.prediction.shipping import shipped
from mnist_pipeline.runs.files import remove, whole
from mnist_pipeline.runs.watching import Watcher

_SCRIPT = Path(__file__).parent / "page_files" / "prove.js"
_LONGEST = 1800  # seconds; the photo network takes 40 for the test images on one quiet core


class NodeRuntime:
    """The network in a page; each call starts Node anew."""

    name = "node"

    def __init__(self, page: Path) -> None:
        self._page = page

    def scores(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Ten probabilities for each of (n, 28, 28) images in 0..1."""
        pixels = np.rint(images * 255).astype(np.uint8).tobytes()
        words = ["node", str(_SCRIPT), str(self._page)]  # wherever the user's PATH has it
        try:
            answer = subprocess.run(words, input=pixels, capture_output=True, timeout=_LONGEST, check=False)  # noqa: S603
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ExportError(f"node does not answer ({error})") from None
        if answer.returncode:
            lines = [line for line in answer.stderr.decode(errors="replace").splitlines() if "Error" in line]
            raise ExportError(f"node cannot run the page's code ({lines[0] if lines else answer.returncode})")
        return np.frombuffer(answer.stdout, "<f4").reshape(-1, 10)


def export_shipped_page(path: Path, form: ExportForm, watcher: Watcher) -> dict[str, Any]:
    """Write the page of the model that comes with the package, and hold it against the ONNX file that it comes from."""
    watcher.note(f"{form.name}: writing and checking")
    test = load_part("mnist", "test")
    expected = probabilities(open_runtime(shipped().path), test.images, "softmax")
    remove(path)
    try:
        with whole(path) as beside:
            save_page(beside, bits=8 if form.name == "page" else 32)
            found = NodeRuntime(beside).scores(scale(test.images))
            proof = compare(form, "node", found, Reference(expected, expected, test.labels))
            require(form, proof)
    except ExportError as error:
        raise ExportError(f"{form.name}: not kept: {error}") from None
    watcher.note(f"  {proof.sentence('the ONNX file')}")
    return {"checks": [asdict(proof)], "files": files_of([path])}
