"""Counts, shares and classes as people read them."""

import re
from collections.abc import Sequence

DIGITS = tuple("0123456789")  # the classes where nothing else is said
MOST_CLASSES = 256
_LONGEST = 40  # characters of a class's name
_AVERAGES = {"macro", "weighted"}
_WITH_AN = re.compile(r"8\d*|1[18]|[aefhilmnorsx]|[aeiou]\w.*", re.IGNORECASE)  # an 8, an F, an ankle boot


def fault_of(classes: Sequence[str]) -> str | None:
    """What is wrong with the names of classes, which stand in tables, files and code; None where nothing is."""
    unfit = [
        name for name in classes if not (name.isprintable() and name == name.strip() and 0 < len(name) <= _LONGEST)
    ]
    if unfit:
        return f"{unfit[0][:_LONGEST]!a} is no name of a class: 1 to {_LONGEST} characters that can be printed"
    if twice := [name for at, name in enumerate(classes) if name in classes[:at]]:
        return f"{twice[0]!r} is there twice"
    if taken := sorted(_AVERAGES.intersection(classes)):
        return f"{taken[0]!r} is what a mean over all classes is called: use another name"
    return None


def digit_of(label: str) -> int | None:
    """The digit that a class is; None for any other class."""
    return int(label) if label in DIGITS else None


def noun(classes: Sequence[str]) -> str:
    """What the classes are called in words."""
    return "digit" if tuple(classes) == DIGITS else "class"


def named(label: str) -> str:
    """A class with its article: a 7, an 8, a T-shirt."""
    return f"{'an' if _WITH_AN.fullmatch(label) else 'a'} {label}"


def counted(number: int, noun: str) -> str:
    """A number with its noun: 1 epoch, 2 epochs, 1,000 epochs."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def percent(share: float) -> str:
    """A share in percent, such as 97.90 %; one just below 1 is >99.99 %, never 100.00 %."""
    return ">99.99 %" if 0.99995 <= share < 1 else f"{100 * share:.2f} %"


def sure(confidence: float) -> str:
    """A confidence in percent, such as 97.9%; never 100%, because no model is certain."""
    return f"{confidence:.1%}" if confidence < 0.9995 else ">99.9%"
