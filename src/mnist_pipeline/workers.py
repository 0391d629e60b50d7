"""How the processes that work for a command are started."""

import sys


def command(package: str) -> list[str]:
    """The words that run a package's worker module in a Python of its own.

    -P keeps the current folder, which may be anybody's download, off the path that modules are imported from: a
    json.py there would be executed. What is installed, editable or on PYTHONPATH is still found.
    """
    return [sys.executable, "-P", "-m", f"mnist_pipeline.{package}.worker"]
