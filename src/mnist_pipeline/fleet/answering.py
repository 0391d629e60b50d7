"""Shards of pictures answered on a Ray cluster: on each node worker processes as here, which keep the model loaded.

Plain Ray tasks and not Ray Data: shards, their files and what is kept after a kill are the same as here, and each task
is what a worker here is told. A Ray worker runs one task after the other and holds its process of ours between them.
"""

import hashlib
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from mnist_pipeline.errors import MnistError
from mnist_pipeline.fleet.cluster import Cluster
from mnist_pipeline.pixels.light import Invert
from mnist_pipeline.prediction.many import Crew, Order, Written
from mnist_pipeline.prediction.parts import Tally
from mnist_pipeline.prediction.predictor import Predictor
from mnist_pipeline.runs.files import whole

_TRIES = 5  # of a shard whose node is lost
_LOOK = 1.0  # seconds after which the nodes are counted again
# In a Ray worker: the process that answers, and its folder, by what it was told first.
_held: dict[str, tuple[TemporaryDirectory[str], Crew]] = {}


class Model(NamedTuple):
    """What a node needs to make the same predictor, the model file included."""

    arguments: dict[str, Any]
    content: bytes
    invert: Invert


class RayCrew:
    """A cluster that writes answers: as many shards at a time as it has CPUs, and a few to wait there."""

    def __init__(self, address: str, model: Predictor, invert: Invert) -> None:
        self._cluster = Cluster(address)
        ray = self._cluster.ray
        self._model = ray.put(Model(model.arguments, Path(model.onnx).read_bytes(), invert))
        self._answer = ray.remote(num_cpus=1, max_retries=_TRIES)(_answer)

    def __enter__(self) -> "RayCrew":
        return self

    def __exit__(self, *_: object) -> None:
        self._cluster.leave()

    def write(self, orders: Iterable[Order]) -> Iterator[Written]:
        """Have the shards answered by the cluster and write what comes back; told as it is done, in any order."""
        coming = iter(orders)
        due: dict[Any, Order] = {}
        while True:
            for order in islice(coming, max(0, self._cluster.room() - len(due))):
                due[self._answer.remote(self._model, order, _seen_in(order))] = order
            if not due:
                return
            done, _ = self._cluster.ray.wait(list(due), timeout=_LOOK)
            for task in done:
                content, tally = self._got(task)
                order = due.pop(task)
                with whole(Path(order.part)) as beside:
                    beside.write_bytes(content)
                yield Written(order, Tally(tally))

    def _got(self, task: Any) -> tuple[bytes, dict[str, int]]:
        from ray.exceptions import RayError

        try:
            content, tally = self._cluster.ray.get(task)
        except (RayError, MnistError) as error:
            reason = str(error).strip().splitlines()[-1]
            raise MnistError(f"the cluster cannot answer: {reason}") from None
        return content, tally


def _seen_in(order: Order) -> str:
    """A path of a shard that leads to something here, so that a node which does not see it is told apart."""
    paths = [order.shard.path] if order.shard.path else [file.path for file in order.shard.files]
    return next((path for path in paths if Path(path).exists()), "")


def _answer(model: Model, order: Order, seen: str) -> tuple[bytes, dict[str, int]]:
    """What a node does: have its process answer a shard of pictures that lie there as they lie here."""
    if seen and not Path(seen).exists():
        raise MnistError(f"{seen}: not on every node; the pictures have to be at the same path on each")
    with TemporaryDirectory(prefix="mnist-", ignore_cleanup_errors=True) as folder:
        part = Path(folder) / Path(order.part).name
        (written,) = _crew(model).write([order._replace(part=str(part))])
        return part.read_bytes(), dict(written.tally)


def _crew(model: Model) -> Crew:
    """The process of this Ray worker, started at its first shard; its model file lies in a folder as long."""
    key = hashlib.sha256(model.content + repr((model.arguments, model.invert)).encode()).hexdigest()
    if key not in _held:
        folder = TemporaryDirectory(prefix="mnist-model-")
        path = Path(folder.name) / Path(model.arguments["onnx"]).name
        path.write_bytes(model.content)
        here = model._replace(arguments=model.arguments | {"onnx": str(path)})
        _held[key] = folder, Crew(here, model.invert, 1)
    return _held[key][1]
