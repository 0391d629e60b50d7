"""mnist predict --all: pages in, their text out, and a picture of what was read where."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mnist_pipeline.cli.console import complain, note, say, say_json
from mnist_pipeline.errors import MnistError
from mnist_pipeline.numerals import counted
from mnist_pipeline.prediction.finding import count, find

if TYPE_CHECKING:
    from mnist_pipeline.prediction.pages.reading import Model, Page

_KINDS = (".png", ".jpg", ".jpeg", ".webp")


def read_pages(
    pictures: Sequence[str], model: "Model", invert: Literal["auto", "yes", "no"], save: Path | None, json: bool
) -> int:
    """Tell what stands on each page; how many files could not be read."""
    if save is not None:
        _check(save, pictures)
    from mnist_pipeline.prediction.pages.drawing import save_drawn
    from mnist_pipeline.prediction.pages.reading import Page, read_page

    unread, several = 0, count(pictures) != 1
    for found in filter(None, find(pictures)):
        if found.problem is not None:
            page = Page(found.path, model.name, [], found.problem)
        else:
            page = read_page(found.path, model, invert)
        unread += page.error is not None
        if page.left_out:
            note(_beyond(page))
        if json:
            say_json(page.tree())
        else:
            _tell(page, several)
        if save is not None and page.error is None:
            save_drawn(found.path, page.lines, save)
            note(f"what was read where: {save}")
    return unread


def _tell(page: "Page", several: bool) -> None:
    """The text on stdout, and whose it is on stderr."""
    if page.error is not None:
        complain(page.error)
    elif not page.text:
        note(f"{page.image}: no digits here")
    else:
        if several:
            note(f"{page.image}:")
        say(page.text)


def _beyond(page: "Page") -> str:
    from mnist_pipeline.prediction.pages.pieces import MOST

    return (
        f"{page.image}: {counted(page.left_out, 'shape')} left out, the smallest, beyond the {MOST:,} that are read on "
        f"one page: cut it up to have them read too"
    )


def _check(save: Path, pictures: Sequence[str]) -> None:
    """That the picture can be written, before anything is read."""
    if count(pictures) != 1:
        raise MnistError("--save is for one page: give a single picture")
    if save.suffix.lower() not in _KINDS:
        raise MnistError(f"{save}: --save writes {', '.join(_KINDS)}")
    if not save.parent.is_dir():
        raise MnistError(f"{save.parent}: no such folder; make it first")
    try:
        save.lstat()
    except FileNotFoundError:
        return
    except OSError as error:  # a name that is too long
        raise MnistError(f"{save}: cannot be written ({error.strerror}); give --save another name") from None
    raise MnistError(f"{save}: is there already; give --save another name")
