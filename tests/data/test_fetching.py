"""Published data sets are fetched whole, or one line says why not; from a server of the test's own."""

import errno
import hashlib
import io
import json
import shutil
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from mnist_pipeline.data import fetching, load_part, published
from mnist_pipeline.data.fetching import fetch
from mnist_pipeline.data.published import Published, Remote
from mnist_pipeline.errors import DataError
from tests.commands import mnist
from tests.data.digit_sets import Arrays, write_folder

Answer = Callable[[BaseHTTPRequestHandler, bytes, int], None]  # what a server does, given the file and where to begin


def send(request: BaseHTTPRequestHandler, body: bytes, begin: int = 0, most: int | None = None) -> None:
    """Answer as a server should, or break off after some bytes."""
    request.send_response(206 if begin else 200)
    if begin:
        request.send_header("Content-Range", f"bytes {begin}-{len(body) - 1}/{len(body)}")
    request.send_header("Content-Length", str(len(body) - begin))
    request.end_headers()
    request.wfile.write(body[begin:][:most])


class Server:
    """The files of a data set over HTTP; tests say how the next requests for each are answered."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files, self.asked = files, list[tuple[str, int]]()
        self.next: dict[str, list[Answer]] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.rpartition("/")[2]
                begin = int(self.headers.get("Range", "bytes=0-")[6:-1])
                outer.asked.append((name, begin))
                waiting = outer.next.get(name)
                (waiting.pop(0) if waiting else send)(self, outer.files[name], begin)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        self.address = f"http://127.0.0.1:{self._server.server_port}/"

    def close(self) -> None:
        if self.address:  # or it would wait for the end of what has ended
            self._server.shutdown()
            self._server.server_close()
        self.address = ""


@pytest.fixture
def files(tmp_path: Path, arrays: Arrays) -> dict[str, bytes]:
    """The four files of a small set."""
    return {path.name: path.read_bytes() for path in sorted(write_folder(tmp_path / "source", arrays).iterdir())}


@pytest.fixture
def server(files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server from which the set `small` is fetched into the folder `cache`."""
    server = Server(files)
    monkeypatch.setenv("MNIST_DATA", str(tmp_path / "cache"))
    monkeypatch.setattr(fetching, "PAUSE", 0)
    small(monkeypatch, files, server.address)
    yield server
    server.close()


def small(monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes], *bases: str) -> None:
    """Publish the files as the set `small` at the addresses."""
    remotes = [
        Remote(name, hashlib.md5(data).hexdigest(), tuple(base + name for base in bases))
        for name, data in files.items()
    ]
    monkeypatch.setitem(published.SETS, "small", Published("a small set", "its page", tuple(remotes)))


IMAGES = "train-images-idx3-ubyte"


def refused(*by_hand: Path) -> str:
    """The line that a fetch ends in; nothing is in the place of the set then."""
    with pytest.raises(DataError) as caught:
        fetch("small", by_hand)
    assert not (published.kept_in() / "small").exists()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_set_is_fetched_and_then_found_by_its_name(server: Server, files: dict[str, bytes], arrays: Arrays) -> None:
    folder = fetch("small")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == files
    assert (load_part("small", "train").images == arrays["x_train"]).all()
    asked = len(server.asked)
    assert fetch("small") == folder
    assert len(server.asked) == asked == 4


def test_a_set_whose_publisher_names_its_classes_has_these_names(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = tuple("abcdefghij")
    monkeypatch.setitem(published.SETS, "small", published.SETS["small"]._replace(classes=names))
    fetch("small")
    assert load_part("small", "train").classes == names


def test_the_command_prints_the_folder(server: Server, tmp_path: Path) -> None:
    told = json.loads(mnist("data", "fetch", "small", "--json").stdout)
    assert told == {"name": "small", "folder": str(tmp_path / "cache" / "small")}


def test_a_set_that_is_not_fetched_says_how_to(server: Server) -> None:
    with pytest.raises(DataError, match=r"small: not fetched yet\. Fetch it: mnist data fetch small"):
        load_part("small", "train")


def test_a_download_that_broke_off_goes_on_from_there(server: Server, files: dict[str, bytes]) -> None:
    half = len(files[IMAGES]) // 2
    server.next[IMAGES] = [lambda request, body, begin: send(request, body, begin, half)]
    folder = fetch("small")
    assert [begin for name, begin in server.asked if name == IMAGES] == [0, half]
    assert (folder / IMAGES).read_bytes() == files[IMAGES]


def test_another_call_goes_on_too(server: Server, files: dict[str, bytes]) -> None:
    server.next[IMAGES] = [lambda request, body, begin: send(request, body, begin, 5000)] * 3
    said = refused()
    assert f"broke off after 15,000 of {len(files[IMAGES]):,} bytes" in said
    server.asked.clear()
    assert (fetch("small") / IMAGES).read_bytes() == files[IMAGES]
    assert [begin for name, begin in server.asked if name == IMAGES] == [15000]
    assert len(server.asked) == 2, "what was whole is not asked for again"


def test_a_server_that_knows_no_ranges_sends_the_whole(server: Server, files: dict[str, bytes]) -> None:
    server.next[IMAGES] = [
        lambda request, body, begin: send(request, body, begin, 5000),
        lambda request, body, _: send(request, body),
    ]
    assert (fetch("small") / IMAGES).read_bytes() == files[IMAGES]


def test_a_wrong_beginning_is_fetched_anew(server: Server, files: dict[str, bytes], tmp_path: Path) -> None:
    place = tmp_path / "cache" / ".fetching-small"
    place.mkdir(parents=True)
    (place / f"{IMAGES}.part").write_bytes(b"x" * 100)
    (place / "t10k-images-idx3-ubyte.part").write_bytes(b"y" * 10**6)  # and one that is too long
    server.next["t10k-images-idx3-ubyte"] = [lambda request, *_: request.send_error(416)]
    folder = fetch("small")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == files


@pytest.mark.parametrize(("code", "asked"), [(403, 1), (404, 1), (503, 3)])
def test_an_answer_that_is_an_error_is_a_line(server: Server, code: int, asked: int) -> None:
    server.next[IMAGES] = [lambda request, *_: request.send_error(code)] * 3
    said = refused()
    assert f"small: {IMAGES} cannot be fetched: 127.0.0.1:" in said
    assert f" answers {code} " in said
    assert said.endswith("by hand: mnist data fetch small --from FILE")
    assert len([name for name, _ in server.asked if name == IMAGES]) == asked, "only what may pass is tried again"


def test_a_mirror_stands_in(server: Server, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    small(monkeypatch, files, f"{server.address}gone/", server.address)
    server.next[IMAGES] = [lambda request, *_: request.send_error(404)]
    assert (fetch("small") / IMAGES).read_bytes() == files[IMAGES]


def test_without_a_network_a_line_says_so(server: Server) -> None:
    server.close()
    assert "cannot be reached (Connection refused)" in refused()


@pytest.mark.parametrize("wrong", [b"<html>Please log in</html>", b""])
def test_another_file_is_not_kept(server: Server, wrong: bytes, tmp_path: Path) -> None:
    server.next[IMAGES] = [lambda request, *_: send(request, wrong)] * 3
    assert "gave another file than the published one (its MD5 differs)" in refused()
    assert not list(tmp_path.rglob(f"{IMAGES}.part"))


def test_a_file_of_gigabytes_is_not_read(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "_LARGEST", 1000)
    assert "more than the 1,000 of any file here" in refused()


def test_a_disk_without_room_is_a_line_before_anything_is_read(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(0, 0, 7))
    said = refused()
    assert "bytes are needed and 7 are free); small was not fetched" in said
    assert len(server.asked) == 1


def test_a_disk_that_fills_gets_its_bytes_back(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DataError, match=r"cannot be written \(No space left on device\); small was not fetched"):
        fetch("small", progress=fill)
    assert not list(tmp_path.rglob("*.part"))


def test_a_damaged_file_is_fetched_again(server: Server, files: dict[str, bytes]) -> None:
    folder = fetch("small")
    (folder / IMAGES).write_bytes(b"damaged")
    server.asked.clear()
    assert (fetch("small") / IMAGES).read_bytes() == files[IMAGES]
    assert [name for name, _ in server.asked] == [IMAGES]


def test_two_at_once_do_not_meet(server: Server, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    with FileLock(tmp_path / "cache" / ".lock"):
        assert "another process fetches into" in refused()


def test_files_downloaded_by_hand_are_taken_whatever_they_are_called(
    server: Server, files: dict[str, bytes], tmp_path: Path
) -> None:
    paths = [tmp_path / f"download ({number})" for number in range(4)]
    for path, data in zip(paths, files.values(), strict=True):
        path.write_bytes(data)
    assert "still lacks t10k-labels-idx1-ubyte, train-images-idx3-ubyte" in refused(paths[0])
    folder = fetch("small", paths[1:])
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == files
    assert server.asked == []


@pytest.mark.parametrize("what", ["file", "folder", "nothing"])
def test_a_wrong_file_downloaded_by_hand_is_refused(server: Server, tmp_path: Path, what: str) -> None:
    given = tmp_path / "given"
    if what == "folder":
        given.mkdir()
    elif what == "file":
        given.write_bytes(b"wrong")
    said = {
        "file": "is no file of a small set as it was published",
        "folder": "holds no file",
        "nothing": "cannot be read",
    }
    assert said[what] in refused(given)


def test_a_part_of_an_archive_is_unpacked_and_the_archive_kept_for_the_others(
    server: Server, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for part in ("a", "b"):
            for name, data in files.items():
                archive.writestr(f"gzip/{part}-{name}", data)
        archive.writestr("../../a-outside", b"")
    server.files = {"all.zip": packed.getvalue()}
    remote = Remote("all.zip", hashlib.md5(packed.getvalue()).hexdigest(), (f"{server.address}all.zip",))
    for part in ("a", "b"):
        monkeypatch.setitem(published.SETS, f"set-{part}", Published("a set", "its page", (remote,), f"{part}-"))
        inside = {path.name for path in fetch(f"set-{part}").iterdir()}
        assert inside - {"a-outside"} == {f"{part}-{name}" for name in files}
    assert server.asked == [("all.zip", 0)]
    assert [path.parent.name for path in tmp_path.rglob("a-outside")] == ["set-a"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("mnist", "comes with the package"),
        ("fasion", "Did you mean fashion?"),
        ("../x", "no data set that can be fetched"),
    ],
)
def test_a_name_that_cannot_be_fetched_is_refused(name: str, says: str) -> None:
    result = mnist("data", "fetch", name)
    assert result.exit_code == 2
    assert says in result.stderr


def test_every_set_has_a_digest_and_a_secure_or_a_second_address_for_each_file() -> None:
    remotes = [remote for known in published.SETS.values() for remote in known.files]
    assert [remote.name for remote in remotes if not set(remote.md5) <= set("0123456789abcdef")] == []
    assert all(len(remote.md5) == 32 for remote in remotes)
    assert all(any(address.startswith("https:") for address in remote.addresses) for remote in remotes)


def test_the_cache_folder_follows_the_user_s_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MNIST_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert published.kept_in() == tmp_path / "mnist-kit"
    monkeypatch.setenv("MNIST_DATA", "~/sets")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert published.kept_in() == tmp_path / "sets"
