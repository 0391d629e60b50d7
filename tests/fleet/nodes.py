"""A Ray cluster for tests: nodes on this machine, any of which can be killed at once."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path


class Cluster:
    """Nodes on this machine, each with a CPU and started by `ray start`."""

    def __init__(self, folder: Path) -> None:
        self.address, self._folder = f"127.0.0.1:{20000 + os.getpid() % 10000}", folder
        self._nodes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Add a node and wait until it runs; the first is the head, which trains nothing."""
        head = not self._nodes
        place = [f"--port={self.address.partition(':')[2]}", "--head"] if head else [f"--address={self.address}"]
        bounds = [f"--num-cpus={int(not head)}", f"--object-store-memory={100 * 2**20}", "--disable-usage-stats"]
        folder = [f"--temp-dir={self._folder}", "--include-dashboard=false"] if head else []
        call = [str(Path(sys.executable).with_name("ray")), "start", "--block", *place, *bounds, *folder]
        log = self._folder / f"node{len(self._nodes)}.log"
        with log.open("wb") as words:
            self._nodes.append(subprocess.Popen(call, stdout=words, stderr=words, process_group=0, env=ENVIRONMENT))
        # Of two nodes that start at once, Ray gives both the same socket, and one of them dies of it.
        while b"Ray runtime started" not in log.read_bytes():
            assert self._nodes[-1].poll() is None, log.read_text()
            time.sleep(0.1)

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
