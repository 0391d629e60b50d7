"""mnist serve: a page and an HTTP service that read pictures."""

import re
from pathlib import Path
from typing import Annotated

import typer

from mnist_pipeline.cli.console import RunOption, note, say
from mnist_pipeline.errors import MnistError
from mnist_pipeline.packages import need

app = typer.Typer()
_ORIGIN = re.compile(r"\*|https?://[\w.-]+(:\d+)?|https?://\[[\da-fA-F:]+\](:\d+)?")
_LOOPBACK = re.compile(r"localhost|127\.\d+\.\d+\.\d+|::1")
_SHORTEST_KEY = 16  # letters


@app.command(epilog="Example: mnist serve --run shipped")
def serve(
    run: RunOption = None,
    host: Annotated[
        str, typer.Option(help="The address to listen at; by default other machines do not reach it.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen at; 0 takes a free one.", min=0, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(help="Processes that answer, one a core.", min=1, max=256)] = 1,
    max_bytes: Annotated[
        int, typer.Option(help="The largest body of a request that is read.", min=1, max=64 * 2**20)
    ] = 10_000_000,
    api_key_file: Annotated[
        Path | None, typer.Option(help="A file that holds the key that requests must come with.")
    ] = None,
    cors: Annotated[
        list[str] | None, typer.Option(help="An origin whose pages may ask, as https://example.org. May be repeated.")
    ] = None,
) -> None:
    """Serve a page and an HTTP API that read pictures of digits, until Ctrl-C."""
    need("serving", "fastapi", "uvicorn", "httptools", "python-multipart")
    key = _key(api_key_file) if api_key_file else None
    for origin in cors or []:
        if not _ORIGIN.fullmatch(origin):
            raise MnistError(f"--cors {origin}: give an origin, as https://example.org, or * for all")
    from mnist_pipeline.prediction.predictor import predictor
    from mnist_pipeline.web.app import Settings
    from mnist_pipeline.web.server import serve

    model = predictor(run, note=note)
    note(f"model: {model.name}")
    if not _LOOPBACK.fullmatch(host):
        asked = "whoever has the key" if key else "whoever reaches it (--api-key-file asks for a key)"
        note(f"listening at {host}, which other machines may reach, unencrypted: it answers {asked}")
    serve(model, host, port, Settings(max_bytes, key, tuple(cors or [])), workers, say)
    note("ended; every request that had come was answered")


def _key(path: Path) -> str:
    """The key that a file holds."""
    try:
        key = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise MnistError(f"{path}: the key cannot be read ({getattr(error, 'strerror', None) or error})") from None
    if len(key) < _SHORTEST_KEY or not key.isascii() or not key.isprintable() or " " in key:
        raise MnistError(
            f"{path}: a key is one word of at least {_SHORTEST_KEY} ASCII letters, as openssl rand -hex 32 gives"
        )
    return key
