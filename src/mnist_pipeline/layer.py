"""One layer of a network as people speak of it."""

from typing import NamedTuple


class Layer(NamedTuple):
    """Name, kind, output shape without the batch, and number of parameters."""

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
