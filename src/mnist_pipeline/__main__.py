"""`mnist` and `python -m mnist_pipeline`."""

from mnist_pipeline.cli import app


def main() -> None:
    """Run the command line."""
    app(prog_name="mnist")


if __name__ == "__main__":
    main()
