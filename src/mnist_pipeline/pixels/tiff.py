"""What a TIFF says of itself: its tags, which EXIF has too, and the bounds on what decoding it costs."""

import re
import struct
from itertools import islice

from mnist_pipeline.errors import PictureError

SIGNATURES = (b"II*\0", b"MM\0*")
_WIDTH, _HEIGHT, _BITS, _ORIENTATION, _SAMPLES = 0x0100, 0x0101, 0x0102, 0x0112, 0x0115  # tags
_TILE_WIDTH, _TILE_HEIGHT = 0x0142, 0x0143
_TAGS = {_WIDTH, _HEIGHT, _BITS, _ORIENTATION, _SAMPLES, _TILE_WIDTH, _TILE_HEIGHT}
_WHOLE = {1: "B", 3: "H", 4: "I", 6: "B", 8: "H", 9: "I", 16: "Q", 17: "Q"}  # the types of whole numbers
# The starts of JPEG segments within a TIFF, whose other bytes can be any: so more of each segment is asked for.
_PROGRESSIVE_FRAME = re.compile(rb"\xff\xc2\0[\x0b\x0e\x11\x14]\x08")
_SCAN = re.compile(rb"\xff\xda\0[\x08\x0a\x0c\x0e]")
_MOST_SCANS = 100  # of one JPEG: at the next, libtiff gives up
_MOST_WORK = 9_000_000_000  # bytes decoded times scans: 1.6 s, where files without this bound took 3.1 s


def tiff_size(data: bytes) -> tuple[int, int, int]:
    """Width, height, and the bytes that decoding fills: whole tiles, however little of them is picture."""
    tags = _tags(data)
    width, height, samples = tags.get(_WIDTH, 0), tags.get(_HEIGHT, 0), tags.get(_SAMPLES, 1)
    tile_width, tile_height = max(1, tags.get(_TILE_WIDTH, 1)), max(1, tags.get(_TILE_HEIGHT, 1))
    filled = -(-width // tile_width) * tile_width * -(-height // tile_height) * tile_height
    each = max(1, samples * tags.get(_BITS, 1) // 8)
    return width, height, max(filled * each, 4 * tile_width * tile_height)  # a tile has room for 4 channels


def refuse_costly_tiff(data: bytes, held: int) -> None:
    """Refuse a TIFF whose JPEGs have many scans: all tiles may be the same JPEG, so each can have all the scans."""
    if _PROGRESSIVE_FRAME.search(data):
        raise PictureError("a TIFF that holds progressive JPEGs: save it as an ordinary TIFF")
    scans = sum(1 for _ in islice(_SCAN.finditer(data), _MOST_SCANS))
    if scans * held > _MOST_WORK:
        raise PictureError("a TIFF of many JPEGs that is too large for that here: save it as an ordinary TIFF")


def exif_orientation(exif: bytes) -> int:
    """The orientation in a block of EXIF, 1 to 8 where 1 is upright; a damaged block turns nothing."""
    try:
        orientation = _tags(exif).get(_ORIENTATION, 1) if exif.startswith(SIGNATURES) else 1
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
