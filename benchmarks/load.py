"""Load on `mnist serve`, client and server on this machine: how many predictions a second, and how long each takes.

`python -m benchmarks.load --workers 2` starts the service and asks it, over so many connections that each send their
next request when the last one is answered; then ten times as many, more than it takes; then a few again, to see that it
has recovered. With `--requests 50000` it also says how the service's memory changed.
"""

import argparse
import asyncio
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from urllib.parse import urlsplit

import cv2
import numpy as np

from mnist_pipeline.data import load_part

EXAMPLE = Path(__file__).parents[1] / "examples" / "7.png"
_TIMEOUT = 30  # seconds, after which a request counts as hung


@dataclass
class Load:
    """What came of some requests: how many ended with which status, and the seconds of those that were answered."""

    statuses: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    took: float = 0.0

    def line(self) -> str:
        """The figures in a line."""
        rate = len(self.seconds) / self.took
        median, p99, most = (1000 * value for value in np.percentile(self.seconds or [np.nan], (50, 99, 100)))
        others = {status: count for status, count in self.statuses.items() if status != "200"}
        times = f"median {median:5.1f}  p99 {p99:5.1f}  max {most:5.1f} ms"
        return f"{rate:6.0f} answers/s  {times}  others {others or 'none'}"


def requests_for(pictures: list[bytes], host: str) -> list[bytes]:
    """Whole requests, one for each picture."""
    head = "POST /predict HTTP/1.1\r\nHost: {}\r\nContent-Type: image/png\r\nContent-Length: {}\r\n\r\n"
    return [head.format(host, len(picture)).encode() + picture for picture in pictures]


async def load(url: str, pictures: list[bytes], connections: int, requests: int) -> Load:
    """Ask as often as told, over so many connections at once."""
    place, found, left = urlsplit(url), Load(), iter(range(requests))
    coming = cycle(requests_for(pictures, place.netloc))
    began = time.perf_counter()

    async def client() -> None:
        reader = writer = None
        for _ in left:
            try:
                async with asyncio.timeout(_TIMEOUT):
                    if writer is None:
                        reader, writer = await asyncio.open_connection(place.hostname, place.port)
                    assert reader
                    at = time.perf_counter()
                    writer.write(next(coming))
                    status = await answer_to(reader)
            except (OSError, EOFError, TimeoutError) as error:
                status, writer = type(error).__name__, None
            if status == "200":
                found.seconds.append(time.perf_counter() - at)
            found.statuses[status] += 1
        if writer:
            writer.close()

    await asyncio.gather(*(client() for _ in range(connections)))
    found.took = time.perf_counter() - began
    return found


async def answer_to(reader: asyncio.StreamReader) -> str:
    """The status of the answer that comes, once all of it has come."""
    head = await reader.readuntil(b"\r\n\r\n")
    told = re.search(rb"(?i)content-length: (\d+)", head)
    await reader.readexactly(int(told[1]) if told else 0)
    return head[9:12].decode()


def pictures(count: int = 100) -> list[bytes]:
    """Training images as PNG files of 28x28 pixels."""
    images = load_part("mnist", "train").images[:count]
    return [cv2.imencode(".png", image)[1].tobytes() for image in images]


@contextmanager
def service(workers: int) -> Iterator[tuple[str, float]]:
    """A running service: its address, and the seconds until it was ready."""
    began = time.perf_counter()
    words = ["serve", "--run", "shipped", "--port", "0", "--workers", str(workers)]
    process = subprocess.Popen([sys.executable, "-m", "mnist_pipeline", *words], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    url = process.stdout.readline().strip()
    try:
        yield url, time.perf_counter() - began
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def memory_of(url: str) -> int:
    """The bytes that the service says it has in use."""
    time.sleep(1.5)  # it looks once a second
    with urllib.request.urlopen(f"{url}/metrics") as answer:  # noqa: S310
        told = re.search(r"^mnist_memory_bytes (\d+)$", answer.read().decode(), re.MULTILINE)
    return int(told[1]) if told else 0


def main() -> None:
    """Measure, and print a line for each load."""
    import resource  # which Windows has not

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--requests", type=int, default=8000)
    options = parser.parse_args()
    small, large, most = pictures(), [EXAMPLE.read_bytes()], options.requests
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with service(options.workers) as (url, seconds):
        print(f"{options.workers} workers, ready in {seconds:.2f} s, load average {os.getloadavg()[0]:.1f}")
        asyncio.run(load(url, small, options.connections, 1000))
        began = memory_of(url)
        answers = told("28x28", asyncio.run(load(url, small, options.connections, most)), options.connections)
        now = memory_of(url)
        print(f"memory over {most:,} requests: {began / 1e6:.1f} -> {now / 1e6:.1f} MB ({now / began - 1:+.1%})")
        for name, sent, connections, requests in (
            ("280x280", large, options.connections, min(most, 2000)),
            ("28x28", small, 10 * options.connections, min(most, 8000)),
            ("28x28", small, options.connections, min(most, 2000)),
        ):
            answers += told(name, asyncio.run(load(url, sent, connections, requests)), connections)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    each = f"{1000 * spent / answers:.2f} ms of processor for an answer, all in all"
    print(f"{each}, load average {os.getloadavg()[0]:.1f}")


def told(name: str, found: Load, connections: int) -> int:
    """Print what came of a load; gives the number of answers."""
    print(f"{name:8}{connections:4} connections  {sum(found.statuses.values()):6} requests  {found.line()}", flush=True)
    return len(found.seconds)


if __name__ == "__main__":
    main()
