"""The server's connections: uvicorn's, but whoever is slow or sends too much before a request begins is let go."""

import asyncio
import json
import logging
import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from mnist_pipeline.web.app import Service

_PATIENCE = 10.0  # seconds for the head of a request to come, and for an answer to be taken
_LONGEST_HEAD = 32 * 2**10  # bytes
_MOST = 512  # connections of one process
_DRAINING = 20  # seconds that requests in flight are given at the end


class Connection(HttpToolsProtocol):
    """A client's connection, which knows how long it has been waiting for the client."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, unless there are too many."""
        super().connection_made(transport)
        self._begin()
        if len(self.connections) > _MOST:
            self._end(503, "too many connections: try again in a second")

    def data_received(self, data: bytes) -> None:
        """Take more of a request; a head without an end is not read on."""
        self._head += len(data)
        super().data_received(data)
        if self._between and self._head > _LONGEST_HEAD and not self.transport.is_closing():
            self._end(431, "the head of the request is too long")

    def on_headers_complete(self) -> None:
        """Begin to answer."""
        self._between, self._head = False, 0
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._begin()

    def pause_writing(self) -> None:
        """Wait until the client takes what it is sent."""
        super().pause_writing()
        self._since = self.loop.time()

    def send_400_response(self, msg: str) -> None:
        """Tell a client that speaks no HTTP."""
        self._end(400, msg)

    def overdue(self, now: float) -> bool:
        """Whether the client has kept this connection waiting for too long."""
        return (self._between or self.flow.write_paused) and now - self._since > _PATIENCE

    def _begin(self) -> None:
        self._between, self._head, self._since = True, 0, self.loop.time()

    def _end(self, status: int, words: str) -> None:
        """Say why, and hang up."""
        body = json.dumps({"error": words}).encode()
        head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        self.transport.write(STATUS_LINE[status] + head + body)
        self.transport.close()


class Server(uvicorn.Server):
    """uvicorn's server, which ends without a traceback and lets clients go that keep it waiting."""

    def __init__(self, service: Service) -> None:
        for name in ("uvicorn.error", "python_multipart"):  # clients' mistakes; ours are logged by the guard
            logging.getLogger(name).setLevel(logging.CRITICAL)
        super().__init__(
            uvicorn.Config(
                service.app, http=Connection, ws="none", lifespan="off", log_config=None, access_log=False,
                server_header=False, timeout_keep_alive=int(_PATIENCE), timeout_graceful_shutdown=_DRAINING,
            )
        )  # fmt: skip
        self._service = service

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End once the requests in flight are answered; at a second Ctrl-C, at once."""
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.end()

    def end_after(self, wait: Callable[[], object]) -> None:
        """Wait in this thread, and then end."""
        wait()
        self.end()

    def end(self) -> None:
        """Take no more requests, answer those in flight, and end."""
        self._service.stopping = self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        """Look after the connections once a second."""
        if counter % 10 == 0:
            connections: set[Any] = self.server_state.connections
            self._service.counters.gauge(self._service.desk.waiting, len(connections))
            now = asyncio.get_running_loop().time()
            for connection in [one for one in connections if one.overdue(now)]:
                connection.transport.abort()
        return await super().on_tick(counter)
