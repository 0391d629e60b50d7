"""The state of an unfinished training on disk: whole, checked when read, the one before kept in reserve."""

import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.runs.files import remove, whole

Arrays = list[NDArray[Any]]
_KEPT = 2  # the newest, and one to fall back on


@dataclass
class TrainingState:
    """All that decides how training goes on after an epoch; by default the state before the first."""

    epoch: int = 0  # epochs done
    weights: Arrays = field(default_factory=list)
    optimizer: Arrays = field(default_factory=list)
    average: Arrays = field(default_factory=list)  # the weights' moving average; empty without averaging
    best: Arrays = field(default_factory=list)  # the best epoch's weights; empty where they are not kept
    history: dict[str, list[float]] = field(default_factory=dict)
    callbacks: dict[str, dict[str, Any]] = field(default_factory=dict)
    seconds: float = 0.0
    stopped: bool = False  # by early stopping


_GROUPS = {"weight": "weights", "optimizer": "optimizer", "average": "average", "best": "best"}  # in file: in state


@dataclass
class Checkpoints:
    """The checkpoint folder of one run."""

    folder: Path

    def save(self, state: TrainingState) -> None:
        """Write the state of an epoch's end, then delete the oldest."""
        body, place = _packed(state), self.folder / f"epoch-{state.epoch:05d}.ckpt"
        if place.is_dir():  # over which no file can be written
            remove(place)
        with whole(place) as beside:
            beside.write_bytes(b"\n".join([hashlib.sha256(body).hexdigest().encode(), body]))
        for old in self._newest_first()[_KEPT:]:
            remove(old)

    def latest(self, note: Callable[[str], object]) -> TrainingState | None:
        """The newest state that is whole; damaged ones are noted, and training repeats what they held."""
        for path in self._newest_first():
            if state := _read(path):
                return state
            note(f"{path}: this checkpoint is damaged and was passed over")
        return None

    def clear(self) -> None:
        """Delete the folder: training is done and its files are in place."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _newest_first(self) -> list[Path]:
        return sorted(self.folder.glob("epoch-*.ckpt"), reverse=True)


def _packed(state: TrainingState) -> memoryview:
    """The state as an .npz: arrays under keys that keep their order (weight-000, ...), all else as JSON."""
    facts = {name: value for name, value in vars(state).items() if name not in _GROUPS.values()}
    arrays: dict[str, Any] = {
        f"{group}-{number:03d}": array
        for group, name in _GROUPS.items()
        for number, array in enumerate(getattr(state, name))
    }
    arrays["__facts__"] = np.frombuffer(json.dumps(facts, default=float).encode(), np.uint8)
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **arrays)
    return stream.getbuffer()


def _read(path: Path) -> TrainingState | None:
    """The state in the file; None when it is no file, or its checksum or its form is not right."""
    try:
        digest, _, body = path.read_bytes().partition(b"\n")
        if hashlib.sha256(body).hexdigest().encode() != digest:
            return None
        with np.load(io.BytesIO(body), allow_pickle=False) as archive:
            arrays = dict(archive.items())
        state: dict[str, Any] = json.loads(arrays.pop("__facts__").tobytes())
        for group, name in _GROUPS.items():
            state[name] = [arrays[key] for key in sorted(arrays) if key.startswith(f"{group}-")]
        return TrainingState(**state)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return None
