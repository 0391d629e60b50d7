"""A Ray cluster for tests: nodes on this machine, any of which can be killed at once."""

import os
import signal
import subprocess
import sys
from pathlib import Path


class Cluster:
    """Nodes on this machine, each with a CPU and started by `ray start`."""

    def __init__(self, folder: Path) -> None:
        self.address, self._folder = f"127.0.0.1:{20000 + os.getpid() % 10000}", folder
        self._nodes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Add a node; the first is the head, which trains nothing."""
        head = not self._nodes
        place = [f"--port={self.address.partition(':')[2]}", "--head"] if head else [f"--address={self.address}"]
        bounds = [f"--num-cpus={int(not head)}", f"--object-store-memory={100 * 2**20}", "--disable-usage-stats"]
        folder = [f"--temp-dir={self._folder}", "--include-dashboard=false"] if head else []
        call = [str(Path(sys.executable).with_name("ray")), "start", "--block", *place, *bounds, *folder]
        with (self._folder / f"node{len(self._nodes)}.log").open("wb") as log:
            self._nodes.append(subprocess.Popen(call, stdout=log, stderr=log, process_group=0, env=ENVIRONMENT))

    def kill(self, number: int) -> None:
        """Kill every process of a node at once."""
        for process in reversed(descendants(self._nodes[number].pid)):
            os.kill(process, signal.SIGKILL)
        self._nodes[number].wait()

    def stop(self) -> None:
        for number, node in enumerate(self._nodes):
            if node.poll() is None:
                self.kill(number)


ENVIRONMENT = os.environ | {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}


def descendants(process: int) -> list[int]:
    """A process and all that it has started, on Linux."""
    found = [process]
    for parent in found:
        for tasks in Path(f"/proc/{parent}/task").glob("*/children"):
            found += map(int, tasks.read_text().split())
    return found
