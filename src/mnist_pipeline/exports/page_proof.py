"""A page's own network code, run over images by Node as a browser would run it."""

import subprocess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.errors import ExportError

_SCRIPT = Path(__file__).parent / "page_files" / "prove.js"
_LONGEST = 1800  # seconds; the photo network takes 40 for the test images on one quiet core


class NodeRuntime:
    """The network in a page; each call starts Node anew."""

    name = "node"

    def __init__(self, page: Path) -> None:
        self._page = page

    def scores(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """The probabilities of the classes for each of (n, 28, 28) images in 0..1."""
        pixels = np.rint(images * 255).astype(np.uint8).tobytes()
        words = ["node", str(_SCRIPT), str(self._page)]  # wherever the user's PATH has it
        try:
            answer = subprocess.run(words, input=pixels, capture_output=True, timeout=_LONGEST, check=False)  # noqa: S603
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ExportError(f"node does not answer ({error})") from None
        if answer.returncode:
            lines = [line for line in answer.stderr.decode(errors="replace").splitlines() if "Error" in line]
            raise ExportError(f"node cannot run the page's code ({lines[0] if lines else answer.returncode})")
        return np.frombuffer(answer.stdout, "<f4").reshape(len(images), -1)
