"""The engine that has its tasks run on a Ray cluster: on each node a process like that of the engine here.

A run goes out and comes back as bytes through Ray's object store, so the nodes share no disk, only the package.
"""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mnist_pipeline.errors import MnistError
from mnist_pipeline.fleet.engine import STOPPED, Event, Process, Task
from mnist_pipeline.packages import need
from mnist_pipeline.process import cores
from mnist_pipeline.runs.parcels import packed, unpack
from mnist_pipeline.runs.run import Run

LOCAL = "local"  # the address of a cluster of one node, started here and ended with the engine
_STORE = 200 * 2**20  # bytes of its object store, which otherwise takes a third of the memory
_AHEAD = 2  # tasks that wait on the cluster, so that no node waits for us
_PAUSE = 0.5  # seconds between two words of a node, each of which is an object in the store
_LOOK = 2.0  # seconds after which the nodes are counted again


class Cluster:
    """A Ray cluster that this process has joined, or has started for itself."""

    def __init__(self, address: str) -> None:
        need("--ray", "ray")
        if "://" in address:
            raise MnistError(
                f"--ray {address}: give HOST:PORT of the cluster's head, auto for the one here, or {LOCAL}"
            )
        self._folder = TemporaryDirectory(prefix="mnist-ray-") if address == LOCAL else None
        self.ray = _joined(address, self._folder)
        self.cpus = list[float]()
        """Of each node."""
        self._looked = 0.0

    def room(self) -> int:
        """The CPUs of the cluster as it is now, and a few for tasks that wait there."""
        if time.monotonic() > self._looked + _LOOK:
            nodes = [node["Resources"] for node in self.ray.nodes() if node["Alive"]]
            self._looked, self.cpus = time.monotonic(), [resources.get("CPU", 0) for resources in nodes]
        return int(sum(self.cpus)) + _AHEAD

    def leave(self) -> None:
        """Leave the cluster, which ends where it was started here."""
        self.ray.shutdown()
        if self._folder:
            self._folder.cleanup()


class RayEngine:
    """Ray tasks, one for each training, as many at a time as the cluster has CPUs."""

    def __init__(self, address: str) -> None:
        self._cluster = Cluster(address)
        self._ray = self._cluster.ray
        self._begin = self._ray.remote(max_retries=0)(_work)  # a lost task is ours to try again
        self._working = dict[str, tuple[Task, Any]]()  # the stream of each task's words
        self._stopped = set[str]()

    def room(self) -> int:
        """The CPUs of the cluster as it is now, and a few to wait there."""
        return self._cluster.room()

    def submit(self, task: Task) -> None:
        """Hand the task to the cluster, with what there is already of its run."""
        if task.threads > max(self._cluster.cpus, default=0):
            raise MnistError(f"{task.name}: training.threads is {task.threads}, and no node has as many CPUs")
        parcel = packed(Run(task.around / task.name))
        self._working[task.name] = task, self._begin.options(num_cpus=task.threads).remote(task, parcel)

    def next(self) -> Event:
        """The next event of any task; what a task has left of its run is then here."""
        while True:
            streams = {stream: name for name, (_, stream) in self._working.items()}
            ready, _ = self._ray.wait(list(streams), timeout=_LOOK)
            for stream in ready:
                name = streams[stream]
                task, _ = self._working.pop(name)
                event = self._event(task, stream)
                if not event.ended:
                    self._working[name] = task, stream  # as the last, so that each has its turn
                return event

    def _event(self, task: Task, stream: Any) -> Event:
        from ray.exceptions import RayError, RayTaskError, TaskCancelledError

        try:
            word = self._ray.get(next(stream))
            if "parcel" not in word:
                return Event(task, word)
            if word["parcel"]:
                unpack(word["parcel"], Run(task.around / task.name))
            return Event(task, ended=True, failure=word["failure"])
        except (MnistError, RayTaskError) as error:
            failure, lost = str(error).strip().splitlines()[-1], False
        except (RayError, StopIteration) as error:
            failure, lost = f"its node was lost ({type(error).__name__})", not isinstance(error, TaskCancelledError)
        return Event(task, ended=True, failure=STOPPED if task.name in self._stopped else failure, lost=lost)

    def stop(self, name: str | None = None) -> None:
        """Cancel a task; or all of them, and leave the cluster."""
        if name in self._working:
            self._stopped.add(name)
            self._ray.cancel(self._working[name][1])
        if name is None:
            for _, stream in self._working.values():
                self._ray.cancel(stream)
            self._working.clear()
            self._cluster.leave()


def _joined(address: str, folder: "TemporaryDirectory[str] | None") -> Any:
    """The ray module, a part of the cluster at the address."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # or it calls home
    import ray

    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    try:
        if folder:
            bounds = {"num_cpus": cores(), "object_store_memory": _STORE, "_temp_dir": folder.name}
            ray.init(LOCAL, include_dashboard=False, **bounds, **quiet)
        else:
            ray.init(address, **quiet)
    except Exception as error:  # Ray raises nothing narrower where a node does not start
        reason = str(error).strip().partition("\n")[0]
        raise MnistError(f"--ray {address}: no cluster answers ({reason}). Start one: ray start --head") from None
    return ray


def _work(task: Task, parcel: bytes) -> Iterator[dict[str, Any]]:
    """What a node does: run the task's process in a temporary folder, pass on its words, and then what it has left."""
    with TemporaryDirectory(prefix="mnist-", ignore_cleanup_errors=True) as around:
        run = Run(Path(around) / task.name)
        if parcel:
            unpack(parcel, run)
        process, said = Process(task, Path(around)), 0.0
        try:
            for word in process.told():
                if "figures" in word or time.monotonic() > said + _PAUSE:
                    said = time.monotonic()
                    yield word
            yield {"failure": process.failure(), "parcel": packed(run)}
        finally:
            with suppress(OSError):
                process.stop()
