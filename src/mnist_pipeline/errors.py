"""What can go wrong for a reason the user can act on; anything else is a bug and shows its traceback."""

from collections.abc import Iterable
from difflib import get_close_matches


class MnistError(Exception):
    """An expected failure: its text is one clear line for the user, saying what to do."""

    exit_code = 2


class ConfigError(MnistError):
    """A config that cannot be used, with every complaint about it."""


class DataError(MnistError):
    """Images or labels that are not what they must be."""


class RunError(MnistError):
    """A run folder that is missing, taken, or does not fit the request."""


class PackageError(MnistError):
    """A package that is not installed, and what to type to have it."""


class PictureError(MnistError):
    """A picture file that cannot be read."""


class TrainingError(MnistError):
    """A training that cannot go on."""

    exit_code = 1


class ExportError(MnistError):
    """An exported file whose outputs are not the model's; it is not kept."""

    exit_code = 1


class ProofError(MnistError):
    """A statement about a model that does not hold."""

    exit_code = 1


def meant(word: str, known: Iterable[str]) -> str:
    """The question whether a similar known word was meant, to stand before a list of them; empty where none is."""
    close = get_close_matches(word, known, n=1)
    return f"Did you mean {close[0]}? " if close else ""
