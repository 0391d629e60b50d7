"""The application: which request leads to what. Its description is at /openapi.json, and for people at /docs."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.exceptions import HTTPException

from mnist_pipeline import __version__
from mnist_pipeline.pixels.light import Invert
from mnist_pipeline.prediction.predictor import Predictor
from mnist_pipeline.web import shapes
from mnist_pipeline.web.answering import Answers, Desk, Models, busy
from mnist_pipeline.web.guard import BUG, Guard, told
from mnist_pipeline.web.metrics import Counters
from mnist_pipeline.web.uploads import FORM, TYPES, Inbox, RequestError, Upload, pictures_in

STATIC = Path(__file__).parent / "static"
_KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_PAGES = {"/": "index.html", "/docs": "docs.html"}
ModelName = Annotated[str | None, Query(max_length=200, description="One of GET /models; by default the first.")]
Inverting = Annotated[Invert, Query(description="Whether to invert, as dark ink on light paper needs.")]


@dataclass(frozen=True)
class Settings:
    """What the owner of a service says about it."""

    max_bytes: int
    key: str | None = None
    origins: tuple[str, ...] = ()  # of pages from elsewhere that may ask


class Service:
    """One process's application, and what it holds."""

    def __init__(self, model: Predictor, settings: Settings, counters: Counters) -> None:
        self.desk, self.counters, self.stopping = Desk(), counters, False
        self.models = Models(model)
        self.answers = Answers(self.models, counters)
        self._inbox = Inbox(settings.max_bytes)
        guarded: Any = Guard(self._routes(), settings.key, counters)
        if settings.origins:
            headers = ("authorization", "content-type", "x-api-key")
            guarded = CORSMiddleware(guarded, settings.origins, ("GET", "POST"), headers)
        self.app = guarded

    async def _about_pictures(self, request: Request, work: Callable[[list[Upload]], dict[str, Any]]) -> Response:
        """The answer of a thread about the pictures in a request; whoever comes when too many wait is not read."""
        if self.desk.full:
            raise busy()
        kind = request.headers.get("content-type", "")
        async with self._inbox.body(request) as body:
            return JSONResponse(await self.desk.answered(lambda: work(pictures_in(body, kind))))

    def _routes(self) -> FastAPI:
        app = FastAPI(
            title="mnist-kit", version=__version__, docs_url=None, redoc_url=None, responses=_errors(401, 503),
            description="Reads handwritten digits on pictures. Every error has a JSON body that says in words why.",
        )  # fmt: skip
        app.exception_handler(RequestError)(_on_problem)
        app.exception_handler(HTTPException)(_on_http)
        app.exception_handler(RequestValidationError)(_on_parameters)
        app.exception_handler(Exception)(_on_bug)
        self._add_predictions(app)
        self._add_state(app)
        add_pages(app)
        return app

    def _add_predictions(self, app: FastAPI) -> None:
        answers = self.answers

        @app.post("/predict", responses=_answer(shapes.Answer), openapi_extra=_BODY, response_model=None)
        async def predict(
            request: Request,
            model: ModelName = None,
            invert: Inverting = "auto",
            explain: Annotated[bool, Query(description="Say which of the 28x28 pixels the answer hangs on.")] = False,
            steps: Annotated[bool, Query(description="Give each step to the 28x28 pixels as a picture.")] = False,
        ) -> Response:
            """Read the digit on one picture, sent as the file of a form or as the body itself."""
            work = partial(answers.one, model=model, invert=invert, explain=explain, steps=steps)
            return await self._about_pictures(request, lambda pictures: work(_only(pictures)))

        @app.post("/predict/batch", responses=_answer(shapes.Batch), openapi_extra=_FILES, response_model=None)
        async def batch(request: Request, model: ModelName = None, invert: Inverting = "auto") -> Response:
            """Read the digit on each picture of a form; one that cannot be read has its error among the answers."""
            return await self._about_pictures(request, partial(answers.several, model=model, invert=invert))

        @app.post("/predict/page", responses=_answer(shapes.Page), openapi_extra=_BODY, response_model=None)
        async def page(request: Request, model: ModelName = None, invert: Inverting = "auto") -> Response:
            """Read every digit on a page, line by line, with its box."""
            work = partial(answers.page, model=model, invert=invert)
            return await self._about_pictures(request, lambda pictures: work(_only(pictures)))

    def _add_state(self, app: FastAPI) -> None:
        @app.get("/models", responses={200: {"model": shapes.ModelList}}, response_model=None)
        async def models() -> Response:
            """List the models that can be asked."""
            return JSONResponse({"models": await self.desk.answered(self.models.listed)})

        @app.get("/healthz", responses={200: {"model": shapes.State}}, response_model=None)
        async def healthz() -> Response:
            """Say that the service is alive."""
            return JSONResponse({"state": "alive"})

        @app.get("/readyz", responses={200: {"model": shapes.State}}, response_model=None)
        async def readyz() -> Response:
            """Say whether the service takes requests now: 503 when too many wait, or when it is ending."""
            if self.stopping or self.desk.full:
                raise busy()
            return JSONResponse({"state": "ready"})

        @app.get("/metrics", response_class=PlainTextResponse)
        async def metrics() -> Response:
            """Give the numbers of all processes in the text format of Prometheus."""
            kind = "text/plain; version=0.0.4; charset=utf-8"
            return PlainTextResponse(self.counters.text(), media_type=kind)


def add_pages(app: FastAPI) -> None:
    """The pages and what they are made of: files of this package, read once."""
    files = {path.name: path for path in STATIC.iterdir() if path.suffix in _KINDS}
    served = {f"/static/{name}": path for name, path in files.items()} | {
        at: files[name] for at, name in _PAGES.items()
    }
    for at, path in served.items():
        answer = Response(path.read_bytes(), media_type=_KINDS[path.suffix])
        app.add_route(at, partial(_same, answer), ["GET", "HEAD"], include_in_schema=False)


async def _same(answer: Response, _: Request) -> Response:
    return answer


def _only(pictures: list[Upload]) -> Upload:
    if len(pictures) > 1:
        raise RequestError(422, f"{len(pictures)} pictures: send one, or all of them to /predict/batch")
    return pictures[0]


# Errors in words


async def _on_problem(_: Request, problem: Any) -> Response:
    return told(problem)


async def _on_http(request: Request, error: Any) -> Response:
    words = {404: "there is nothing here: the API is described at /docs", 405: f"{request.method} is not answered here"}
    return told(RequestError(error.status_code, words.get(error.status_code, str(error.detail)), error.headers))


async def _on_parameters(_: Request, error: Any) -> Response:
    return told(RequestError(422, "; ".join(f"{one['loc'][-1]}: {one['msg']}" for one in error.errors())))


async def _on_bug(_: Request, __: Exception) -> Response:
    return told(BUG)


# The API's description

_WORDS = {
    400: "The picture cannot be read.",
    401: "The key is missing or wrong.",
    404: "There is no such model.",
    408: "The upload took too long.",
    413: "The body is too large.",
    415: "The type is not read here.",
    422: "Too many pixels, or a parameter that is none.",
    503: "Too many requests at once: try again in a second.",
}
_FILE = {"type": "string", "format": "binary"}


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": shapes.Error, "description": _WORDS[status]} for status in statuses}


def _answer(shape: type) -> dict[int | str, dict[str, Any]]:
    return {200: {"model": shape}, **_errors(400, 404, 408, 413, 415, 422)}


def _body(**kinds: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {kind: {"schema": schema} for kind, schema in kinds.items()}}}


def _form(field: dict[str, Any]) -> dict[str, Any]:
    return {FORM: {"type": "object", "required": ["file"], "properties": {"file": field}}}


_BODY = _body(**_form(_FILE), **dict.fromkeys(TYPES, _FILE))
_FILES = _body(**_form({"type": "array", "items": _FILE}))
