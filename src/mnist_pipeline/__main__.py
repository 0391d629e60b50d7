"""`mnist` and `python -m mnist_pipeline`."""

import os
import warnings

from mnist_pipeline.cli import app
from mnist_pipeline.cli.streams import make_safe


def main() -> None:
    """Run the command line, wherever its streams lead and whatever the caller's Python is set to."""
    make_safe()
    os.environ["MPLBACKEND"] = "agg"  # matplotlib does not load under a name that it does not know
    os.environ["KERAS_HOME"] = os.devnull  # a keras.json at home changes weights, and is made there where none is
    # What libraries warn of among themselves, Keras of numpy's next version for one, is no reason to end: not here, and
    # not in the processes that are started.
    os.environ["PYTHONWARNINGS"] = "ignore"
    warnings.simplefilter("ignore")
    app(prog_name="mnist")


if __name__ == "__main__":
    main()
