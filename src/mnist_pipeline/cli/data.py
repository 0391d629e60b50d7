"""mnist data: look at the images before training on them."""

from pathlib import Path
from typing import Annotated

import typer

from mnist_pipeline.cli.console import Group, note, say, say_json, table
from mnist_pipeline.cli.options import JsonOption
from mnist_pipeline.errors import ConfigError

app = typer.Typer(cls=Group, no_args_is_help=True, help="Look at a digit set: counts, digests, pictures.")
Source = Annotated[str, typer.Argument(help="mnist, a folder of IDX files, or an .npz file with Keras' names.")]


@app.command(epilog="Example: mnist data info")
def info(source: Source = "mnist", json: JsonOption = False) -> None:
    """Count the images of each class and give the digests."""
    from mnist_pipeline.data import load

    dataset = load(source)
    parts = {"train": dataset.train, "test": dataset.test}
    if json:
        facts = {name: {"n": len(part), "counts": part.counts, "sha256": part.sha256} for name, part in parts.items()}
        say_json({"source": source, **facts})
        return
    say(f"{source}: {len(dataset.train):,} training and {len(dataset.test):,} test images of 28x28\n")
    rows = [[name, *(f"{count:,}" for count in part.counts)] for name, part in parts.items()]
    table(["", *map(str, range(10))], rows)
    say()
    for name, part in parts.items():
        say(f"{name:<5} pixel mean {part.images.mean():.4f}, sha256 {part.sha256}")


@app.command(epilog="Example: mnist data verify path/to/idx-folder")
def verify(source: Source = "mnist") -> None:
    """Read and check everything: whole files, labels 0 to 9, and the shipped files by their digests."""
    from mnist_pipeline.data import load

    dataset = load(source)
    say(f"{source}: whole and right, {len(dataset.train):,} training and {len(dataset.test):,} test images")


@app.command(epilog="Example: mnist data plot --out pictures")
def plot(
    source: Source = "mnist",
    config: Annotated[
        str | None,
        typer.Option("--config", "-c", help="Also show the digits as this config's augmentation makes them."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the pictures; by default artifacts/data.")] = None,
) -> None:
    """Draw a sheet of sample digits and the class distribution; with --config a sheet of augmented digits too."""
    from mnist_pipeline import plots
    from mnist_pipeline.config import load_config
    from mnist_pipeline.data import load
    from mnist_pipeline.runs import artifacts

    settings = load_config(config).training.augmentation if config else None
    if config and settings is None:
        raise ConfigError(f"{config}: training.augmentation is null: there is nothing to show")
    dataset, folder = load(source), out or artifacts() / "data"
    plots.digits(dataset.train.images, dataset.train.labels, folder / "digits.png", f"Training images of {source}")
    plots.distribution(dataset.train.counts, dataset.test.counts, folder / "distribution.png")
    say(str(folder / "digits.png"))
    say(str(folder / "distribution.png"))
    if settings:
        from mnist_pipeline.augmentation import augmented_sample

        images, labels = augmented_sample(dataset.train.images, dataset.train.labels, settings)
        plots.digits(images, labels, folder / "augmented.png", f"The same digits as {config} trains on them")
        say(str(folder / "augmented.png"))
    note("Only training images are shown.")
