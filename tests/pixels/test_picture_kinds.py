"""The same drawing is read from picture files of every kind, with and without transparency."""

import struct
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.pixels.picture_files import (
    COLOURS,
    DRAWN,
    INK,
    TWO_TONES,
    Grey,
    assert_alike,
    colours,
    grey,
    opencv,
    palette,
    pillow,
    read,
    with_alpha,
)


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
def test_the_same_drawing_is_read_from_every_kind(data: Callable[[], bytes], tolerance: int) -> None:
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
def test_one_bit_is_black_and_white(data: Callable[[Image.Image], bytes]) -> None:
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
def test_transparent_paper_is_white_under_dark_ink(data: Callable[[], bytes]) -> None:
    assert_alike(read(data()), opaque_or_white(), 1)


@pytest.mark.parametrize("under", [0, 255])
def test_transparent_paper_has_no_colour_of_its_own(under: int) -> None:
    hidden = np.where(INK == 255, 0, under).astype(np.uint8)
    data = pillow(Image.fromarray(np.dstack([hidden] * 3 + [INK])), "PNG")
    assert_alike(read(data), TWO_TONES)


def test_transparent_paper_is_black_under_light_ink() -> None:
    white = np.full_like(DRAWN, 255)
    assert_alike(read(pillow(Image.fromarray(np.dstack([white] * 3 + [INK])), "PNG")), INK)


def test_half_transparent_edges_are_laid_over_the_paper() -> None:
    alpha = cv2.GaussianBlur(INK, (5, 5), 0).astype(np.uint8)
    data = pillow(Image.fromarray(np.dstack([np.zeros_like(COLOURS), alpha])), "PNG")
    assert_alike(read(data), 255 - alpha, 1)


@pytest.mark.parametrize("picture", [DRAWN, 255 - DRAWN])
def test_transparent_corners_carry_the_paper_on(picture: Grey) -> None:
    alpha = np.full_like(picture, 255)
    alpha[:4, :4] = alpha[-4:, -4:] = 0
    read_back = read(pillow(Image.fromarray(np.dstack([picture] * 3 + [alpha])), "PNG"))
    assert_alike(read_back, picture, 5)


def test_an_opaque_alpha_changes_nothing() -> None:
    assert_alike(read(pillow(colours().convert("RGBA"), "PNG")), DRAWN)


def test_all_transparent_is_blank() -> None:
    picture = read(pillow(Image.fromarray(np.zeros((10, 10, 4), np.uint8)), "PNG"))
    assert len(np.unique(picture)) == 1
