"""Picture files of every kind to the same grey bytes, and one line about each that is none."""

import contextlib
import io
import os
import random
import re
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mnist_pipeline.errors import PictureError
from mnist_pipeline.pixels.picture_header import read_header
from mnist_pipeline.pixels.pictures import configure_opencv, read_grey

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


@pytest.fixture
def read(tmp_path: Path) -> Callable[[bytes], Grey]:
    """Reads bytes as a picture file, whose name says nothing of its kind."""

    def read(data: bytes) -> Grey:
        path = tmp_path / "picture"
        path.write_bytes(data)
        return read_grey(path)

    return read


Read = Callable[[bytes], Grey]


def assert_alike(picture: Grey, expected: Grey, tolerance: int = 0) -> None:
    assert picture.dtype == np.uint8
    assert picture.shape == expected.shape
    assert picture.flags.c_contiguous
    assert int(np.abs(picture.astype(int) - expected).max()) <= tolerance


# Good kinds: the same drawing from each


@pytest.mark.parametrize(
    ("data", "tolerance"),
    [
        pytest.param(lambda: pillow(grey(), "PNG"), 0, id="grey PNG"),
        pytest.param(lambda: pillow(colours(), "PNG"), 0, id="colour PNG"),
        pytest.param(lambda: pillow(palette(), "PNG"), 0, id="palette PNG"),
        pytest.param(lambda: opencv(DRAWN.astype(np.uint16) * 257, ".png"), 0, id="16 bit grey PNG"),
        pytest.param(lambda: opencv(COLOURS.astype(np.uint16) * 257, ".png"), 0, id="16 bit colour PNG"),
        pytest.param(
            lambda: pillow(colours(), "PNG", save_all=True, append_images=[colours().rotate(90)]),
            0,
            id="animated PNG",
        ),
        pytest.param(lambda: pillow(grey(), "JPEG", quality=95), 12, id="grey JPEG"),
        pytest.param(lambda: pillow(colours(), "JPEG", quality=95), 12, id="colour JPEG"),
        pytest.param(lambda: pillow(colours(), "JPEG", quality=95, progressive=True), 12, id="progressive JPEG"),
        pytest.param(lambda: pillow(colours().convert("CMYK"), "JPEG", quality=95), 12, id="CMYK JPEG"),
        pytest.param(lambda: pillow(grey(), "BMP"), 0, id="grey BMP"),
        pytest.param(lambda: pillow(colours(), "BMP"), 0, id="colour BMP"),
        pytest.param(lambda: pillow(palette(), "BMP"), 0, id="palette BMP"),
        pytest.param(lambda: upside_down_bmp(), 0, id="BMP from the top"),
        pytest.param(lambda: old_bmp(), 0, id="BMP of OS/2"),
        pytest.param(lambda: pillow(colours(), "WEBP", quality=95), 12, id="lossy WebP"),
        pytest.param(lambda: pillow(colours(), "WEBP", lossless=True), 0, id="lossless WebP"),
        pytest.param(
            lambda: pillow(colours(), "WEBP", lossless=True, save_all=True, append_images=[colours().rotate(90)]),
            0,
            id="animated WebP",
        ),
        pytest.param(lambda: pillow(grey(), "TIFF"), 0, id="grey TIFF"),
        pytest.param(lambda: pillow(colours(), "TIFF"), 0, id="colour TIFF"),
        pytest.param(lambda: pillow(palette(), "TIFF"), 0, id="palette TIFF"),
        pytest.param(lambda: pillow(colours(), "TIFF", compression="tiff_lzw"), 0, id="LZW TIFF"),
        pytest.param(lambda: pillow(colours().convert("CMYK"), "TIFF"), 2, id="CMYK TIFF"),
        pytest.param(lambda: pillow(grey(), "TIFF", tiffinfo={262: 0}), 0, id="white-is-zero TIFF"),
        pytest.param(lambda: opencv(DRAWN.astype(np.uint16) * 257, ".tiff"), 0, id="16 bit TIFF"),
        pytest.param(lambda: opencv(DRAWN.astype(np.float32) / 255, ".tiff"), 0, id="float TIFF to 1"),
        pytest.param(lambda: pillow(Image.fromarray(DRAWN.astype(np.float32)), "TIFF"), 0, id="float TIFF to 255"),
        pytest.param(lambda: opencv(DRAWN.astype(np.float64), ".tiff"), 0, id="double TIFF"),
        pytest.param(lambda: pillow(grey(), "GIF"), 0, id="GIF"),
        pytest.param(
            lambda: pillow(palette(), "GIF", save_all=True, append_images=[palette().rotate(90)]),
            0,
            id="animated GIF",
        ),
    ],
)
def test_the_same_drawing_is_read_from_every_kind(data: Callable[[], bytes], tolerance: int, read: Read) -> None:
    assert_alike(read(data()), DRAWN, tolerance)


def upside_down_bmp() -> bytes:
    """A BMP with a negative height, whose rows go from the top."""
    data = bytearray(pillow(grey(), "BMP"))
    start = struct.unpack_from("<I", data, 10)[0]
    data[22:26] = struct.pack("<i", -48)
    data[start:] = DRAWN.tobytes()
    return bytes(data)


def old_bmp() -> bytes:
    """A BMP with the short header of OS/2."""
    pixels = COLOURS[::-1].tobytes()
    return b"BM" + struct.pack("<IHHI", 26 + len(pixels), 0, 0, 26) + struct.pack("<IHHHH", 12, 64, 48, 1, 24) + pixels


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(lambda bits: pillow(bits, "PNG"), id="PNG"),
        pytest.param(lambda bits: pillow(bits, "BMP"), id="BMP"),
        pytest.param(lambda bits: pillow(bits, "TIFF"), id="TIFF"),
        pytest.param(lambda bits: pillow(bits, "TIFF", compression="group4"), id="fax TIFF"),
        pytest.param(lambda bits: pillow(bits, "TIFF", tiffinfo={262: 0}), id="white-is-zero TIFF"),
    ],
)
def test_one_bit_is_black_and_white(data: Callable[[Image.Image], bytes], read: Read) -> None:
    assert_alike(read(data(Image.fromarray(TWO_TONES).convert("1", dither=Image.Dither.NONE))), TWO_TONES)


# Transparency


def opaque_or_white() -> Grey:
    return np.where(INK == 255, DRAWN, 255).astype(np.uint8)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(lambda: pillow(with_alpha(), "PNG"), id="RGBA PNG"),
        pytest.param(lambda: pillow(Image.fromarray(np.dstack([DRAWN, INK])), "PNG"), id="LA PNG"),
        pytest.param(lambda: opencv(np.dstack([COLOURS, INK]).astype(np.uint16) * 257, ".png"), id="16 bit RGBA PNG"),
        pytest.param(
            lambda: pillow(palette(), "PNG", transparency=palette().getpixel((0, 0))),
            id="transparent palette PNG",
        ),
        pytest.param(lambda: pillow(colours(), "PNG", transparency=(250, 250, 250)), id="transparent colour PNG"),
        pytest.param(lambda: pillow(with_alpha(), "WEBP", lossless=True), id="WebP"),
        pytest.param(lambda: pillow(with_alpha(), "TIFF"), id="TIFF"),
        pytest.param(lambda: pillow(palette(), "GIF", transparency=palette().getpixel((0, 0))), id="GIF"),
    ],
)
def test_transparent_paper_is_white_under_dark_ink(data: Callable[[], bytes], read: Read) -> None:
    assert_alike(read(data()), opaque_or_white(), 1)


@pytest.mark.parametrize("under", [0, 255])
def test_transparent_paper_has_no_colour_of_its_own(under: int, read: Read) -> None:
    hidden = np.where(INK == 255, 0, under).astype(np.uint8)
    data = pillow(Image.fromarray(np.dstack([hidden] * 3 + [INK])), "PNG")
    assert_alike(read(data), TWO_TONES)


def test_transparent_paper_is_black_under_light_ink(read: Read) -> None:
    white = np.full_like(DRAWN, 255)
    assert_alike(read(pillow(Image.fromarray(np.dstack([white] * 3 + [INK])), "PNG")), INK)


def test_half_transparent_edges_are_laid_over_the_paper(read: Read) -> None:
    alpha = cv2.GaussianBlur(INK, (5, 5), 0).astype(np.uint8)
    data = pillow(Image.fromarray(np.dstack([np.zeros_like(COLOURS), alpha])), "PNG")
    assert_alike(read(data), 255 - alpha, 1)


@pytest.mark.parametrize("picture", [DRAWN, 255 - DRAWN])
def test_transparent_corners_carry_the_paper_on(picture: Grey, read: Read) -> None:
    alpha = np.full_like(picture, 255)
    alpha[:4, :4] = alpha[-4:, -4:] = 0
    read_back = read(pillow(Image.fromarray(np.dstack([picture] * 3 + [alpha])), "PNG"))
    assert_alike(read_back, picture, 5)


def test_an_opaque_alpha_changes_nothing(read: Read) -> None:
    assert_alike(read(pillow(colours().convert("RGBA"), "PNG")), DRAWN)


def test_all_transparent_is_blank(read: Read) -> None:
    picture = read(pillow(Image.fromarray(np.zeros((10, 10, 4), np.uint8)), "PNG"))
    assert len(np.unique(picture)) == 1


# Turned by EXIF


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


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("kind", "modes"),
    [
        ("JPEG", ["L", "RGB"]),
        ("PNG", ["L", "RGB", "RGBA", "I;16"]),
        ("WEBP", ["RGB", "RGBA"]),
        ("TIFF", ["L", "RGB", "RGBA", "I;16"]),
    ],
)
def test_a_turned_picture_is_read_upright(kind: str, modes: list[str], orientation: int, read: Read) -> None:
    turned = np.ascontiguousarray(stored(DRAWN, orientation))
    deep = Image.fromarray(turned.astype(np.uint16) * 257)
    exif = Image.Exif()
    exif[0x0112] = orientation
    lossless: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    for mode in modes:
        picture = deep if mode == "I;16" else Image.fromarray(turned).convert(mode)
        data = pillow(picture, kind, exif=exif, quality=95, **lossless)
        assert_alike(read(data), DRAWN, 12 if kind == "JPEG" else 1)


@pytest.mark.parametrize(
    "exif", [b"", b"Exif\0\0", b"Exif\0\0II*\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"nonsense" * 9]
)
def test_damaged_exif_turns_nothing(exif: bytes, read: Read) -> None:
    assert_alike(read(pillow(grey(), "JPEG", quality=95, exif=exif)), DRAWN, 12)


def test_the_turn_in_exif_must_be_one_of_eight(read: Read) -> None:
    exif = Image.Exif()
    exif[0x0112] = 77
    assert_alike(read(pillow(grey(), "PNG", exif=exif)), DRAWN)


# Large ones, made smaller while they are read


def large() -> Grey:
    """The drawing ten times as large."""
    return np.kron(DRAWN, np.ones((10, 10), np.uint8))


@pytest.mark.parametrize(
    ("longest", "shape"), [(None, (480, 640)), (640, (480, 640)), (320, (240, 320)), (100, (75, 100)), (64, (48, 64))]
)
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(lambda: pillow(Image.fromarray(large()), "JPEG", quality=95), id="grey JPEG"),
        pytest.param(lambda: pillow(Image.fromarray(large()).convert("RGB"), "JPEG", quality=95), id="colour JPEG"),
        pytest.param(
            lambda: pillow(Image.fromarray(large()).convert("RGB"), "JPEG", quality=95, keep_rgb=True), id="RGB JPEG"
        ),
        pytest.param(
            lambda: pillow(Image.fromarray(large()).convert("RGB"), "JPEG", quality=95, progressive=True),
            id="progressive JPEG",
        ),
        pytest.param(lambda: pillow(Image.fromarray(large()).convert("CMYK"), "JPEG", quality=95), id="CMYK JPEG"),
        pytest.param(lambda: pillow(Image.fromarray(large()), "PNG"), id="PNG"),
        pytest.param(lambda: pillow(Image.fromarray(large()).convert("RGBA"), "PNG"), id="RGBA PNG"),
    ],
)
def test_a_large_picture_is_read_as_if_averaged(
    data: Callable[[], bytes], longest: int | None, shape: tuple[int, int], tmp_path: Path
) -> None:
    path = tmp_path / "large"
    path.write_bytes(data())
    averaged = cv2.resize(large(), shape[::-1], interpolation=cv2.INTER_AREA).astype(np.uint8)
    assert_alike(read_grey(path, longest), averaged, 12)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_turned_jpeg_is_upright_at_every_size(mode: str, orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = Image.fromarray(np.ascontiguousarray(stored(large(), orientation))).convert(mode)
    path = tmp_path / "turned.jpg"
    picture.save(path, exif=exif, quality=95)
    for longest in (64, 160, 320):
        assert_alike(read_grey(path, longest), read_grey(path)[:: 640 // longest, :: 640 // longest], 12)


def test_a_long_strip_keeps_a_few_rows(tmp_path: Path) -> None:
    path = tmp_path / "strip.png"
    path.write_bytes(opencv(np.full((8, 5000), 200, np.uint8), ".png"))
    assert read_grey(path, 1000).shape == (4, 1000)


# Bad files, one line each


def refusal(path: Path | str) -> str:
    with pytest.raises(PictureError) as caught:
        read_grey(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value).removeprefix(f"{path}: ")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "missing.png") == "no such file"
    assert refusal(tmp_path) == "is a folder, not a picture"
    assert refusal("nul\0.png") == "no such file"
    assert refusal("x" * 5000) == "cannot be read (File name too long)"
    assert refusal("/dev/zero") == "not a regular file"
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert refusal(tmp_path / "loop")


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


@pytest.mark.parametrize("kind", KINDS)
def test_a_truncated_picture_is_refused_and_nothing_else_is_said(
    kind: str, tmp_path: Path, read: Read, capfd: pytest.CaptureFixture[str]
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


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def black_png(width: int, height: int) -> bytes:
    """A well-formed black PNG of one bit a pixel."""
    pack = zlib.compressobj(6)
    row = bytes(1 + (width + 7) // 8)
    body = b"".join([*(pack.compress(row) for _ in range(height)), pack.flush()])
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return PNG + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


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
def test_a_png_of_many_packed_texts_is_refused(name: bytes, tmp_path: Path, read: Read) -> None:
    text = chunk(name, b"of\0\0" + zlib.compress(bytes(99)))
    read(png(28, 28, 8, 0, 28 * 29, *[text] * 50))
    path = tmp_path / "texts.png"
    path.write_bytes(png(28, 28, 8, 0, 28 * 29, *[text] * 51))
    assert refusal(path) == "the PNG carries more than 50 texts: save it without them"


def test_a_large_png_holds_what_its_pixels_take(read: Read) -> None:
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


def test_what_follows_a_jpeg_is_not_the_decoders(read: Read) -> None:
    whole = pillow(grey(), "JPEG", quality=95)
    assert_alike(read(whole + scanned(64, 2000)), DRAWN, 12)
    assert_alike(read(whole[:-2] + HIDING + whole[-2:]), DRAWN, 12)


def test_a_progressive_jpeg_of_a_phone_is_read(read: Read) -> None:
    assert read(scanned(6928, 15)).shape == (6928, 6928)


def test_jpegs_that_few_programs_read_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "arithmetic.jpg"
    path.write_bytes(pillow(grey(), "JPEG").replace(b"\xff\xc0\0\x0b\x08", b"\xff\xc9\0\x0b\x08"))
    assert refusal(path) == "a JPEG of a rare kind that few programs read: save it as an ordinary one"


def test_a_tiff_of_progressive_jpegs_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tiles.tiff"
    path.write_bytes(tiff({259: (3, 7)}, pillow(grey(), "JPEG", progressive=True)))
    assert refusal(path) == "a TIFF that holds progressive JPEGs: save it as an ordinary TIFF"


def test_a_tiff_of_jpegs_is_read_up_to_a_size(read: Read, tmp_path: Path) -> None:
    read(pillow(colours(), "TIFF", compression="jpeg"))
    jpegs = pillow(grey(), "JPEG") * 100
    path = tmp_path / "tiles.tiff"
    path.write_bytes(tiff({259: (3, 7), 256: (3, 6000), 257: (3, 6000), 277: (3, 3), 258: (3, 8)}, jpegs))
    assert refusal(path) == "a TIFF of many JPEGs that is too large for that here: save it as an ordinary TIFF"


def test_a_large_phone_picture_is_within_bounds(read: Read) -> None:
    assert read(black_png(8160, 6120)).shape == (6120, 8160)


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
