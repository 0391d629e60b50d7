"""`mnist` and `python -m mnist_pipeline`."""

import os
import warnings

from mnist_pipeline.cli import app
from mnist_pipeline.cli.streams import make_safe


def main() -> None:
    """Run the command line, with streams that cannot fail and without the caller's settings for its libraries."""
    make_safe()
    os.environ["MPLBACKEND"] = "agg"  # matplotlib does not load under a name that it does not know
    os.environ["KERAS_HOME"] = os.devnull  # a keras.json at home changes weights, and is made there where none is
    # A warning from a library, such as Keras' about numpy's next version, must end neither this process nor those that
    # it starts, even where the caller's Python makes warnings errors.
    os.environ["PYTHONWARNINGS"] = "ignore"
    warnings.simplefilter("ignore")
    app(prog_name="mnist")


if __name__ == "__main__":
    main()
