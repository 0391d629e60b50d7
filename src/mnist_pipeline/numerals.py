"""Counts and shares as people read them."""


def counted(number: int, noun: str) -> str:
    """1 epoch, 2 epochs, 1,000 epochs."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def percent(share: float) -> str:
    """A share as text such as 97.90 %; what is almost everything does not read as everything."""
    return ">99.99 %" if 0.99995 <= share < 1 else f"{100 * share:.2f} %"


def sure(confidence: float) -> str:
    """How sure a model is, such as 97.9%; never 100%, which a rounded number may say and no model can be."""
    return f"{confidence:.1%}" if confidence < 0.9995 else ">99.9%"
