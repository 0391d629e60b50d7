"""A run folder as one piece of bytes, to go to a machine that shares no disk and to come back from there."""

import io
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

from mnist_pipeline.runs.files import UNFINISHED, remove
from mnist_pipeline.runs.opening import claimed
from mnist_pipeline.runs.run import Run

_LOCK = ".lock"


def packed(run: Run) -> bytes:
    """All files of a run, finished or not; nothing of a folder that holds no run."""
    parcel = io.BytesIO()
    if run.state == "new":
        return b""
    with tarfile.open(fileobj=parcel, mode="w") as tar:
        for path in sorted(run.path.rglob("*")):
            if path.is_file() and path.name != _LOCK and not path.name.startswith(UNFINISHED):
                tar.add(path, path.relative_to(run.path).as_posix())
    return parcel.getvalue()


def unpack(parcel: bytes, run: Run) -> None:
    """Put the files of a parcel in the place of the run's own; a kill in the middle leaves a run to go on with."""
    with (
        claimed(run.path.resolve()),
        TemporaryDirectory(dir=run.path, prefix=UNFINISHED) as folder,
        tarfile.open(fileobj=io.BytesIO(parcel)) as tar,
    ):
        tar.extractall(folder, filter="data")
        for path in sorted(filter(Path.is_file, Path(folder).rglob("*")), key=_turn):
            place = run.path / path.relative_to(folder)
            place.parent.mkdir(parents=True, exist_ok=True)
            path.replace(place)
        if run.state == "trained":
            remove(run.checkpoints)


def _turn(path: Path) -> int:
    """The config comes first, which makes a folder a run's; metrics.json last, which makes a run trained."""
    return {"config.yaml": 0, "metrics.json": 2}.get(path.name, 1)
