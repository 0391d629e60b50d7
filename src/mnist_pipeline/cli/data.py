"""mnist data: the images and labels of a data set, before anything is trained on them."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from mnist_pipeline.cli.console import Group, Invert, JsonOption, Way, answer, note, recipe_names, table
from mnist_pipeline.errors import ConfigError
from mnist_pipeline.numerals import DIGITS, counted


def set_names() -> list[str]:
    """The data sets that can be fetched, for a shell to complete."""
    from mnist_pipeline.data.published import SETS

    return list(SETS)


app = typer.Typer(
    cls=Group, name="data", no_args_is_help=True, help="Look at a data set of digits: counts, digests, pictures."
)
_NAMES = "fashion, kmnist, kannada, qmnist, or emnist-letters, -balanced, -digits, -byclass, -bymerge, -mnist."
_PICTURES = "A folder with a folder of pictures for each class, in it perhaps one for each writer; or a table."
_TOLD = 5  # pictures left out that are named one by one
_CONFIG = "Also show the images as training with this config redraws and augments them."
Source = Annotated[
    str, typer.Argument(help="mnist, a folder of IDX files, an .npz file with Keras' names, or a folder of pictures.")
]


@app.command(epilog="Example: mnist data info")
def info(source: Source = "mnist", json: JsonOption = False) -> None:
    """Count the images of each class, and those that are equal, in both parts, blank or inverted; give the digests."""
    from mnist_pipeline.data import load
    from mnist_pipeline.data.looking import KINDS, look

    dataset = load(source)
    parts = {"train": dataset.train, "test": dataset.test}
    facts = {name: {"n": len(part), "counts": part.counts, "sha256": part.sha256} for name, part in parts.items()}
    rows = [[name, *(f"{count:,}" for count in part.counts)] for name, part in parts.items()]
    lines = [
        f"{source}: {len(dataset.train):,} training and {len(dataset.test):,} test images of 28x28\n",
        f"{table(['', *dataset.classes], rows)}\n",
        *(f"{name:<5} pixel mean {part.images.mean():.4f}, sha256 {part.sha256}" for name, part in parts.items()),
    ]
    seen = look(dataset, labels=False).numbers()
    del seen["suspects"]  # which take seconds
    lines.append(f"worth a look: {', '.join(f'{many:,} {KINDS[kind]}' for kind, many in seen.items())}")
    answer({"source": source, **facts, "look": seen}, "\n".join(lines), json)


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
    from mnist_pipeline.config.recipes import shipped_configs
    from mnist_pipeline.data.fetching import fetch as fetched

    with closing(FetchProgress()) as progress:
        folder = fetched(name, map(Path, by_hand or []), progress.more)
    answer({"name": name, "folder": str(folder)}, f"{folder}", json)
    note(f"Train on it: mnist train --config {name if name in shipped_configs() else 'cnn'} --set data.source={name}")


@app.command(epilog="Example: mnist data verify path/to/idx-folder")
def verify(source: Source = "mnist", json: JsonOption = False) -> None:
    """Check that the files are complete, the labels 0 to 9, and the shipped files those of MNIST by their digests."""
    from mnist_pipeline.data import load

    dataset = load(source)
    train, test = len(dataset.train), len(dataset.test)
    said = f"{source}: complete and correct, {train:,} training and {test:,} test images"
    answer({"source": source, "train": train, "test": test}, said, json)


@app.command("import", epilog="Example: mnist data import photos --out artifacts/data/mine")
def import_(
    pictures: Annotated[Path, typer.Argument(help=_PICTURES)],
    out: Annotated[Path | None, typer.Option(help="Folder to make; by default artifacts/data/<its name>.")] = None,
    group: Annotated[
        str | None, typer.Option(help="Column of the table that names the writer; a writer is in one part only.")
    ] = None,
    share: Annotated[float, typer.Option("--test", min=0, max=0.9, help="Share of the pictures to test on.")] = 0.2,
    seed: Annotated[int, typer.Option(min=0, help="Chooses which pictures test.")] = 0,
    invert: Annotated[Invert, typer.Option(help="Whether to invert, as in mnist predict.")] = "auto",
    preprocess: Annotated[Way, typer.Option(help="The way to 28x28, as in mnist predict.")] = "mnist",
    json: JsonOption = False,
) -> None:
    """Make a data set of your own pictures: IDX files, a manifest, and sheets to check the labels on.

    A picture that cannot be read, shows nothing or comes twice is left out; manifest.json says which and why.
    """
    from mnist_pipeline.cli.progress import PictureProgress
    from mnist_pipeline.data.importing import import_pictures, write_set
    from mnist_pipeline.evaluation.plots.images import contact_sheets
    from mnist_pipeline.pixels.pictures import configure_opencv
    from mnist_pipeline.process import libraries_muted
    from mnist_pipeline.runs.files import whole_folder
    from mnist_pipeline.runs.run import artifacts

    configure_opencv()
    folder = out or artifacts() / "data" / pictures.expanduser().resolve().stem
    chosen = {"source": str(pictures), "seed": seed, "test": share, "invert": invert, "preprocess": preprocess}
    with whole_folder(folder) as beside:
        with closing(PictureProgress([])) as progress, libraries_muted():
            made = import_pictures(
                pictures, group, invert, preprocess, share, seed, lambda _, total: progress.more(1, total)
            )
        write_set(made, beside, chosen)
        contact_sheets(made.whole, beside)
    n, refused = {"train": len(made.train), "test": len(made.test)}, made.refused
    for entry in refused[:_TOLD]:
        note(f"left out: {entry.name}: {entry.refused}")
    split = f"split by {made.split_by}" + (f", {len(refused)} left out" if refused else "")
    classes = made.whole.classes
    lines = [
        f"{folder}: {counted(len(made.whole), 'picture')} of {len(classes)} classes, {split}",
        table(["", *classes], [["train", *map(str, made.train.counts)], ["test", *map(str, made.test.counts)]]),
    ]
    answer(
        {"folder": str(folder), "classes": classes, "n": n, "split_by": made.split_by, "refused": len(refused)},
        "\n".join(lines), json,
    )  # fmt: skip
    note(f"Check the labels on {folder / 'sheet.png'}, and train on it: --set data.source={folder}")


@app.command(epilog="Example: mnist data plot --out pictures")
def plot(
    source: Source = "mnist",
    config: Annotated[str | None, typer.Option("--config", "-c", help=_CONFIG, autocompletion=recipe_names)] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the page; by default artifacts/data.")] = None,
    transposed: Annotated[bool, typer.Option("--transposed", help="Exchange rows and columns, for EMNIST.")] = False,
    json: JsonOption = False,
) -> None:
    """Write data.html: images of each class, counts, duplicates, and images and labels that are worth a look.

    With --config also sheets of the images as training redraws and augments them.
    """
    from mnist_pipeline.config.recipes import load_config
    from mnist_pipeline.data import load
    from mnist_pipeline.evaluation.data_page import write_data_page
    from mnist_pipeline.evaluation.plots import images
    from mnist_pipeline.runs.run import artifacts

    settings = load_config(config) if config else None
    if settings and not (settings.training.augmentation or settings.data.rendering):
        raise ConfigError(f"{config}: neither redraws nor augments images: leave out --config")
    dataset, folder = load(source, transposed=transposed), out or artifacts() / "data"
    if settings and settings.data.rendering and dataset.classes != DIGITS:
        raise ConfigError(f"{config}: draws digits, and {source} has other classes: leave out --config")
    digits = dataset.train.images, dataset.train.labels
    page, drawn, found = write_data_page(dataset, folder)
    if settings and settings.data.rendering:
        from mnist_pipeline.data.rendering.pool import draw_sample

        drawn.append(folder / "drawn.png")
        title = f"Digits as {settings.name} draws them, and pictures of none"
        images.digits(*draw_sample(*digits, settings.data.rendering), drawn[-1], title)
    if settings and settings.training.augmentation:
        from mnist_pipeline.training.batches import augmented_sample

        drawn.append(folder / "augmented.png")
        title = f"The same images as {settings.name} augments them"
        images.digits(*augmented_sample(*digits, settings.training.augmentation), drawn[-1], title, dataset.classes)
    paths = [str(path) for path in drawn]
    answer({"page": str(page), "pictures": paths, **found.tree()}, "\n".join([*paths, str(page)]), json)
    note("Only training images are shown.")
