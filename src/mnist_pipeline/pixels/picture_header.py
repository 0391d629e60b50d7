"""What a picture file says of itself before anything is decoded: kind, size, turn, and the memory it will take."""

import struct
import zlib
from dataclasses import dataclass
from typing import Literal

from mnist_pipeline.errors import PictureError

Kind = Literal["png", "jpeg", "bmp", "gif", "webp", "tiff"]
_ORIENTATION, _WIDTH, _HEIGHT = 0x0112, 0x0100, 0x0101  # TIFF tags, in EXIF too
_BITS, _SAMPLES, _TILE_WIDTH, _TILE_HEIGHT = 0x0102, 0x0115, 0x0142, 0x0143
_TAGS = {_ORIENTATION, _WIDTH, _HEIGHT, _BITS, _SAMPLES, _TILE_WIDTH, _TILE_HEIGHT}
_WHOLE = {1: "B", 3: "H", 4: "I", 6: "B", 8: "H", 9: "I", 16: "Q", 17: "Q"}  # TIFF's types of whole numbers
_JPEG_SIZES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # start-of-frame markers, less those that are none
_JPEG_PLAIN = {0xC0, 0xC1, 0xC2}  # those of JPEGs that other programs show as well
_PNG_CHANNELS = {0: 1, 2: 3, 3: 3}  # by kind of colour, as they are decoded; with transparency there are four
_PACKED, _MOST_PACKED = (b"iCCP", b"iTXt", b"zTXt"), 50  # parts that can be 7 KB and take 13 ms to unpack, each
_ANIMATED = 3  # times as much: the decoder keeps the frame, the one before and what both make together
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
    held: int = 0
    """Bytes of memory that a decoder fills with the picture, at most."""


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
        return _of_bytes("gif", *struct.unpack_from("<HH", data, 6))
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data)
    if data.startswith(_TIFF):
        return _tiff(data)
    return None


def _of_bytes(kind: Kind, width: int, height: int, orientation: int = 1, times: int = 1) -> Header:
    """Of a kind whose pixels have four channels of a byte at most."""
    return Header(kind, width, height, orientation, held=4 * width * height * times)


def _bmp(data: bytes) -> Header:
    if struct.unpack_from("<I", data, 14)[0] == 12:  # OS/2's
        return _of_bytes("bmp", *struct.unpack_from("<HH", data, 18))
    width, height = struct.unpack_from("<ii", data, 18)
    return _of_bytes("bmp", width, abs(height))  # a negative height is a picture stored from the top


def _png(data: bytes) -> Header:
    """Reads through to the end: the decoder would report a damaged file on stderr, in its own words."""
    width, height, bits, colour = struct.unpack_from(">IIBB", data, 16)
    orientation, at, packed, found = 1, 8, 0, set()
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
            channels = 4 if b"tRNS" in found else _PNG_CHANNELS.get(colour, 4)
            times = (2 if bits == 16 else 1) * (_ANIMATED if b"acTL" in found else 1)
            return Header("png", width, height, orientation, held=width * height * channels * times)
        found.add(name)
        packed += name in _PACKED
        if packed > _MOST_PACKED:
            raise PictureError(f"the PNG carries more than {_MOST_PACKED} texts: save it without them")
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
            height, width, channels = struct.unpack_from(">HHB", data, at + 5)
            if marker not in _JPEG_PLAIN:
                raise PictureError("a JPEG of a rare kind that few programs read: save it as an ordinary one")
            # One in several scans takes more, as all coefficients are kept, but no copies of it are made afterwards.
            return Header("jpeg", width, height, orientation, at, width * height * max(channels + 1, 4))
        segment = data[at + 4 : at + 2 + length]
        if marker == 0xE1 and segment.startswith(b"Exif\0\0"):
            orientation = _turn(segment[6:])
        at += 2 + length
    raise PictureError("the JPEG is damaged: fetch the file again")


def _webp(data: bytes) -> Header:
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return _of_bytes("webp", width & 0x3FFF, height & 0x3FFF)
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        return _of_bytes("webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind != b"VP8X" or len(data) < 30:
        raise PictureError("the WebP is damaged or cut short: fetch the file again")
    width, height = (1 + int.from_bytes(data[at : at + 3], "little") for at in (24, 27))
    return _of_bytes("webp", width, height, _webp_turn(data), _ANIMATED if data[20] & 2 else 1)


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


def _tiff(data: bytes) -> Header:
    """Held in whole tiles: the decoder fills them, however little of them belongs to the picture."""
    tags = _tiff_tags(data)
    width, height, samples = tags.get(_WIDTH, 0), tags.get(_HEIGHT, 0), tags.get(_SAMPLES, 1)
    tile_width, tile_height = max(1, tags.get(_TILE_WIDTH, 1)), max(1, tags.get(_TILE_HEIGHT, 1))
    filled = -(-width // tile_width) * tile_width * -(-height // tile_height) * tile_height
    each = max(1, samples * tags.get(_BITS, 1) // 8)
    held = max(filled * each, 4 * tile_width * tile_height)  # a tile on its own has room for four channels
    return Header("tiff", width, height, tags.get(_ORIENTATION, 1), held=held)


def _tiff_tags(data: bytes) -> dict[int, int]:
    """Whole numbers of the first directory; of a tag given twice the first counts, as for libtiff."""
    order = "<" if data[:2] == b"II" else ">"
    at = struct.unpack_from(f"{order}I", data, 4)[0]
    tags: dict[int, int] = {}
    for entry in range(struct.unpack_from(f"{order}H", data, at)[0]):
        start = at + 2 + 12 * entry
        tag, kind, count = struct.unpack_from(f"{order}HHI", data, start)
        if tag in _TAGS and kind in _WHOLE and tag not in tags:
            form = order + _WHOLE[kind]
            here = struct.calcsize(form) * count <= 4  # else further on; of several values the first is taken
            tags[tag] = struct.unpack_from(form, data, start + 8 if here else _offset(order, data, start + 8))[0]
    return tags


def _offset(order: str, data: bytes, at: int) -> int:
    offset: int = struct.unpack_from(f"{order}I", data, at)[0]
    return offset
