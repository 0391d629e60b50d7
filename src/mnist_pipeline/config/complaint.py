"""One complaint about a config: where, and what to do about it."""

import json
import re
from typing import Any, NamedTuple

Place = tuple[str | int, ...]


class Complaint(NamedTuple):
    """What is wrong at one place, and the other places that make it wrong."""

    place: Place
    text: str
    because_of: tuple[Place, ...] = ()

    def __str__(self) -> str:
        return f"{dotted(self.place)}: {self.text}" if self.place else self.text


def dotted(place: Place) -> str:
    """('model', 'hidden', 0) as model.hidden[0]."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{_key(step)}" for step in place).removeprefix(".")


def shown(value: Any) -> str:
    """The value as the user may have written it, on one line and not too long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def _key(key: str) -> str:
    return key if re.fullmatch(r"[\w-]{1,60}", key) else shown(key)
