"""Shards: what is in tars and IDX files, true or hostile, each picture read once and nothing unpacked to disk."""

import gzip
import io
import struct
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from mnist_pipeline.data import load_part
from mnist_pipeline.errors import PictureError, RunError
from mnist_pipeline.prediction import shards as shards_module
from mnist_pipeline.prediction.shards import Named, pictures, shard_of, shards

IMAGES = load_part("mnist", "test").images[:25]
PNG = cv2.imencode(".png", IMAGES[0])[1].tobytes()


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards_module, "MOST", 10)


def test_the_last_shards_of_a_list_are_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards_module, "LAST", 4)
    paths = [tmp_path / f"{number}.png" for number in range(27)]
    for path in paths:
        path.touch()
    assert [shard.size for shard in shards([str(tmp_path)])] == [10, 4, 4, 4, 4, 1]
    assert [file.path for shard in shards([str(tmp_path)]) for file in shard.files] == list(map(str, paths))
    assert [shard.size for shard in shards([str(tmp_path / "0.png")])] == [1]


def read(*words: Path | str) -> list[Named]:
    """All pictures of all shards, each of which goes to its worker as JSON."""
    return [named for shard in shards(map(str, words)) for named in pictures(shard_of(list(shard)))]


def problems(found: list[Named]) -> list[str]:
    return [str(picture) for _, picture in found if isinstance(picture, PictureError)]


def archive(path: Path, members: dict[str, bytes], form: int = tarfile.PAX_FORMAT) -> Path:
    with tarfile.open(path, "w", format=form) as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_tar_gives_its_pictures_under_their_names(tmp_path: Path, form: int) -> None:
    long = f"{'a' * 60}/{'b' * 60}"
    names = [f"./{long}/{number}.png" for number in range(25)] + ["ü.JPG", "z/../../up.png"]
    content = {name: PNG + bytes(number) for number, name in enumerate(names)}
    others = {"0.cls": b"7", "__MACOSX/._0.png": b"no", ".hidden/0.png": b"no", "readme.txt": b"x" * 600}
    tar = archive(tmp_path / "a.tar", others | content, form)
    assert read(tar) == [(f"{tar}:{name}", data) for name, data in content.items()]
    assert [shard.size for shard in shards([str(tar)])] == [10, 10, 7]
    assert list(tmp_path.iterdir()) == [tar]


def test_tars_and_files_and_idx_come_in_the_order_of_the_words(tmp_path: Path) -> None:
    first, second = (archive(tmp_path / f"s-{number}.tar", {f"{number}.png": PNG}) for number in (0, 1))
    alone = tmp_path / "alone.png"
    assert [name for name, _ in read(alone, tmp_path / "s-*.tar", alone)] == [
        str(alone), f"{first}:0.png", f"{second}:1.png", str(alone)
    ]  # fmt: skip


def test_what_is_no_file_in_a_tar_is_told_and_nothing_followed(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for number, kind in enumerate((tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE)):
            info = tarfile.TarInfo(f"{number}.png")
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
        tar.addfile(tarfile.TarInfo("4.png"))
    found = read(tmp_path / "a.tar")
    kinds = ["a link", "a link", "a device", "a pipe"]
    at = f"{tmp_path}/a.tar"
    assert problems(found) == [f"{at}:{number}.png: {kind}, not a picture" for number, kind in enumerate(kinds)]
    assert found[4] == (f"{at}:4.png", b"")


def block(name: bytes, size: bytes, kind: bytes = b"0") -> bytes:
    """The header of a member of a tar, its checksum right whatever it says."""
    head = bytearray(name.ljust(100, b"\0") + bytes(24) + size.ljust(12, b"\0") + bytes(12) + b" " * 8 + kind).ljust(
        512, b"\0"
    )
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head)


SIZE = b"18 size=99999999999\n"  # in a header before the member's own


@pytest.mark.parametrize(
    ("rest", "says"),
    [
        (block(b"b.png", b"77777777777"), "the archive is cut short"),
        (block(b"b.png", b"\x80" + b"\xff" * 11), "the archive is cut short"),
        (block(b"b.png", b"-0000001000"), "is damaged or cut short"),
        (block(b"b.png", b"\xff" * 12), "is damaged or cut short"),
        (block(b"b.png", b"1")[:300], "the archive is cut short"),
        (bytes(range(256)) * 2, "is damaged or cut short"),
        (block(b"x", b"40", b"x") + SIZE.ljust(512, b"\0") + block(b"b.png", b"0"), "the archive is cut short"),
    ],
)  # fmt: skip
def test_a_tar_that_lies_ends_in_a_line_after_what_is_before(tmp_path: Path, rest: bytes, says: str) -> None:
    tar = tmp_path / "a.tar"
    tar.write_bytes(block(b"a.png", b"5") + b"hello".ljust(512, b"\0") + rest)
    found = read(tar)
    assert found[0] == (f"{tar}:a.png", b"hello")
    assert len(found) == 2
    assert says in problems(found)[0]
    assert found[1][0] == str(tar)


def test_a_member_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    tar = tmp_path / "a.tar"
    with tar.open("wb") as file:
        file.write(block(b"a.png", b"%o" % 2**31))
        file.truncate(512 + 2**31)
    assert "2048 MiB, more than the 64 MiB read here" in problems(read(tar))[0]


def test_archives_without_pictures_and_compressed_ones_say_so(tmp_path: Path) -> None:
    empty = archive(tmp_path / "a.tar", {"x.txt": b""})
    packed = tmp_path / "b.tar.gz"
    packed.write_bytes(gzip.compress(empty.read_bytes()))
    first, second, third = problems(read(empty, packed, tmp_path / "none.tar"))
    assert "no picture in this archive" in first
    assert "unpack it to a .tar" in second
    assert "cannot be read" in third


def test_an_archive_that_changes_while_it_is_read_ends_all(tmp_path: Path) -> None:
    tar = archive(tmp_path / "a.tar", {"a.png": PNG})
    (shard,) = shards([str(tar)])
    archive(tar, {"a.png": PNG, "b.png": PNG * 100})
    with pytest.raises(RunError, match="was changed while it was read"):
        list(pictures(shard))


@pytest.mark.parametrize("name", ["t10k-images-idx3-ubyte", "t10k-images-idx3-ubyte.gz", "some.idx"])
def test_an_idx_file_gives_its_images_by_number(tmp_path: Path, name: str) -> None:
    raw = struct.pack(">4I", 0x803, *IMAGES.shape) + IMAGES.tobytes()
    path = tmp_path / name
    path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    found = read(path)
    assert [label for label, _ in found] == [f"{path}:{number}" for number in range(25)]
    assert (np.array([image for _, image in found]) == IMAGES).all()


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "no IDX file of images"),
        (struct.pack(">2I", 0x801, 4) + bytes(8), "no IDX file of images"),
        (struct.pack(">4I", 0x803, 2**32 - 1, 0, 28), "no IDX file of images"),
        (struct.pack(">4I", 0x803, 2**32 - 1, 28, 28), "its size is not that of 4,294,967,295 images of 28x28"),
    ],
)
def test_an_idx_file_that_lies_is_a_line(tmp_path: Path, raw: bytes, says: str) -> None:
    path = tmp_path / "x.idx"
    path.write_bytes(raw)
    (problem,) = problems(read(path))
    assert says in problem
