"""What every request passes: the key, where one is asked for, then the headers and the count of its answer."""

import hmac
import logging
import time
from typing import Any

from fastapi.responses import JSONResponse

from mnist_pipeline.web.metrics import Counters
from mnist_pipeline.web.uploads import RequestError

# What may be had without the key: the pages, which then ask for it, the API's description, and whether all is well.
_OPEN = {"/", "/docs", "/openapi.json", "/healthz", "/readyz"}
_OPEN_BELOW = ("/static/", "/draw")
_HEADERS = {
    b"content-security-policy": b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    b"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(self), microphone=(), geolocation=()",
    b"cache-control": b"no-store",
}
BUG = RequestError(500, "a bug in this program, please report it with the picture")
_log = logging.getLogger("mnist_pipeline.web")


def told(problem: RequestError) -> JSONResponse:
    """The answer that tells of a problem."""
    return JSONResponse({"error": problem.words}, problem.status, problem.headers)


class Guard:
    """The application with what stands around it."""

    def __init__(self, app: Any, key: str | None, counters: Counters) -> None:
        self._app, self._key, self._counters = app, key.encode() if key else None, counters

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def sending(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                given = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(pair for pair in _HEADERS.items() if pair[0] not in given)]
            await send(message)

        try:
            answer = self._app if self._may(scope) else told(_NO_KEY)
            await answer(scope, receive, sending)
        except Exception:
            _log.exception("a bug met by %s %s", scope["method"], scope["path"])
            if not status:
                await told(BUG)(scope, receive, sending)
        finally:
            self._counters.request(scope["path"], status, time.perf_counter() - began)

    def _may(self, scope: Any) -> bool:
        """Whether a request needs no key, or has it."""
        path = scope["path"]
        if self._key is None or path in _OPEN or path.startswith(_OPEN_BELOW):
            return True
        headers = dict(scope["headers"])
        given = headers.get(b"x-api-key") or headers.get(b"authorization", b"").removeprefix(b"Bearer ")
        return hmac.compare_digest(given, self._key)  # which takes as long for a key that is nearly right


_NO_KEY = RequestError(
    401, "this service asks for a key: send it as X-API-Key or as Authorization: Bearer", {"www-authenticate": "Bearer"}
)
