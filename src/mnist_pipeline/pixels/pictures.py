"""A picture of any kind to grey bytes: its costs bounded first, upright, transparency laid over paper.

A picture is a file, by its path, its bytes or an open binary file; or an array of grey or RGB pixels.
"""

import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_pipeline.errors import PictureError
from mnist_pipeline.pixels.light import Grey, as_grey
from mnist_pipeline.pixels.picture_header import Header, decodable_bytes, read_header

_Made = TypeVar("_Made")
Picture = str | Path | bytes | BinaryIO | NDArray[Any]
LARGEST_FILE = 64 * 2**20  # bytes
_BINARY = getattr(os, "O_BINARY", 0)  # of Windows
_MOST_PIXELS = 50_000_000  # the largest phone pictures have about as many
_MOST_HELD = 4 * _MOST_PIXELS  # bytes of them decoded: with the file and what is made of them, 0.6 GB at most
_SMALLEST_SIDE = 4  # pixels: less holds no digit
# A JPEG of 12 megapixels takes 27 ms when it is decoded at a part of its size, and 142 ms in full.
_REDUCED = {8: cv2.IMREAD_REDUCED_GRAYSCALE_8, 4: cv2.IMREAD_REDUCED_GRAYSCALE_4, 2: cv2.IMREAD_REDUCED_GRAYSCALE_2}


def read_grey(picture: Picture, longest: int | None = None, name: str | None = None) -> Grey:
    """The picture as grey bytes (height, width); PictureError says in one line, with a name, why it cannot be.

    A picture whose longer side exceeds `longest` is averaged down to it, a JPEG mostly while it is decoded.
    """
    try:
        if isinstance(picture, np.ndarray):
            return _shrink(_grey(_as_decoded(picture)), longest)
        data = _read_bytes(picture)
        header = read_header(data)
        check_size(header)
        return _shrink(_grey(_turn_upright(_decode(data, header, longest), header)), longest)
    except PictureError as error:
        raise PictureError(f"{name or name_of(picture)}: {error}") from None


def name_of(picture: Picture) -> str:
    """What a picture is called in its answer: its path, or what it came as."""
    if isinstance(picture, str | Path):
        return str(picture)
    if isinstance(picture, bytes):
        return "the bytes given"
    return "the array given" if isinstance(picture, np.ndarray) else str(getattr(picture, "name", "the picture given"))


def configure_opencv() -> None:
    """Set OpenCV up for a process of our own: one thread, no messages. A host program keeps its own settings."""
    cv2.setNumThreads(1)  # there is a process a core, and a thread's start takes longer than a picture
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # the errors here say it better


def as_png(grey: Grey) -> bytes:
    """A grey picture as the bytes of a PNG file."""
    return cv2.imencode(".png", grey)[1].tobytes()


def unforeseen(name: str, error: Exception) -> PictureError:
    """An unexpected exception as the error of the picture that met it, so that the pictures after it are still read."""
    what = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    return PictureError(f"{name}: a bug in this program, please report it with the picture ({what})")


def each(do: Callable[[Any, str], _Made], given: Sequence[object], names: Sequence[str]) -> list[_Made | PictureError]:
    """What a function makes of each picture and its name; what one of them meets is an error in its place alone."""
    made: list[_Made | PictureError] = []
    for one, name in zip(given, names, strict=True):
        try:
            made.append(one if isinstance(one, PictureError) else do(one, name))
        except PictureError as error:
            made.append(error)
        except Exception as error:
            made.append(unforeseen(name, error))
    return made


def _as_decoded(pixels: NDArray[Any]) -> NDArray[Any]:
    """A copy of an array of grey or RGB pixels as OpenCV decodes a file: blue first, 8 or 16 bits or fractions."""
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    if pixels.ndim not in (2, 3) or channels not in (1, 2, 3, 4):
        raise PictureError(f"its shape is {pixels.shape}: give (height, width), or (height, width, 3) as RGB")
    check_size(Header("bmp", pixels.shape[1], pixels.shape[0], held=pixels.nbytes))
    copy: NDArray[Any] = pixels[..., [2, 1, 0, 3][:channels]] if channels >= 3 else pixels.copy()
    match copy.dtype.kind:
        case "b":
            copy = copy.view(np.uint8) * 255
        case "i":
            copy = copy.clip(0, 255).astype(np.uint8)
        case "f":
            copy = copy.astype(np.float32)
    return copy


def _read_bytes(picture: str | Path | bytes | BinaryIO) -> bytes:
    if not isinstance(picture, str | Path):
        data: object = picture
        if hasattr(picture, "read") and not hasattr(picture, "encoding"):  # which a file opened as text has
            data = picture.read(LARGEST_FILE + 1)
        if not isinstance(data, bytes):
            what = type(data).__name__
            raise PictureError(f"of type {what}: give a path, bytes, a file opened with 'rb' or a NumPy array")
        _check_length(len(data))
        return data
    try:
        # By os, not by Path, which takes as long again as the file does; and looked at before it is opened, for opening
        # a pipe would wait.
        found = os.stat(picture)  # noqa: PTH116
        if not stat.S_ISREG(found.st_mode):
            raise PictureError("is a folder, not a picture" if stat.S_ISDIR(found.st_mode) else "not a regular file")
        _check_length(found.st_size)
        file = os.open(picture, os.O_RDONLY | _BINARY)
        try:
            return os.read(file, found.st_size)
        finally:
            os.close(file)
    except (FileNotFoundError, ValueError):  # the latter of a name with a NUL in it
        raise PictureError("no such file") from None
    except OSError as error:
        raise PictureError(f"cannot be read ({error.strerror})") from None


def _check_length(length: int) -> None:
    if length == 0:
        raise PictureError("the file is empty")
    if length > LARGEST_FILE:
        raise PictureError(too_long(length))


def too_long(length: int) -> str:
    """Why a file of so many bytes is not read."""
    return f"{length / 2**20:.0f} MiB, more than the {LARGEST_FILE // 2**20} MiB read here"


def check_size(header: Header) -> None:
    """Refuse a picture with too many pixels, or too few, to be read here."""
    size, least = f"{header.width} x {header.height} pixels", _SMALLEST_SIDE
    if header.width * header.height > _MOST_PIXELS:
        most = f"the {_MOST_PIXELS // 10**6} million decoded here"
        raise PictureError(f"{size}, more than {most}: make it smaller first")
    if header.held > _MOST_HELD:
        held, most = f"{header.held / 10**6:.0f} MB once decoded", f"the {_MOST_HELD // 10**6} MB read here"
        mend = "save it as a plain 8-bit picture, or make it smaller first"
        raise PictureError(f"{size} that are {held}, more than {most}: {mend}")
    if min(header.width, header.height) < least:
        raise PictureError(f"{size}: too small for a digit (at least {least} x {least})")


def _decode(data: bytes, header: Header, longest: int | None) -> NDArray[np.generic]:
    """The decoded pixels as they are; of a JPEG far larger than is asked for at an eighth, quarter or half a side."""
    seen = np.frombuffer(data, np.uint8, decodable_bytes(data, header))
    mode = cv2.IMREAD_UNCHANGED
    if header.kind == "jpeg" and longest:
        spare = max(header.width, header.height) / longest
        reduced = next((mode for part, mode in _REDUCED.items() if spare >= part), None)
        mode = mode if reduced is None else reduced | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        decoded: NDArray[np.generic] | None = cv2.imdecode(seen, mode)
    except cv2.error:
        decoded = None
    if decoded is None:
        raise PictureError("the picture cannot be decoded: it is damaged, cut short or of a rare kind")
    return decoded


def _shrink(grey: Grey, longest: int | None) -> Grey:
    by = (longest or np.inf) / max(grey.shape)
    if by >= 1:
        return grey
    height, width = (max(_SMALLEST_SIDE, round(side * by)) for side in grey.shape)
    return as_grey(cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA))


def _turn_upright(picture: NDArray[np.generic], header: Header) -> NDArray[np.generic]:
    """The picture turned as EXIF asks, by views alone."""
    if header.orientation >= 5:
        picture = picture.swapaxes(0, 1)
    if header.orientation in (3, 4, 7, 8):
        picture = picture[::-1]
    if header.orientation in (2, 3, 6, 7):
        picture = picture[:, ::-1]
    return picture


def _grey(picture: NDArray[np.generic]) -> Grey:
    """A picture of any pixels as grey bytes, its transparency laid over paper."""
    pixels = _as_bytes(picture)
    if pixels.ndim == 2:
        return np.ascontiguousarray(pixels)
    channels = pixels.shape[2]
    way = cv2.COLOR_BGRA2GRAY if channels == 4 else cv2.COLOR_BGR2GRAY
    grey = np.ascontiguousarray(pixels[:, :, 0]) if channels < 3 else as_grey(cv2.cvtColor(pixels, way))
    return _lay_over_paper(grey, pixels[:, :, -1]) if channels in (2, 4) else grey


def _as_bytes(picture: NDArray[np.generic]) -> Grey:
    if picture.dtype == np.uint8:
        return as_grey(picture)
    if picture.dtype == np.uint16:
        upper = np.empty(picture.shape, np.uint8)
        return np.right_shift(picture.view(np.uint16), 8, out=upper, casting="unsafe")
    if picture.dtype not in (np.float32, np.float64):
        raise PictureError(f"pixels of type {picture.dtype} are not read here: save it with 8 or 16 bits")
    # In the decoder's own array: with copies this took three times the memory and time.
    values = np.clip(np.nan_to_num(picture, copy=False), 0, 255, out=picture).astype(np.float32, copy=False)
    if values.max() <= 1:  # white is 1 in some files and 255 in others, and no header says which
        values *= 255
    return values.round(out=values).astype(np.uint8)


def _lay_over_paper(grey: Grey, alpha: Grey) -> Grey:
    """A transparent picture laid over white or black: what sets the ink off, or carries on the paper in it."""
    if alpha.min() == 255:
        return grey
    laid = as_grey(cv2.multiply(grey, alpha, scale=1 / 255))
    light = float(laid.sum()) * 2 > float(alpha.sum())
    border = np.concatenate([alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]])
    ink_alone = float(border.mean()) < 128
    return laid + (255 - alpha) if light != ink_alone else laid
