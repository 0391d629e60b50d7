"""What a picture file says of itself, and what decoding it will cost, told from its bytes before any is decoded.

A file may be made to do harm: every length in it is checked, and a decoder sees nothing that would take it more than
0.6 GB or 3 s.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from itertools import islice
from typing import Literal, NamedTuple

from mnist_pipeline.errors import PictureError

Kind = Literal["png", "jpeg", "bmp", "gif", "webp", "tiff"]
_MOST_PARTS = 100_000  # of one file; ten times what an encoder makes, and few enough to walk in no time
_ANIMATED = 3  # times the memory: the decoder keeps the frame, the one before and what both make together


class Header(NamedTuple):
    """A picture's kind and size, how EXIF wants it turned (1 is upright), and where its pixels can begin."""

    kind: Kind
    width: int
    height: int
    orientation: int = 1
    pixels_at: int = 0
    held: int = 0  # bytes of memory that a decoder fills with the picture, at most


def read_header(data: bytes) -> Header:
    """The header of a picture of a known kind; anything else is refused."""
    read = next((read for begins, read in _READERS.items() if begins(data)), None)
    if read is None:
        raise PictureError("not a picture of a known kind: save it as PNG, JPEG, BMP, GIF, WebP or TIFF")
    try:
        header = read(data)
    except (struct.error, IndexError):
        raise PictureError("the picture is cut short: fetch the file again") from None
    if header.width < 1 or header.height < 1:
        raise PictureError("the picture is damaged: its header gives no size")
    return header


def decodable_bytes(data: bytes, header: Header) -> int:
    """How many of a file's bytes its decoder shall see; a file that would keep it busy for long is refused."""
    if header.kind == "jpeg":
        return _jpeg_end(data, header)
    if header.kind == "png":
        _refuse_excess(data, header)
    if header.kind == "tiff":
        _refuse_costly_tiff(data, header.held)
    return len(data)


def _of_bytes(kind: Kind, width: int, height: int, orientation: int = 1, times: int = 1) -> Header:
    """The header of a picture whose pixels have at most four channels of a byte each."""
    return Header(kind, width, height, orientation, held=4 * width * height * times)


def _gif(data: bytes) -> Header:
    return _of_bytes("gif", *struct.unpack_from("<HH", data, 6))


def _bmp(data: bytes) -> Header:
    if struct.unpack_from("<I", data, 14)[0] == 12:  # OS/2's
        return _of_bytes("bmp", *struct.unpack_from("<HH", data, 18))
    width, height = struct.unpack_from("<ii", data, 18)
    return _of_bytes("bmp", width, abs(height))  # a negative height is a picture stored from the top


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
    return _of_bytes("webp", width, height, _webp_orientation(data), _ANIMATED if data[20] & 2 else 1)


def _webp_orientation(data: bytes) -> int:
    """The orientation in a WebP's EXIF, by us: OpenCV's decoder does not see a block that begins with "Exif"."""
    at = 12
    for _ in range(_MOST_PARTS):
        if at + 8 > len(data):
            break
        name, length = struct.unpack_from("<4sI", data, at)
        if name == b"EXIF":
            return _exif_orientation(data[at + 8 : at + 8 + length].removeprefix(b"Exif\0\0"))
        at += 8 + length + length % 2
    return 1


# JPEG

_JPEG_SIZES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # start-of-frame markers, less those that are none
_JPEG_PLAIN = {0xC0, 0xC1, 0xC2}  # those of JPEGs that other programs show as well
_JPEG_MARKER = re.compile(rb"\xff[\x02-\xcf\xd8-\xfe]")  # within pixels 255 stands before a 0 or between restarts
_JPEG_END, _JPEG_SCAN = b"\xff\xd9", b"\xff\xda"
# Pixels times scans: 20 scans of the largest, where encoders make 10 to 15. Unbounded, 2,000 scans took 5.7 s.
_MOST_JPEG_WORK = 1_000_000_000
_LEAST_SCAN = 1_000_000  # pixels that a scan counts for: it takes a while however small the picture


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
            orientation = _exif_orientation(segment[6:])
        at += 2 + length
    raise PictureError("the JPEG is damaged: fetch the file again")


def _jpeg_end(data: bytes, header: Header) -> int:
    """Where the JPEG ends in its file; one cut short or in too many scans is refused."""
    at = header.pixels_at
    for _ in range(_MOST_PARTS):
        found = _JPEG_MARKER.search(data, at)
        if found is None or len(data) < found.end() + 2 * (found[0] != _JPEG_END):
            # The decoder would fill what is missing with grey and call it read.
            raise PictureError("the JPEG is cut short: fetch the file again")
        at = found.end()
        if found[0] == _JPEG_END:
            break
        at += int.from_bytes(data[at : at + 2])
    # Wherever they stand: the decoder may see one where a damaged file has hidden it from us.
    scans = data.count(_JPEG_SCAN, header.pixels_at, at)
    most = _MOST_JPEG_WORK // max(_LEAST_SCAN, header.width * header.height)
    if scans > most:
        raise PictureError(f"a JPEG in {scans} scans, more than the {most} that one of this size may have here")
    return at


# PNG

_PNG_CHANNELS = {0: 1, 2: 3, 3: 3}  # by kind of colour, as they are decoded; with transparency there are four
# Chunks of 7 KB that take 13 ms each to unpack: libpng allows 1,000 of them, and 900 took 12.6 s.
_PNG_PACKED, _MOST_PACKED = (b"iCCP", b"iTXt", b"zTXt"), 50
_EXPANSION = 1032  # times at most that deflated data become when they are inflated
_MOST_EXCESS = 512 * 2**20  # bytes, which take half a second: from data that cannot hold more, no harm comes
_CHUNK, _CHECKSUM = struct.Struct(">I4s").unpack_from, struct.Struct(">I").unpack_from
_PIECE, _INFLATED = 2**16, 2**20  # bytes inflated at a time, and what they may become


def _png(data: bytes) -> Header:
    """The header of a PNG, read to its end: of a damaged file the decoder would print its own words on stderr."""
    width, height, bits, colour = struct.unpack_from(">IIBB", data, 16)
    orientation, at, packed, found = 1, 8, 0, set()
    for _ in range(_MOST_PARTS):
        length, name = _CHUNK(data, at)
        (checksum,) = _CHECKSUM(data, at + 8 + length)
        if not name.isalpha() or (name == b"IHDR") != (at == 8):
            break
        if name[:1].isupper() and zlib.crc32(data[at + 4 : at + 8 + length]) != checksum:  # lower case can be spared
            break
        if name == b"eXIf":
            orientation = _exif_orientation(data[at + 8 : at + 8 + length])
        if name == b"IEND":
            channels = 4 if b"tRNS" in found else _PNG_CHANNELS.get(colour, 4)
            times = (2 if bits == 16 else 1) * (_ANIMATED if b"acTL" in found else 1)
            return Header("png", width, height, orientation, held=width * height * channels * times)
        found.add(name)
        packed += name in _PNG_PACKED
        if packed > _MOST_PACKED:
            raise PictureError(f"the PNG carries more than {_MOST_PACKED} texts: save it without them")
        at += 12 + length
    raise PictureError("the PNG is damaged: fetch the file again")


def _refuse_excess(data: bytes, header: Header) -> None:
    """Refuse a PNG whose data inflate to far more than its pixels; the decoder would inflate them to their end."""
    bits, colour, interlaced = data[24], data[25], data[28]
    channels = {0: 1, 2: 3, 3: 1, 4: 2}.get(colour, 4)
    needed = header.height * (1 + -(-header.width * channels * bits // 8))
    # Interlaced, there are up to twice as many rows, each with its own first byte and its last one filled up.
    needed += 4 * header.height + 16 if interlaced else 0
    harmless = _EXPANSION * len(data) <= needed + _MOST_EXCESS
    if not harmless and _inflates_beyond(data, needed + _INFLATED):
        raise PictureError(
            f"the PNG is damaged: it holds more data than its {header.width} x {header.height} pixels take"
        )


def _inflates_beyond(data: bytes, most: int) -> bool:
    """Whether the deflated pixels of a PNG are more than `most` bytes, without inflating them further."""
    stream, left = zlib.decompressobj(), most
    try:
        for waiting in _deflated(data):
            while waiting and left >= 0:
                left -= len(stream.decompress(waiting, _INFLATED))
                waiting = stream.unconsumed_tail
            if left < 0 or stream.eof:
                break
    except zlib.error:  # the decoder stops there too
        return False
    return left < 0


def _deflated(data: bytes) -> Iterator[bytes]:
    """The deflated pixels of a PNG whose chunks were checked, a little at a time."""
    at = 8
    while at < len(data):
        length, name = _CHUNK(data, at)
        if name == b"IDAT":
            for start in range(at + 8, at + 8 + length, _PIECE):
                yield data[start : min(start + _PIECE, at + 8 + length)]
        at += 12 + length


# TIFF, whose tags EXIF has too

_TIFF_SIGNATURES = (b"II*\0", b"MM\0*")
_WIDTH, _HEIGHT, _BITS, _ORIENTATION, _SAMPLES = 0x0100, 0x0101, 0x0102, 0x0112, 0x0115  # tags
_TILE_WIDTH, _TILE_HEIGHT = 0x0142, 0x0143
_TAGS = {_WIDTH, _HEIGHT, _BITS, _ORIENTATION, _SAMPLES, _TILE_WIDTH, _TILE_HEIGHT}
_WHOLE = {1: "B", 3: "H", 4: "I", 6: "B", 8: "H", 9: "I", 16: "Q", 17: "Q"}  # the types of whole numbers
# The starts of JPEG segments within a TIFF, whose other bytes can be any: so more of each segment is asked for.
_PROGRESSIVE_FRAME = re.compile(rb"\xff\xc2\0[\x0b\x0e\x11\x14]\x08")
_SCAN = re.compile(rb"\xff\xda\0[\x08\x0a\x0c\x0e]")
_MOST_TIFF_SCANS = 100  # of one JPEG: at the next, libtiff gives up
_MOST_TIFF_WORK = 9_000_000_000  # bytes decoded times scans: 1.6 s, where files without this bound took 3.1 s


def _tiff(data: bytes) -> Header:
    """The header of a TIFF, which the decoder turns itself; it fills whole tiles, however little of them is picture."""
    tags = _tags(data)
    width, height, samples = tags.get(_WIDTH, 0), tags.get(_HEIGHT, 0), tags.get(_SAMPLES, 1)
    tile_width, tile_height = max(1, tags.get(_TILE_WIDTH, 1)), max(1, tags.get(_TILE_HEIGHT, 1))
    filled = -(-width // tile_width) * tile_width * -(-height // tile_height) * tile_height
    each = max(1, samples * tags.get(_BITS, 1) // 8)
    held = max(filled * each, 4 * tile_width * tile_height)  # a tile has room for 4 channels
    return Header("tiff", width, height, held=held)


def _refuse_costly_tiff(data: bytes, held: int) -> None:
    """Refuse a TIFF whose JPEGs have many scans: all tiles may be the same JPEG, so each can have all the scans."""
    if _PROGRESSIVE_FRAME.search(data):
        raise PictureError("a TIFF that holds progressive JPEGs: save it as an ordinary TIFF")
    scans = sum(1 for _ in islice(_SCAN.finditer(data), _MOST_TIFF_SCANS))
    if scans * held > _MOST_TIFF_WORK:
        raise PictureError("a TIFF of many JPEGs that is too large for that here: save it as an ordinary TIFF")


def _exif_orientation(exif: bytes) -> int:
    """The orientation in a block of EXIF, 1 to 8 where 1 is upright; a damaged block turns nothing."""
    try:
        orientation = _tags(exif).get(_ORIENTATION, 1) if exif.startswith(_TIFF_SIGNATURES) else 1
    except struct.error:
        return 1
    return orientation if 1 <= orientation <= 8 else 1


def _tags(data: bytes) -> dict[int, int]:
    """Whole numbers of the first directory; of a tag given twice the first counts, as for libtiff."""
    order = "<" if data[:2] == b"II" else ">"
    at = struct.unpack_from(f"{order}I", data, 4)[0]
    tags: dict[int, int] = {}
    for entry in range(struct.unpack_from(f"{order}H", data, at)[0]):
        start = at + 2 + 12 * entry
        tag, kind, count = struct.unpack_from(f"{order}HHI", data, start)
        if tag in _TAGS and kind in _WHOLE and tag not in tags:
            form, value_at = order + _WHOLE[kind], start + 8
            if struct.calcsize(form) * count > 4:  # then they stand elsewhere; of several values the first is taken
                value_at = struct.unpack_from(f"{order}I", data, value_at)[0]
            tags[tag] = struct.unpack_from(form, data, value_at)[0]
    return tags


_READERS = {  # by how a file begins
    re.compile(start, re.DOTALL).match: read
    for start, read in {
        rb"\x89PNG\r\n\x1a\n": _png, rb"\xff\xd8\xff": _jpeg, rb"BM": _bmp, rb"GIF8[79]a": _gif,
        rb"RIFF....WEBP": _webp, rb"II\*\0|MM\0\*": _tiff,
    }.items()
}  # fmt: skip
