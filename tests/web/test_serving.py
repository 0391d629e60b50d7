"""The command `mnist serve`: how it begins, what it says, and that it ends with every request answered."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from mnist_pipeline.web.server import listen
from tests.commands import mnist, processor_seconds
from tests.test_imports import loaded_by

SEVEN = Path(__file__).parents[2] / "examples" / "7.png"
posix = pytest.mark.skipif(os.name == "nt", reason="needs signals, and sockets that are handed on")


@contextmanager
def served(*words: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """The address and the process of `mnist serve`."""
    call = [sys.executable, "-m", "mnist_pipeline", "serve", "--run", "shipped", "--port", "0", *words]
    with subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip(), process
        finally:
            process.kill()


def half_sent(url: str, picture: bytes) -> socket.socket:
    """A connection over which all of a request has come but its last byte."""
    host, port = url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=15)
    head = f"POST /predict HTTP/1.1\r\nhost: a\r\ncontent-type: image/png\r\ncontent-length: {len(picture)}\r\n\r\n"
    connection.sendall(head.encode() + picture[:-1])
    return connection


@posix
@pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=pytest.mark.slow)])
def test_ctrl_c_ends_it_once_the_request_in_flight_is_answered(workers: str) -> None:
    picture = SEVEN.read_bytes()
    with served("--workers", workers) as (url, process), half_sent(url, picture) as connection:
        httpx.get(f"{url}/healthz")  # so that the bytes before have come
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        connection.sendall(picture[-1:])
        assert b'"digit":7' in b"".join(iter(lambda: connection.recv(65536), b""))
        assert process.wait(15) == 0
        _, said = process.communicate()
    assert said.splitlines() == [
        "model: photo (comes with the package)", "ended; every request that had come was answered",
    ]  # fmt: skip


@posix
@pytest.mark.slow
def test_a_worker_that_dies_is_replaced_and_all_count_together() -> None:
    with served("--workers", "2") as (url, process):
        for _ in range(10):
            assert httpx.post(
                f"{url}/predict", content=SEVEN.read_bytes(), headers={"content-type": "image/png"}
            ).json()
        assert 'mnist_pictures_total{outcome="read"} 10' in httpx.get(f"{url}/metrics").text.splitlines()
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGKILL)
        answers = [httpx.get(f"{url}/healthz", timeout=15).status_code for _ in range(10)]
        assert answers == [200] * 10


def test_serving_loads_neither_tensorflow_nor_matplotlib() -> None:
    call = "from mnist_pipeline.web.server import serve\nfrom mnist_pipeline import predictor\npredictor('shipped')"
    loaded = loaded_by(call)
    assert {"cv2", "pydantic"} <= loaded
    assert not loaded & {"tensorflow", "keras", "matplotlib", "seaborn", "pandas"}


def test_it_takes_requests_within_a_second_and_a_half() -> None:
    """Or, where importing what it needs takes over 0.4 s, within four such imports: 2.7 were measured."""

    def serving() -> None:
        with served() as (url, _):
            assert url.startswith("http://127.0.0.1:")

    needs = [sys.executable, "-c", "import asyncio, cv2, pydantic, yaml"]
    imported = processor_seconds(lambda: subprocess.run(needs, check=True))
    assert processor_seconds(serving) <= max(1.5, 4 * imported)


def test_a_port_that_is_taken_is_a_line() -> None:
    (taken,) = listen("127.0.0.1", 0)
    with taken:
        port = str(taken.getsockname()[1])
        for workers in ("1", "2"):
            refused = mnist("serve", "--run", "shipped", "--port", port, "--workers", workers)
            assert refused.exit_code == 2
            told = f"Error: port {port} of 127.0.0.1 is taken: choose another with --port or --host"
            assert refused.stderr.splitlines()[-1] == told


@pytest.mark.parametrize("words", [[], ["--api-key-file", "key"]])
def test_who_is_reached_by_others_is_told_so(words: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "key").write_text("0123456789abcdef\n")
    monkeypatch.setattr("mnist_pipeline.web.server.serve", lambda *_: None)
    told = mnist("serve", "--run", "shipped", "--host", "0.0.0.0", *words).stderr
    assert "listening at 0.0.0.0, which other machines may reach, unencrypted: " in told
    assert ("--api-key-file asks for a key" in told) is not bool(words)
    assert "listening" not in mnist("serve", "--run", "shipped", *words).stderr


@pytest.mark.parametrize("key", ["", "short", "two words of a key", "bytes \xff"])
def test_a_file_without_a_key_is_refused(key: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(key, encoding="latin-1")
    refused = mnist("serve", "--run", "shipped", "--api-key-file", tmp_path / "key")
    assert refused.exit_code == 2
    assert re.fullmatch(r"Error: .*key: (a key is one word of at least 16|the key cannot be read).*\n", refused.stderr)


def test_an_origin_that_is_none_is_refused() -> None:
    refused = mnist("serve", "--cors", "example.org/page")
    assert refused.exit_code == 2
    assert "give an origin, as https://example.org" in refused.stderr


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    refused = mnist("serve")
    assert refused.exit_code == 2
    assert re.match(r'Error: serving takes uvicorn: .*pip install .*\[web\]"$', refused.stderr)
