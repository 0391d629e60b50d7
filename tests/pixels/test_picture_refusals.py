"""A file that is no picture, or a damaged one, is one line and no traceback."""

import os
import random
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnist_pipeline.errors import PictureError
from mnist_pipeline.pixels.pictures import configure_opencv, read_grey
from tests.pixels.picture_files import (
    DRAWN,
    KINDS,
    PNG,
    black_png,
    chunk,
    colours,
    grey,
    large,
    opencv,
    pillow,
    read,
    refusal,
    tiff,
)
from tests.systems import posix


@posix
def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "missing.png") == "no such file"
    assert refusal(tmp_path) == "is a folder, not a picture"
    assert refusal("nul\0.png") == "no such file"
    assert refusal("x" * 5000) == "cannot be read (File name too long)"
    assert refusal("/dev/zero") == "not a regular file"
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert refusal(tmp_path / "loop")


@posix
def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert refusal(tmp_path / "pipe.png") == "not a regular file"


@pytest.mark.parametrize(
    "content",
    [
        b"This is text, whatever its name.",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7\n",
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        b"\0\0\0\x1cftypavif\0\0\0\0",
        b"\x89PNG",
        b"RIFF\0\0\0\0WAVE",
        b"\0",
    ],
)
def test_an_unknown_kind_is_refused_with_those_known(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(content)
    known = "not a picture of a known kind: save it as PNG, JPEG, BMP, GIF, WebP or TIFF"
    assert refusal(path) == known


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    assert refusal(tmp_path / "empty.png") == "the file is empty"


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.truncate(65 * 2**20)
    assert refusal(path) == "65 MiB, more than the 64 MiB read here"


@pytest.mark.parametrize("kind", KINDS)
def test_a_truncated_picture_is_refused_and_nothing_else_is_said(
    kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    configure_opencv()
    data = KINDS[kind]()
    read(data)
    for share in (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97):
        path = tmp_path / "cut.png"
        path.write_bytes(data[: max(3, int(len(data) * share))])
        assert refusal(path)
    assert capfd.readouterr().err == ""


def test_a_truncated_jpeg_is_refused_at_every_size(tmp_path: Path) -> None:
    path = tmp_path / "cut.jpg"
    data = pillow(Image.fromarray(large()), "JPEG")
    path.write_bytes(data[: len(data) // 2])
    for longest in (None, 320, 64):
        with pytest.raises(PictureError, match="cut short"):
            read_grey(path, longest)


def test_a_truncated_picture_is_said_to_be_cut_short(tmp_path: Path) -> None:
    for kind in ("PNG", "JPEG", "BMP", "WebP", "TIFF"):
        data = KINDS[kind]()
        path = tmp_path / "cut.png"
        path.write_bytes(data[: len(data) // 2])
        assert "cut short" in refusal(path)


def test_a_damaged_png_is_refused_and_nothing_else_is_said(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    data = bytearray(pillow(colours(), "PNG"))
    data[data.index(b"IDAT") + 20] ^= 0xFF
    (tmp_path / "damaged.png").write_bytes(data)
    assert refusal(tmp_path / "damaged.png") == "the PNG is damaged: fetch the file again"
    assert capfd.readouterr().err == ""


def test_opencv_stays_silent_in_a_process_of_our_own(tmp_path: Path) -> None:
    data = bytearray(pillow(grey(), "GIF"))
    data[-12:-6] = b"\xff" * 6
    (tmp_path / "damaged.gif").write_bytes(data)
    code = (
        "import sys, cv2, mnist_pipeline.pixels.pictures as pictures\n"
        "pictures.configure_opencv()\n"
        "try: pictures.read_grey(sys.argv[1])\n"
        "except pictures.PictureError: pass\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "damaged.gif"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("size", [(1, 1), (1, 100), (100, 1), (3, 3)])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF"])
def test_a_picture_without_room_for_a_digit_is_refused(size: tuple[int, int], kind: str, tmp_path: Path) -> None:
    path = tmp_path / "tiny"
    path.write_bytes(pillow(Image.new("RGB", size), kind))
    assert refusal(path) == f"{size[0]} x {size[1]} pixels: too small for a digit (at least 4 x 4)"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(lambda: tiff({256: (16, 8), 257: (16, 8)}, DRAWN.tobytes()), id="size of eight bytes elsewhere"),
        pytest.param(lambda: tiff({256: (3, 0)}, DRAWN.tobytes()), id="no width"),
        pytest.param(lambda: tiff({258: (3, 4)}, DRAWN.tobytes()[:1536]), id="four bits"),
        pytest.param(lambda: opencv(DRAWN.astype(np.int32), ".tiff"), id="32 bit whole numbers"),
        pytest.param(lambda: PNG + chunk(b"tEXt", bytes(9)) + black_png(9, 9)[8:], id="text first"),
        pytest.param(lambda: black_png(9, 9)[:33] + black_png(20_000, 9)[8:33] + black_png(9, 9)[33:], id="two sizes"),
        pytest.param(
            lambda: pillow(grey(), "BMP")[:18] + struct.pack("<i", -64) + pillow(grey(), "BMP")[22:], id="BMP"
        ),
        pytest.param(lambda: b"RIFF\0\0\0\0WEBPJUNK" + bytes(100), id="WebP of no kind"),
        pytest.param(lambda: b"RIFF\0\0\0\0WEBPVP8X" + bytes(8), id="WebP without a size"),
        pytest.param(lambda: b"\xff\xd8\xff\xd9", id="JPEG of nothing"),
        pytest.param(lambda: b"\xff\xd8\xff\xe0\0\1" + bytes(100), id="JPEG part of no length"),
        pytest.param(lambda: b"MM\0*\xff\xff\xff\xff" + bytes(100), id="TIFF that points outside"),
    ],
)
def test_a_malformed_picture_is_refused(data: Callable[[], bytes], tmp_path: Path) -> None:
    path = tmp_path / "bad"
    path.write_bytes(data())
    assert refusal(path)


def test_of_a_size_given_twice_the_decoders_counts(tmp_path: Path) -> None:
    path = tmp_path / "twice.tiff"
    path.write_bytes(tiff({256: (4, 2**20)}, DRAWN.tobytes(), more=((256, 3, 64),)))
    assert "1048576 x 48 pixels, more than" in refusal(path)


@pytest.mark.parametrize("kind", KINDS)
def test_no_file_is_a_traceback(kind: str, tmp_path: Path) -> None:
    seeded = random.Random(6)
    whole = KINDS[kind]()
    signature = 16 if "WebP" in kind else 8
    path = tmp_path / "odd"
    for turn in range(60):
        data = bytearray(whole)
        if turn % 3 == 0:
            data[signature:] = seeded.randbytes(seeded.randrange(200))
        else:
            reach = len(data) if turn % 3 == 1 else min(len(data), 120)
            for _ in range(seeded.randint(1, 6)):
                data[seeded.randrange(signature, reach)] = seeded.choice((0, 1, 127, 255, seeded.randrange(256)))
        path.write_bytes(data)
        try:
            picture = read_grey(path)
        except PictureError:
            continue
        assert picture.dtype == np.uint8
        assert picture.ndim == 2
