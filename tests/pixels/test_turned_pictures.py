"""Pictures turned by EXIF are read upright, and large ones made smaller while they are read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from mnist_pipeline.pixels.pictures import read_grey
from tests.pixels.picture_files import DRAWN, assert_alike, grey, large, opencv, pillow, read, stored


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
def test_a_turned_picture_is_read_upright(kind: str, modes: list[str], orientation: int) -> None:
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
def test_damaged_exif_turns_nothing(exif: bytes) -> None:
    assert_alike(read(pillow(grey(), "JPEG", quality=95, exif=exif)), DRAWN, 12)


def test_the_turn_in_exif_must_be_one_of_eight() -> None:
    exif = Image.Exif()
    exif[0x0112] = 77
    assert_alike(read(pillow(grey(), "PNG", exif=exif)), DRAWN)


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
