"""Counts and shares as people read them."""


def counted(number: int, noun: str) -> str:
    """A number with its noun: 1 epoch, 2 epochs, 1,000 epochs."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def percent(share: float) -> str:
    """A share in percent, such as 97.90 %; one just below 1 is >99.99 %, never 100.00 %."""
    return ">99.99 %" if 0.99995 <= share < 1 else f"{100 * share:.2f} %"


def sure(confidence: float) -> str:
    """A confidence in percent, such as 97.9%; never 100%, because no model is certain."""
    return f"{confidence:.1%}" if confidence < 0.9995 else ">99.9%"
