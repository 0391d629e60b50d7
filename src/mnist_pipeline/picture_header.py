"""What a picture file says of itself in its first bytes: kind, size and turn, before anything is decoded."""

import struct
import zlib
from dataclasses import dataclass
from typing import Literal

from mnist_pipeline.errors import PictureError

Kind = Literal["png", "jpeg", "bmp", "gif", "webp", "tiff"]
_ORIENTATION, _WIDTH, _HEIGHT = 0x0112, 0x0100, 0x0101  # TIFF tags, in EXIF too
_JPEG_SIZES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # start-of-frame markers, less those that are none
_TIFF = (b"II*\0", b"MM\0*")
_MOST_PARTS = 100_000  # of one file; ten times what an encoder makes, and few enough to walk in no time


@dataclass(frozen=True)
class Header:
    """A picture's kind and size, how EXIF wants it turned (1 is upright), and where its pixels can begin."""

    kind: Kind
    width: int
    height: int
    orientation: int = 1
    pixels_at: int = 0


def read_header(data: bytes) -> Header:
    """The header of a picture of a known kind; anything else is refused."""
    try:
        header = _by_signature(data)
    except (struct.error, IndexError):
        raise PictureError("the picture is cut short: fetch the file again") from None
    if header is None:
        raise PictureError("not a picture of a known kind: save it as PNG, JPEG, BMP, GIF, WebP or TIFF")
    if header.width < 1 or header.height < 1:
        raise PictureError("the picture is damaged: its header gives no size")
    return header


def _by_signature(data: bytes) -> Header | None:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png(data)
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg(data)
    if data.startswith(b"BM"):
        return _bmp(data)
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return Header("gif", *struct.unpack_from("<HH", data, 6))
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data)
    if data.startswith(_TIFF):
        tags = _tiff_tags(data)
        return Header("tiff", tags.get(_WIDTH, 0), tags.get(_HEIGHT, 0), tags.get(_ORIENTATION, 1))
    return None


def _bmp(data: bytes) -> Header:
    if struct.unpack_from("<I", data, 14)[0] == 12:  # OS/2's
        return Header("bmp", *struct.unpack_from("<HH", data, 18))
    width, height = struct.unpack_from("<ii", data, 18)
    return Header("bmp", width, abs(height))  # a negative height is a picture stored from the top


def _png(data: bytes) -> Header:
    """Reads through to the end: the decoder would report a damaged file on stderr, in its own words."""
    width, height = struct.unpack_from(">II", data, 16)
    orientation, at = 1, 8
    for _ in range(_MOST_PARTS):
        length, name = struct.unpack_from(">I4s", data, at)
        checksum = struct.unpack_from(">I", data, at + 8 + length)[0]
        body = data[at + 8 : at + 8 + length]
        if not name.isalpha() or (name == b"IHDR") != (at == 8):
            break
        if name[:1].isupper() and zlib.crc32(body, zlib.crc32(name)) != checksum:  # lower case can be spared
            break
        if name == b"eXIf":
            orientation = _turn(body)
        if name == b"IEND":
            return Header("png", width, height, orientation)
        at += 12 + length
    raise PictureError("the PNG is damaged: fetch the file again")


def _jpeg(data: bytes) -> Header:
    orientation, at = 1, 2
    for _ in range(_MOST_PARTS):
        marker, length = struct.unpack_from(">xBH", data, at)
        if marker == 0xFF:  # a fill byte before the marker
            at += 1
            continue
        if data[at] != 0xFF or length < 2:
            break
        if marker in _JPEG_SIZES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return Header("jpeg", width, height, orientation, pixels_at=at)
        segment = data[at + 4 : at + 2 + length]
        if marker == 0xE1 and segment.startswith(b"Exif\0\0"):
            orientation = _turn(segment[6:])
        at += 2 + length
    raise PictureError("the JPEG is damaged: fetch the file again")


def _webp(data: bytes) -> Header:
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return Header("webp", width & 0x3FFF, height & 0x3FFF)
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        return Header("webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind != b"VP8X" or len(data) < 30:
        raise PictureError("the WebP is damaged or cut short: fetch the file again")
    width, height = (1 + int.from_bytes(data[at : at + 3], "little") for at in (24, 27))
    return Header("webp", width, height, _webp_turn(data))


def _webp_turn(data: bytes) -> int:
    at = 12
    for _ in range(_MOST_PARTS):
        if at + 8 > len(data):
            break
        name, length = struct.unpack_from("<4sI", data, at)
        if name == b"EXIF":
            return _turn(data[at + 8 : at + 8 + length].removeprefix(b"Exif\0\0"))
        at += 8 + length + length % 2
    return 1


def _turn(exif: bytes) -> int:
    """The orientation in a block of EXIF; a damaged block turns nothing."""
    try:
        orientation = _tiff_tags(exif).get(_ORIENTATION, 1) if exif.startswith(_TIFF) else 1
    except struct.error:
        return 1
    return orientation if 1 <= orientation <= 8 else 1


def _tiff_tags(data: bytes) -> dict[int, int]:
    """The whole-number tags of the first directory; of a tag given twice the first counts, as for libtiff."""
    order = "<" if data[:2] == b"II" else ">"
    at = struct.unpack_from(f"{order}I", data, 4)[0]
    tags: dict[int, int] = {}
    for entry in range(struct.unpack_from(f"{order}H", data, at)[0]):
        tag, kind, _, short = struct.unpack_from(f"{order}HHIH", data, at + 2 + 12 * entry)
        long = struct.unpack_from(f"{order}I", data, at + 2 + 12 * entry + 8)[0]
        if kind in (3, 4):  # two bytes, four bytes
            tags.setdefault(tag, short if kind == 3 else long)
    return tags
