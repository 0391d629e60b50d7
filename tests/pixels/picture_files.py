"""Picture files of every kind that hold the same drawing, whole or made to do harm, and what is read of them."""

import io
import struct
import tempfile
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mnist_pipeline.errors import PictureError
from mnist_pipeline.pixels.pictures import read_grey

Grey = NDArray[np.uint8]
PNG = b"\x89PNG\r\n\x1a\n"


def drawn() -> Grey:
    """A lopsided figure in three greys on light paper, 48 high and 64 wide."""
    paper = np.full((48, 64), 250, np.uint8)
    paper[8:40, 8:16] = 20
    paper[8:16, 8:40] = 90
    paper[32:40, 24:56] = 160
    return paper


DRAWN = drawn()
INK = np.where(DRAWN < 200, 255, 0).astype(np.uint8)  # its alpha, where the paper is transparent
TWO_TONES = (255 - INK).astype(np.uint8)
COLOURS = np.stack([DRAWN] * 3, axis=2)


def pillow(picture: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def opencv(picture: NDArray[Any], suffix: str, *options: int) -> bytes:
    done, data = cv2.imencode(suffix, picture, options)
    assert done
    return data.tobytes()


def grey() -> Image.Image:
    return Image.fromarray(DRAWN)


def colours() -> Image.Image:
    return Image.fromarray(COLOURS)


def palette() -> Image.Image:
    return colours().quantize(8)


def with_alpha() -> Image.Image:
    return Image.fromarray(np.dstack([COLOURS, INK]))


def read(data: bytes, longest: int | None = None) -> Grey:
    """The grey bytes of a picture file, whose name says nothing of its kind."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        return read_grey(file.name, longest)


def assert_alike(picture: Grey, expected: Grey, tolerance: int = 0) -> None:
    assert picture.dtype == np.uint8
    assert picture.shape == expected.shape
    assert picture.flags.c_contiguous
    assert int(np.abs(picture.astype(int) - expected).max()) <= tolerance


def refusal(path: Path | str) -> str:
    with pytest.raises(PictureError) as caught:
        read_grey(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value).removeprefix(f"{path}: ")


def stored(picture: Grey, orientation: int) -> Grey:
    """The rows and columns as a camera stores them under that orientation, after the TIFF specification."""
    return {
        1: picture,
        2: picture[:, ::-1],
        3: picture[::-1, ::-1],
        4: picture[::-1],
        5: picture.T,
        6: picture[:, ::-1].T,
        7: picture[::-1, ::-1].T,
        8: picture[::-1].T,
    }[orientation]


def large() -> Grey:
    """The drawing ten times as large."""
    return np.kron(DRAWN, np.ones((10, 10), np.uint8))


KINDS = {
    "PNG": lambda: pillow(colours(), "PNG"),
    "palette PNG": lambda: pillow(palette(), "PNG"),
    "JPEG": lambda: pillow(colours(), "JPEG"),
    "progressive JPEG": lambda: pillow(colours(), "JPEG", progressive=True),
    "JPEG with a thumbnail": lambda: with_thumbnail(),
    "BMP": lambda: pillow(colours(), "BMP"),
    "GIF": lambda: pillow(grey(), "GIF"),
    "WebP": lambda: pillow(colours(), "WEBP"),
    "lossless WebP": lambda: pillow(colours(), "WEBP", lossless=True),
    "alpha WebP": lambda: pillow(with_alpha(), "WEBP"),
    "TIFF": lambda: pillow(colours(), "TIFF"),
    "TIFF, header first": lambda: tiff({}, DRAWN.tobytes()),
    "LZW TIFF": lambda: pillow(colours(), "TIFF", compression="tiff_lzw"),
}


def with_thumbnail() -> bytes:
    """A JPEG that holds a whole small JPEG ahead of its own pixels."""
    data = pillow(colours(), "JPEG")
    inner = b"Exif\0\0" + pillow(grey().resize((8, 8)), "JPEG")
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(inner) + 2) + inner + data[2:]


def tiff(changes: dict[int, tuple[int, int]], data: bytes, more: tuple[tuple[int, int, int], ...] = ()) -> bytes:
    """A grey TIFF of 64 x 48, tags before pixels; changes give a tag another type and value."""
    tags = {
        256: (3, 64),
        257: (3, 48),
        258: (3, 8),
        259: (3, 1),
        262: (3, 1),
        273: (4, 0),
        277: (3, 1),
        278: (3, 48),
    }
    entries = [(tag, *kind) for tag, kind in ({**tags, 279: (4, len(data))} | changes).items()] + list(more)
    at = 8 + 2 + 12 * len(entries) + 4
    packed = b"".join(
        struct.pack("<HHIHH" if kind == 3 else "<HHII", tag, kind, 1, *([value, 0] if kind == 3 else [value]))
        for tag, kind, value in ((tag, kind, at if tag == 273 else value) for tag, kind, value in entries)
    )
    return struct.pack("<2sHIH", b"II", 42, 8, len(entries)) + packed + bytes(4) + data


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def black_png(width: int, height: int) -> bytes:
    """A well-formed black PNG of one bit a pixel."""
    pack = zlib.compressobj(6)
    row = bytes(1 + (width + 7) // 8)
    body = b"".join([*(pack.compress(row) for _ in range(height)), pack.flush()])
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return PNG + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def png(width: int, height: int, bits: int, colour: int, raw: int, *more: bytes, interlaced: int = 0) -> bytes:
    """A PNG whose data inflate to so many zeros, whatever its header says."""
    pack = zlib.compressobj(1)
    body = b"".join([*(pack.compress(bytes(2**20)) for _ in range(raw >> 20)), pack.compress(bytes(raw % 2**20))])
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced)
    return PNG + b"".join(
        [chunk(b"IHDR", header), *more, chunk(b"IDAT", body + pack.flush()), chunk(b"IEND", b"")]
    )  # fmt: skip


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def scanned(side: int, scans: int, *between: bytes) -> bytes:
    """A progressive grey JPEG whose scans all say that there is nothing; some bytes stand between two of them."""
    blocks = ((side + 7) // 8) ** 2
    tables = b"".join(segment(0xC4, bytes([kind, 1, *[0] * 15, symbol])) for kind, symbol in ((0, 0), (16, 0xE0)))
    run = "0" + "1" * 14  # of 32,767 blocks without coefficients
    bits = run * -(-blocks // 32767)
    bits += "1" * (-len(bits) % 8)
    nothing = int(bits, 2).to_bytes(len(bits) // 8).replace(b"\xff", b"\xff\0")
    return b"".join([
        b"\xff\xd8", segment(0xDB, bytes([0, *[1] * 64])),
        segment(0xC2, struct.pack(">BHHB", 8, side, side, 1) + b"\1\x11\0"), tables,
        segment(0xDA, b"\1\1\0\0\0\0"), bytes((blocks + 7) // 8), *between,
        (segment(0xDA, b"\1\1\0\1\x3f\0") + nothing) * (scans - 1), b"\xff\xd9",
    ])  # fmt: skip
