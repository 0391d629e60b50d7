"""A service in this process, at a real socket, as a test wants it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from mnist_pipeline.prediction.predictor import Predictor, predictor
from mnist_pipeline.web.app import Service, Settings
from mnist_pipeline.web.connections import Server
from mnist_pipeline.web.metrics import Counters
from mnist_pipeline.web.server import listen

Serve = Callable[[Settings], str]


@pytest.fixture(scope="session")
def shipped_model() -> Predictor:
    """The model that comes with the package."""
    return predictor("shipped")


@contextmanager
def serving(model: Predictor, settings: Settings) -> Iterator[str]:
    """The address of a service that answers in a thread of this process."""
    (listening,) = listen("127.0.0.1", 0)
    server = Server(Service(model, settings, Counters()))
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.end()
        thread.join()


@pytest.fixture
def serve(shipped_model: Predictor) -> Iterator[Serve]:
    """Start services, as many as a test wants; they end with it."""
    with ExitStack() as stack:
        yield lambda settings: stack.enter_context(serving(shipped_model, settings))


@pytest.fixture(scope="session")
def url(shipped_model: Predictor) -> Iterator[str]:
    """The address of a service with small bounds, for all tests that leave it as it is."""
    with serving(shipped_model, Settings(max_bytes=100_000)) as address:
        yield address


@pytest.fixture
def client(url: str) -> Iterator[httpx.Client]:
    """A client of that service."""
    with httpx.Client(base_url=url, timeout=120) as made:
        yield made
