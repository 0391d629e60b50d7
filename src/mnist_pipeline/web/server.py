"""Serves from one process or from several: the sockets, the workers, and how they begin and end.

With several, this process only watches: each worker is this module in a Python of its own
(`python -m mnist_pipeline.web.server`) that is handed its socket and, in a line on stdin, what to serve. It ends when
its stdin does, so none outlives this one; one that dies is replaced.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from typing import IO, Any

from mnist_pipeline.errors import MnistError
from mnist_pipeline.pixels.pictures import configure_opencv
from mnist_pipeline.prediction.predictor import Predictor
from mnist_pipeline.process import OWN_GROUP, WINDOWS, command, libraries_muted, python_stderr
from mnist_pipeline.web.app import Service, Settings
from mnist_pipeline.web.connections import Server
from mnist_pipeline.web.metrics import Counters, size_for

_BACKLOG = 1024
_LOOK = 0.2  # seconds between two looks at the workers


def serve(
    model: Predictor, host: str, port: int, settings: Settings, workers: int, ready: Callable[[str], None]
) -> None:
    """Serve until interrupted; `ready` is told the address once requests are taken."""
    if workers > 1 and WINDOWS:
        raise MnistError("--workers: on Windows a socket cannot be handed on; start it several times, --port by --port")
    with ExitStack() as stack:
        sockets = [stack.enter_context(one) for one in listen(host, port, workers)]
        address = _address(host, sockets[0].getsockname()[1])
        if workers > 1:
            _watch(model, settings, sockets, lambda: ready(address))
        else:
            _run(model, settings, sockets[0], Counters(), lambda: ready(address))


def listen(host: str, port: int, workers: int = 1) -> list[socket.socket]:
    """A listening socket for each worker, all of one address: on Linux the kernel shares new connections out evenly."""
    try:
        family, kind, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        first = _bound(socket.socket(family, kind), where)
        if workers == 1 or sys.platform != "linux":
            return [first, *(first.dup() for _ in range(workers - 1))]
        where = (where[0], first.getsockname()[1], *where[2:])
        first.close()  # it has shown that nobody else has the port, which sockets that share it do not
        return [_bound(socket.socket(family, kind), where, shared=True) for _ in range(workers)]
    except OSError as error:
        problem = "is taken" if "in use" in str(error) else f"cannot be listened at ({error.strerror or error})"
        raise MnistError(f"port {port} of {host} {problem}: choose another with --port or --host") from None


def _bound(made: socket.socket, where: Any, *, shared: bool = False) -> socket.socket:
    if not WINDOWS:  # where it would let two servers have the same port
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        made.bind(where)
        made.listen(_BACKLOG)
    except OSError:
        made.close()
        raise
    made.setblocking(False)
    return made


def _address(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _run(
    model: Predictor, settings: Settings, listening: socket.socket, counters: Counters, ready: Callable[[], None],
    ended: Callable[[], object] | None = None,
) -> None:  # fmt: skip
    """Serve from this process; `ended`, in a thread of its own, returns when it is to end."""
    configure_opencv()
    service = Service(model, settings, counters)
    server = _Ready(service, ready)
    if ended:
        threading.Thread(target=lambda: server.end_after(ended), daemon=True).start()
    with libraries_muted():
        server.run([listening])


class _Ready(Server):
    """A server that tells when it takes requests."""

    def __init__(self, service: Service, ready: Callable[[], None]) -> None:
        super().__init__(service)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Take requests from here on."""
        await super().startup(sockets)
        self._ready()


# Several processes


def _watch(model: Predictor, settings: Settings, sockets: list[socket.socket], ready: Callable[[], None]) -> None:
    """Keep a worker at each socket until interrupted."""
    with tempfile.TemporaryFile() as counters, _interrupted() as ended, ExitStack() as stack:
        counters.truncate(size_for(len(sockets)))
        order = {"model": model.arguments, "settings": asdict(settings), "workers": len(sockets)}
        workers = [_Worker(order, own, one, counters) for own, one in enumerate(sockets)]
        for worker in workers:
            worker.start()
            stack.callback(worker.end)
        for worker in workers:
            worker.await_ready()
        ready()
        while not ended.wait(_LOOK):
            for worker in workers:
                worker.replace_dead()
        for worker in workers:  # all at once, and then wait for each
            worker.let_end()


@contextmanager
def _interrupted() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set."""
    asked = threading.Event()
    before = {one: signal.signal(one, lambda *_: asked.set()) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


class _Worker:
    """The process at one of the sockets."""

    def __init__(self, order: dict[str, Any], own: int, listening: socket.socket, counters: IO[bytes]) -> None:
        self._files = (listening.fileno(), counters.fileno())
        self._order = json.dumps(order | {"own": own, "socket": self._files[0], "counters": self._files[1]})

    def start(self) -> None:
        """Start the process."""
        self._process = subprocess.Popen(  # noqa: S603 - words of our own, no shell
            command("web.server"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=python_stderr(), text=True,
            pass_fds=self._files, process_group=0, creationflags=OWN_GROUP,
        )  # fmt: skip
        with suppress(OSError):  # one that has died is met when its word is awaited
            print(self._order, file=self._process.stdin, flush=True)

    def await_ready(self) -> None:
        """Wait until it takes requests."""
        assert self._process.stdout
        if not self._process.stdout.readline():
            raise MnistError("a worker process ended before it was ready; with --workers 1 it would say why")

    def replace_dead(self) -> None:
        """Start another process where this one has died; connections that came meanwhile wait at its socket."""
        if self._process.poll() is not None:
            self._close()
            self.start()

    def let_end(self) -> None:
        """Have it end once the requests in flight are answered."""
        with suppress(OSError):
            assert self._process.stdin
            self._process.stdin.close()

    def end(self) -> None:
        """Wait for its end."""
        self.let_end()
        self._process.wait()
        self._close()

    def _close(self) -> None:
        self.let_end()
        assert self._process.stdout
        self._process.stdout.close()


def _work() -> None:
    """Serve as a worker, until there is no more input."""
    order = json.loads(sys.stdin.readline())
    settings = Settings(**order["settings"] | {"origins": tuple(order["settings"]["origins"])})
    counters = Counters(order["workers"], order["own"], order["counters"])
    listening = socket.socket(fileno=order["socket"])
    _run(
        Predictor(**order["model"]), settings, listening, counters, lambda: print("ready", flush=True),  # noqa: T201
        lambda: os.read(0, 1),  # not by sys.stdin, whose lock Python waits for at its end
    )  # fmt: skip


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        _work()
