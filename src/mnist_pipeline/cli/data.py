"""mnist data: the images and labels of a data set, before anything is trained on them."""

from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from mnist_pipeline.cli.console import Group, JsonOption, answer, note, recipe_names, table
from mnist_pipeline.errors import ConfigError


def set_names() -> list[str]:
    """The data sets that can be fetched, for a shell to complete."""
    from mnist_pipeline.data.published import SETS

    return list(SETS)


app = typer.Typer(
    cls=Group, name="data", no_args_is_help=True, help="Look at a data set of digits: counts, digests, pictures."
)
_NAMES = "fashion, kmnist, kannada, qmnist, or emnist-letters, -balanced, -digits, -byclass, -bymerge, -mnist."
_CONFIG = "Also show the digits as training with this config redraws and augments them."
Source = Annotated[
    str, typer.Argument(help="mnist, a folder of IDX files, an .npz file with Keras' names, or a folder of pictures.")
]


@app.command(epilog="Example: mnist data info")
def info(source: Source = "mnist", json: JsonOption = False) -> None:
    """Count the images of each class and give the digests."""
    from mnist_pipeline.data import load

    dataset = load(source)
    parts = {"train": dataset.train, "test": dataset.test}
    facts = {name: {"n": len(part), "counts": part.counts, "sha256": part.sha256} for name, part in parts.items()}
    rows = [[name, *(f"{count:,}" for count in part.counts)] for name, part in parts.items()]
    lines = [
        f"{source}: {len(dataset.train):,} training and {len(dataset.test):,} test images of 28x28\n",
        f"{table(['', *dataset.classes], rows)}\n",
        *(f"{name:<5} pixel mean {part.images.mean():.4f}, sha256 {part.sha256}" for name, part in parts.items()),
    ]
    answer({"source": source, **facts}, "\n".join(lines), json)


@app.command(epilog="Example: mnist data fetch fashion")
def fetch(
    name: Annotated[str, typer.Argument(help=_NAMES, autocompletion=set_names)],
    by_hand: Annotated[
        list[str] | None,
        typer.Option("--from", help="A file downloaded by hand, or a folder of them; may be repeated.", metavar="FILE"),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Fetch a published data set into the cache folder, where `data.source` finds it by its name.

    A download that broke off goes on from where it was; what is not the published file, by its digest, is not kept.
    """
    from mnist_pipeline.cli.progress import FetchProgress
    from mnist_pipeline.data.fetching import fetch as fetched

    with closing(FetchProgress()) as progress:
        folder = fetched(name, map(Path, by_hand or []), progress.more)
    answer({"name": name, "folder": str(folder)}, f"{folder}", json)
    note(f"Train on it: mnist train --config cnn.yaml --set data.source={name}")


@app.command(epilog="Example: mnist data verify path/to/idx-folder")
def verify(source: Source = "mnist", json: JsonOption = False) -> None:
    """Check that the files are complete, the labels 0 to 9, and the shipped files those of MNIST by their digests."""
    from mnist_pipeline.data import load

    dataset = load(source)
    train, test = len(dataset.train), len(dataset.test)
    said = f"{source}: complete and correct, {train:,} training and {test:,} test images"
    answer({"source": source, "train": train, "test": test}, said, json)


@app.command(epilog="Example: mnist data plot --out pictures")
def plot(
    source: Source = "mnist",
    config: Annotated[str | None, typer.Option("--config", "-c", help=_CONFIG, autocompletion=recipe_names)] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the pictures; by default artifacts/data.")] = None,
    json: JsonOption = False,
) -> None:
    """Draw a sheet of training images and the number of images of each digit; with --config more sheets."""
    from mnist_pipeline.config.recipes import load_config
    from mnist_pipeline.data import load
    from mnist_pipeline.evaluation.plots import charts, images
    from mnist_pipeline.runs.run import artifacts

    settings = load_config(config) if config else None
    if settings and not (settings.training.augmentation or settings.data.rendering):
        raise ConfigError(f"{config}: neither redraws nor augments digits: leave out --config")
    dataset, folder = load(source), out or artifacts() / "data"
    digits, drawn = (dataset.train.images, dataset.train.labels), list[str]()

    def draw(name: str, title: str, pictures: Any, labels: Any) -> None:
        images.digits(pictures, labels, folder / name, title, dataset.classes)
        drawn.append(str(folder / name))

    draw("digits.png", f"Training images of {source}", *digits)
    charts.distribution(dataset.train.counts, dataset.test.counts, folder / "distribution.png", dataset.classes)
    drawn.append(str(folder / "distribution.png"))
    if settings and settings.data.rendering:
        from mnist_pipeline.data.rendering.pool import draw_sample

        title = f"Digits as {settings.name} draws them, and pictures of none"
        draw("drawn.png", title, *draw_sample(*digits, settings.data.rendering))
    if settings and settings.training.augmentation:
        from mnist_pipeline.training.batches import augmented_sample

        title = f"The same digits as {settings.name} augments them"
        draw("augmented.png", title, *augmented_sample(*digits, settings.training.augmentation))
    answer({"pictures": drawn}, "\n".join(drawn), json)
    note("Only training images are shown.")
