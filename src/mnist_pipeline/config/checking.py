"""A tree of plain values to a Config, or to every complaint about it at once."""

import json
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from mnist_pipeline.config.contradictions import contradictions
from mnist_pipeline.config.schema import Config
from mnist_pipeline.config.wording import Complaint, Place, complaint_about, place_of

# Values for settings without a default, so that a tree which lacks them can be searched for contradictions.
_STAND_INS: dict[str | int, Any] = {
    "name": "x",
    "model": {"family": "dense"},
    "family": "dense",
    "convolutions": [{"filters": 1}],
    "filters": 1,
    "training": {"epochs": 1},
    "epochs": 1,
}


def check(tree: Any) -> tuple[Config | None, list[Complaint]]:
    """The config and no complaints, or None and every complaint about the tree."""
    if not isinstance(tree, dict):
        return None, [Complaint((), "a config is a block of `key: value` lines, and this is none")]
    try:
        tree = json.loads(json.dumps(tree))
    except (TypeError, ValueError, RecursionError) as error:
        return None, [Complaint((), f"a value has no place in a config ({error})")]
    config, faults = _validate(tree)
    if config is not None:
        complaints = contradictions(config)
        return (None if complaints else config), complaints
    complaints = [complaint for fault in faults if (complaint := complaint_about(tree, fault))]
    # The other settings may contradict each other: told as well, unless a wrong value is why.
    wrong = [complaint.place for complaint in complaints]
    mended = _mended(tree, faults)
    found = contradictions(mended) if mended else []
    return None, complaints + [complaint for complaint in found if not _touches(complaint, wrong)]


def _validate(tree: dict[str, Any]) -> tuple[Config | None, list[ErrorDetails]]:
    try:
        # Through JSON, because strict mode takes a list for a tuple only there.
        return Config.model_validate_json(json.dumps(tree)), []
    except ValidationError as error:
        return None, error.errors(include_url=False)


def _mended(tree: Any, faults: list[ErrorDetails]) -> Config | None:
    """The config that is left when each wrong value gives way to its default or a stand-in."""
    for _ in range(8):  # taking one out can leave another missing, a few levels deep
        places = [place_of(fault) for fault in faults]
        if () in places:
            return None
        tree = _replaced(tree, places)
        config, faults = _validate(tree)
        if config is not None:
            return config
    return None


def _replaced(node: Any, wrong: list[Place], here: Place = ()) -> Any:
    """A copy of the tree without what stands at the wrong places, and with stand-ins where nothing stands."""
    if isinstance(node, list):
        kept = (at for at in range(len(node)) if (*here, at) not in wrong)
        return [_replaced(node[at], wrong, (*here, at)) for at in kept]
    if not isinstance(node, dict):
        return node
    copy = {key: _replaced(value, wrong, (*here, key)) for key, value in node.items() if (*here, key) not in wrong}
    absent = (place[-1] for place in wrong if place[:-1] == here and place[-1] not in node)
    return copy | {key: _STAND_INS[key] for key in absent if key in _STAND_INS}


def _touches(complaint: Complaint, wrong: list[Place]) -> bool:
    """True when a contradiction may come from a value that was itself wrong, or lies in a block that was."""
    return any(place[: len(bad)] == bad for place in (complaint.place, *complaint.because_of) for bad in wrong)
