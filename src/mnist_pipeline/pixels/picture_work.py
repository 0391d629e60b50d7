"""How much work a picture is beyond its size: a JPEG's scans, and data that a PNG has no use for."""

import re
import struct
import zlib
from collections.abc import Iterator
from itertools import islice

from mnist_pipeline.errors import PictureError
from mnist_pipeline.pixels.picture_header import Header

_MOST_WORK = 1_000_000_000  # pixels times scans of a JPEG: 20 scans of the largest, where encoders make 10 to 15
_LEAST = 1_000_000  # pixels that a scan counts for: it takes a while however small the picture
_MARKER = re.compile(rb"\xff[\x02-\xcf\xd8-\xfe]")  # within pixels 255 stands before a 0 or between restarts
_END, _SCAN = b"\xff\xd9", b"\xff\xda"
_MOST_PARTS = 100_000

# In a TIFF, whose other bytes can be any: markers, and how their segments begin.
_PROGRESSIVE = re.compile(rb"\xff\xc2\0[\x0b\x0e\x11\x14]\x08")
_TIFF_SCAN = re.compile(rb"\xff\xda\0[\x08\x0a\x0c\x0e]")
_TIFF_SCANS = 100  # of one JPEG in it: at the next, libtiff gives up
_TIFF_WORK = 9_000_000_000  # bytes decoded times scans, which take one and a half seconds

_MOST_EXCESS = 512 * 2**20  # bytes, which take half a second: from data that cannot hold more, no harm comes
_EXPANSION = 1032  # times at most that deflated data become when they are inflated
_PIECE, _INFLATED = 2**16, 2**20  # bytes inflated at a time, and what they may become


def decoded_part(data: bytes, header: Header) -> int:
    """How many of a file's bytes its decoder shall see; a file that would keep it busy for long is refused."""
    if header.kind == "jpeg":
        return _jpeg_end(data, header)
    if header.kind == "png":
        _no_excess(data, header)
    if header.kind == "tiff":
        _plain_tiff(data, header)
    return len(data)


def _jpeg_end(data: bytes, header: Header) -> int:
    """Where the JPEG ends in its file; one cut short or in too many scans is refused."""
    at = header.pixels_at
    for _ in range(_MOST_PARTS):
        found = _MARKER.search(data, at)
        if found is None or len(data) < found.end() + 2 * (found[0] != _END):
            # The decoder would fill what is missing with grey and call it read.
            raise PictureError("the JPEG is cut short: fetch the file again")
        at = found.end()
        if found[0] == _END:
            break
        at += int.from_bytes(data[at : at + 2])
    # Wherever they stand: the decoder may see one where a damaged file has hidden it from us.
    scans = data.count(_SCAN, header.pixels_at, at)
    most = _MOST_WORK // max(_LEAST, header.width * header.height)
    if scans > most:
        raise PictureError(f"a JPEG in {scans} scans, more than the {most} that one of this size may have here")
    return at


def _plain_tiff(data: bytes, header: Header) -> None:
    """All tiles may lie in the same place, so that each can have all the scans of the file."""
    if _PROGRESSIVE.search(data):
        raise PictureError("a TIFF that holds progressive JPEGs: save it as an ordinary TIFF")
    scans = sum(1 for _ in islice(_TIFF_SCAN.finditer(data), _TIFF_SCANS))
    if scans * header.held > _TIFF_WORK:
        raise PictureError("a TIFF of many JPEGs that is too large for that here: save it as an ordinary TIFF")


def _no_excess(data: bytes, header: Header) -> None:
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
    """The data of a PNG that was looked through, a little at a time."""
    at = 8
    while at < len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        if name == b"IDAT":
            for start in range(at + 8, at + 8 + length, _PIECE):
                yield data[start : min(start + _PIECE, at + 8 + length)]
        at += 12 + length
