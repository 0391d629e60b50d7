"""mnist predict --all: pages in, their text out, and a picture of what was read where."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mnist_pipeline.cli.console import complain, note, say, say_json
from mnist_pipeline.errors import MnistError

if TYPE_CHECKING:
    from mnist_pipeline.pages.reading import Model


def read_pages(
    pictures: Iterable[str], model: "Model", invert: Literal["auto", "yes", "no"], save: Path | None, json: bool
) -> int:
    """Tell what stands on each page; how many files could not be read."""
    from mnist_pipeline.pages.drawing import save_drawn
    from mnist_pipeline.pages.reading import read_page

    names = list(pictures)
    if save is not None:
        _check(save, len(names))
    unread = 0
    for name in names:
        page = read_page(name, model, invert)
        unread += page.error is not None
        if json:
            say_json(page.tree())
        elif page.error is not None:
            complain(page.error)
        else:
            if len(names) > 1:
                note(f"{name}:")
            if page.text:
                say(page.text)
            else:
                note(f"{name}: no digits here")
        if save is not None and page.error is None:
            save_drawn(name, page.lines, save)
            note(f"what was read where: {save}")
    return unread


def _check(save: Path, count: int) -> None:
    """That the picture can be written, before anything is read."""
    if count != 1:
        raise MnistError("--save is for one page: give a single picture")
    if save.suffix.lower() not in (".png", ".jpg", ".jpeg", ".webp"):
        raise MnistError(f"{save}: --save writes .png, .jpg or .webp")
    if save.exists() or save.is_symlink():
        raise MnistError(f"{save}: is there already; give --save another name")
    if not save.parent.is_dir():
        raise MnistError(f"{save.parent}: no such folder; make it first")
