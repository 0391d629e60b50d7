"""What a request brings: its body read within bounds of size and time, and the pictures in it.

Nothing that a request says is used as a path or a URL, and nothing of it is written to a disk.
"""

import asyncio
import io
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File, create_form_parser
from starlette.requests import ClientDisconnect

from mnist_pipeline.errors import MnistError, PictureError
from mnist_pipeline.pixels.picture_header import read_header
from mnist_pipeline.pixels.pictures import check_size

TYPES = (
    "image/png", "image/jpeg", "image/bmp", "image/gif", "image/webp", "image/tiff", "application/octet-stream",
)  # fmt: skip
FORM = "multipart/form-data"
MOST_PICTURES = 64  # of one form
_HELD = 128 * 2**20  # bytes of all bodies together that one process has in memory
_GRACE, _SLOWEST = 10.0, 50_000  # a body may take so many seconds, and one more for so many bytes that have come
_LONGEST_NAME = 200  # letters of a file's name, which is only repeated in the answer


class RequestError(MnistError):
    """A request that is answered with an error of HTTP and a sentence."""

    def __init__(self, status: int, words: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(words)
        self.status, self.words, self.headers = status, words, dict(headers or {})


class Upload(io.BytesIO):
    """A picture that came with a request, as an open file of the name that it was given."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.data, self.name = data, name

    def refusal(self, error: str) -> RequestError:
        """The error of HTTP for a picture that could not be read: 422 for a size that is not read here, else 400."""
        try:
            header = read_header(self.data)
        except PictureError:
            return RequestError(400, error)
        try:
            check_size(header)
        except PictureError:
            return RequestError(422, error)
        return RequestError(400, error)


class Inbox:
    """The bodies that one process holds."""

    def __init__(self, max_bytes: int) -> None:
        self._most, self._held = max_bytes, 0

    @asynccontextmanager
    async def body(self, request: Request) -> AsyncIterator[bytes]:
        """The whole body of a request, counted as held for as long as the block lasts."""
        body = bytearray()
        try:
            self._refuse_length(request.headers.get("content-length", ""))
            await self._read(request, body)
            yield bytes(body)
        finally:
            self._held -= len(body)

    async def _read(self, request: Request, body: bytearray) -> None:
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(_GRACE) as limit:
                async for piece in request.stream():
                    body += piece
                    self._held += len(piece)
                    if len(body) > self._most:
                        raise self._too_large()
                    if self._held > max(_HELD, 2 * self._most):
                        raise RequestError(503, "too much is being uploaded at once: try again", {"retry-after": "1"})
                    limit.reschedule(began + _GRACE + len(body) / _SLOWEST)
        except TimeoutError:
            raise RequestError(408, "the upload took too long: send it again", {"connection": "close"}) from None
        except ClientDisconnect:
            raise RequestError(408, "the upload was broken off") from None

    def _refuse_length(self, told: str) -> None:
        if told.isdecimal() and int(told[:20]) > self._most:
            raise self._too_large()

    def _too_large(self) -> RequestError:
        return RequestError(413, f"more than the {self._most:,} bytes that are read here: send a smaller picture")


def pictures_in(body: bytes, content_type: str) -> list[Upload]:
    """The pictures in a body: the files of a form, or the body itself."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == FORM:
        return _files(body, content_type)
    if kind not in TYPES and kind:
        hint = f"send a form ({FORM}, curl -F file=@digit.png), or a picture under its type: {', '.join(TYPES)}"
        raise RequestError(415, f"the type {kind[:60]!r} is not read here: {hint}")
    if not body:
        raise RequestError(400, "the body is empty: send a picture")
    return [Upload(body, "the picture sent")]


def _files(body: bytes, content_type: str) -> list[Upload]:
    """The files of a form, kept in memory."""
    found: list[Upload] = []

    def take(file: File) -> None:
        name = (file.file_name or b"").decode("utf-8", "replace")[:_LONGEST_NAME]
        file.file_object.seek(0)
        found.append(Upload(file.file_object.read(), name or "the picture sent"))
        file.close()
        if len(found) > MOST_PICTURES:
            raise RequestError(413, f"more than {MOST_PICTURES} pictures: send them in several requests")

    def skip(_: Field) -> None:
        return

    bounds = {"MAX_MEMORY_FILE_SIZE": len(body) + 1, "MAX_FIELDS": 2 * MOST_PICTURES, "MAX_FIELD_SIZE": 2**16}
    try:
        parser = create_form_parser({"Content-Type": content_type.encode("latin-1")}, skip, take, bounds)
        parser.write(body)
        parser.finalize()
    except (FormParserError, ValueError) as error:
        raise RequestError(400, f"the form cannot be read ({str(error)[:100]})") from None
    if not found:
        raise RequestError(400, "there is no file in the form: add a picture to it, as in curl -F file=@digit.png")
    return found
