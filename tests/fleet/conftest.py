"""What the tests of the fleet share."""

import sys
from collections.abc import Iterator

import pytest

from tests.fleet.nodes import Cluster


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    if sys.platform != "linux":
        pytest.skip("needs /proc")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    cluster = Cluster(tmp_path_factory.mktemp("r"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
