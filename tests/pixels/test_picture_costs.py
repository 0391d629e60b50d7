"""Small picture files of large costs are refused before they are decoded; ordinary large ones are read."""

import contextlib
import re
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mnist_pipeline.errors import PictureError
from mnist_pipeline.pixels.picture_header import read_header
from tests.pixels.picture_files import (
    DRAWN,
    PNG,
    Grey,
    assert_alike,
    black_png,
    chunk,
    colours,
    grey,
    opencv,
    pillow,
    png,
    read,
    refusal,
    scanned,
    segment,
    tiff,
)
from tests.systems import linux


def huge(kind: str) -> bytes:
    """The start of a picture file that claims 20,000 x 20,000 pixels."""
    if kind == "PNG":
        return black_png(20_000, 20_000)
    if kind == "TIFF":
        return tiff({256: (3, 20_000), 257: (4, 20_000)}, b"")
    small = bytearray(pillow(Image.new("RGB", (8, 8)), "WEBP" if kind == "WebP" else kind))
    if kind == "JPEG":
        at = re.search(rb"\xff\xc0..\x08", small, re.DOTALL).start()  # type: ignore[union-attr]
        small[at + 5 : at + 9] = struct.pack(">HH", 20_000, 20_000)
    elif kind == "WebP":
        small[26:30] = struct.pack("<HH", 16_000, 16_000)
    elif kind == "BMP":
        small[18:26] = struct.pack("<ii", 20_000, -20_000)
    else:
        small[6:10] = struct.pack("<HH", 20_000, 20_000)
    return bytes(small)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF", "WebP", "TIFF"])
def test_a_huge_picture_is_refused_before_it_is_decoded(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("decoded"))
    path = tmp_path / "huge"
    path.write_bytes(huge(kind))
    assert path.stat().st_size < 100_000
    side = 16_000 if kind == "WebP" else 20_000
    start = time.process_time()
    message = refusal(path)
    assert time.process_time() - start < 0.2
    assert message == f"{side} x {side} pixels, more than the 50 million decoded here: make it smaller first"


ANIMATED = chunk(b"acTL", struct.pack(">II", 2, 0))
COSTLY = {
    "16 bit RGBA PNG": lambda: png(7000, 7000, 16, 6, 0),
    "16 bit grey PNG with alpha": lambda: png(7000, 7000, 16, 4, 0),
    "animated PNG": lambda: png(7000, 7000, 8, 6, 0, ANIMATED),
    "PNG with a transparent colour": lambda: png(6000, 6000, 16, 2, 0, chunk(b"tRNS", bytes(6))),
    "animated WebP": lambda: b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\2\0\0\0" + (4999).to_bytes(3, "little") * 2,
    "float TIFF of three channels": lambda: tiff(
        {256: (3, 7000), 257: (3, 7000), 258: (3, 32), 262: (3, 2), 277: (3, 3)}, b""
    ),
    "double TIFF": lambda: tiff({256: (3, 7000), 257: (3, 7000), 258: (3, 64)}, b""),
    "TIFF of one large tile": lambda: tiff({}, b"", more=((322, 4, 20_000), (323, 4, 20_000))),
    "TIFF of many tiles far too wide": lambda: tiff({257: (3, 6000)}, b"", more=((322, 4, 10**6), (323, 4, 16))),
    "JPEG of four channels": lambda: scanned(7000, 1).replace(b"\x1b\x58\1", b"\x1b\x58\4"),
}


@pytest.mark.parametrize("kind", COSTLY)
def test_what_would_fill_the_memory_is_refused_before_it_is_decoded(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "costly"
    path.write_bytes(COSTLY[kind]())
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("decoded"))
    assert "MB once decoded, more than the 200 MB read here: save it as a plain 8-bit picture" in refusal(path)


DEFLATED = (cv2.IMWRITE_TIFF_COMPRESSION, 8)


@linux
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(lambda: png(7071, 7071, 8, 6, 7071 * (1 + 4 * 7071)), id="RGBA PNG"),
        pytest.param(lambda: png(4990, 4990, 16, 6, 4990 * (1 + 8 * 4990)), id="16 bit RGBA PNG"),
        pytest.param(lambda: opencv(np.zeros((7071, 7071), np.float32), ".tiff", *DEFLATED), id="float TIFF"),
    ],
)
def test_the_largest_that_are_read_take_little_memory(data: Callable[[], bytes], tmp_path: Path) -> None:
    path = tmp_path / "largest"
    path.write_bytes(data())
    code = (
        "import pathlib, sys, mnist_pipeline.pixels.pictures as pictures\n"
        "pictures.read_grey(sys.argv[1])\n"
        "print(pathlib.Path('/proc/self/status').read_text())"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    peak = re.search(r"VmHWM:\s+(\d+) kB", done.stdout)
    assert peak is not None
    assert int(peak[1]) < 600_000


@pytest.mark.parametrize("interlaced", [0, 1])
def test_a_png_that_holds_far_more_than_its_pixels_is_refused(
    interlaced: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "more.png"
    path.write_bytes(png(28, 28, 8, 0, 150 * 2**20, interlaced=interlaced))
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("decoded"))
    assert refusal(path) == "the PNG is damaged: it holds more data than its 28 x 28 pixels take"


@pytest.mark.parametrize("name", [b"zTXt", b"iTXt"])
def test_a_png_of_many_packed_texts_is_refused(name: bytes, tmp_path: Path) -> None:
    text = chunk(name, b"of\0\0" + zlib.compress(bytes(99)))
    read(png(28, 28, 8, 0, 28 * 29, *[text] * 50))
    path = tmp_path / "texts.png"
    path.write_bytes(png(28, 28, 8, 0, 28 * 29, *[text] * 51))
    assert refusal(path) == "the PNG carries more than 50 texts: save it without them"


def test_a_large_png_holds_what_its_pixels_take() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (900, 901), np.uint8)
    assert_alike(read(opencv(noise, ".png")), noise)
    assert_alike(read(interlaced(noise)), noise)


def interlaced(picture: Grey) -> bytes:
    """As Adam7 has it: seven pictures of every few pixels, one after the other."""
    raw = b""
    for left, top, right, down in (
        (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)
    ):  # fmt: skip
        raw += b"".join(b"\0" + row.tobytes() for row in picture[top::down, left::right])
    height, width = picture.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 1)
    return PNG + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")


HIDING = segment(0xFE, b"\xff\xd9")  # a comment that looks like the end


@pytest.mark.parametrize("between", [b"", HIDING, b"\xff\xd0\xff\5\1\0"])
def test_a_jpeg_of_many_scans_is_refused(between: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "scans.jpg"
    path.write_bytes(scanned(5000, 50, between))
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("decoded"))
    assert refusal(path) == "a JPEG in 50 scans, more than the 40 that one of this size may have here"


def test_what_follows_a_jpeg_is_not_the_decoders() -> None:
    whole = pillow(grey(), "JPEG", quality=95)
    assert_alike(read(whole + scanned(64, 2000)), DRAWN, 12)
    assert_alike(read(whole[:-2] + HIDING + whole[-2:]), DRAWN, 12)


def test_a_progressive_jpeg_of_a_phone_is_read() -> None:
    assert read(scanned(6928, 15)).shape == (6928, 6928)


def test_jpegs_that_few_programs_read_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "arithmetic.jpg"
    path.write_bytes(pillow(grey(), "JPEG").replace(b"\xff\xc0\0\x0b\x08", b"\xff\xc9\0\x0b\x08"))
    assert refusal(path) == "a JPEG of a rare kind that few programs read: save it as an ordinary one"


def test_a_tiff_of_progressive_jpegs_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tiles.tiff"
    path.write_bytes(tiff({259: (3, 7)}, pillow(grey(), "JPEG", progressive=True)))
    assert refusal(path) == "a TIFF that holds progressive JPEGs: save it as an ordinary TIFF"


def test_a_tiff_of_jpegs_is_read_up_to_a_size(tmp_path: Path) -> None:
    read(pillow(colours(), "TIFF", compression="jpeg"))
    jpegs = pillow(grey(), "JPEG") * 100
    path = tmp_path / "tiles.tiff"
    path.write_bytes(tiff({259: (3, 7), 256: (3, 6000), 257: (3, 6000), 277: (3, 3), 258: (3, 8)}, jpegs))
    assert refusal(path) == "a TIFF of many JPEGs that is too large for that here: save it as an ordinary TIFF"


def test_a_large_phone_picture_is_within_bounds() -> None:
    assert read(black_png(8160, 6120)).shape == (6120, 8160)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(PNG + chunk(b"IHDR", bytes(13)) + chunk(b"tEXt", b"") * 10**6, id="PNG"),
        pytest.param(
            PNG + chunk(b"IHDR", bytes(13)) + b"\xff\xff\xff\xfftEXt" + bytes(99),
            id="endless PNG",
        ),
        pytest.param(b"\xff\xd8" + b"\xff" * 2**24, id="JPEG of fill bytes"),
        pytest.param(b"\xff\xd8" + b"\xff\xe5\0\2" * 2**22, id="JPEG of empty parts"),
        pytest.param(b"RIFF\0\0\0\0WEBPVP8X" + bytes(2**24), id="WebP of empty parts"),
        pytest.param(b"RIFF\0\0\0\0WEBPVP8X" + b"\xff" * 2**24, id="WebP of endless parts"),
        pytest.param(b"II*\0\x08\0\0\0\xff\xff" + bytes(2**24), id="TIFF of many tags"),
    ],
)
def test_no_header_takes_long(data: bytes) -> None:
    start = time.process_time()
    with contextlib.suppress(PictureError):
        read_header(data)
    assert time.process_time() - start < 0.5
