"""The API: the answers of the command line, and an error in words for whatever else is sent."""

import asyncio
import base64
import json
import re
import socket
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urljoin

import cv2
import httpx
import numpy as np
import pytest

from benchmarks.load import load, pictures
from mnist_pipeline.prediction.predictor import Predictor
from mnist_pipeline.web import answering, connections, uploads
from mnist_pipeline.web.app import Settings
from tests.commands import mnist
from tests.samples import pretend
from tests.web.conftest import Serve

EXAMPLES = Path(__file__).parents[2] / "examples"
SEVEN, TWO = (EXAMPLES / name for name in ("7.png", "2-on-paper.png"))
PNG = {"content-type": "image/png"}


def headers_of_png(width: int, height: int) -> bytes:
    """A PNG that says it is of this size, and holds next to nothing."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


# Answers


def test_a_form_and_a_raw_body_get_the_answer_of_the_command_line(client: httpx.Client) -> None:
    told = json.loads(mnist("predict", str(SEVEN), "--run", "shipped", "--json").stdout)
    form = client.post("/predict", files={"file": ("7.png", SEVEN.read_bytes())}).json()
    raw = client.post("/predict", content=SEVEN.read_bytes(), headers=PNG).json()
    assert list(form) == [*told, "sentence", "milliseconds"]
    assert form["milliseconds"] > 0
    named = {"image": "7.png", "model": "shipped", "sentence": "this is a 7", "milliseconds": form["milliseconds"]}
    assert form == told | named
    assert raw == form | {"image": "the picture sent", "milliseconds": raw["milliseconds"]}


def test_a_batch_answers_each_picture_and_says_which_cannot_be_read(client: httpx.Client) -> None:
    files = [
        ("file", ("7.png", SEVEN.read_bytes())),
        ("file", ("x.png", b"none")),
        ("file", ("2.png", TWO.read_bytes())),
    ]
    told = client.post("/predict/batch", files=files).json()
    assert [one["digit"] for one in told["answers"]] == [7, None, 2]
    assert told["answers"][1]["error"].startswith("x.png: not a picture of a known kind")
    assert [one["image"] for one in told["answers"]] == ["7.png", "x.png", "2.png"]


def test_a_page_gets_the_answer_of_the_command_line(client: httpx.Client) -> None:
    told = json.loads(mnist("predict", "--all", str(SEVEN), "--run", "shipped", "--json").stdout)
    page = client.post("/predict/page", content=SEVEN.read_bytes(), headers=PNG).json()
    assert page == told | {
        "image": "the picture sent", "model": "shipped", "milliseconds": page["milliseconds"]
    }  # fmt: skip


def test_the_steps_are_pictures_and_the_last_is_what_the_model_saw(
    client: httpx.Client, shipped_model: Predictor
) -> None:
    answer = client.post("/predict?steps=true", content=SEVEN.read_bytes(), headers=PNG).json()
    _, steps = shipped_model.examine(SEVEN)
    assert [step["title"] for step in answer["steps"]] == [title for title, _ in steps]
    last = base64.b64decode(answer["steps"][-1]["image"].removeprefix("data:image/png;base64,"))
    seen = cv2.imdecode(np.frombuffer(last, np.uint8), cv2.IMREAD_UNCHANGED)
    assert seen is not None
    assert np.array_equal(seen, steps[-1][1])


def test_the_answer_is_explained_and_inverted_where_asked_for(client: httpx.Client) -> None:
    answer = client.post("/predict?explain=true&invert=no", content=SEVEN.read_bytes(), headers=PNG).json()
    assert np.array(answer["explanation"]).shape == (28, 28)
    assert answer["inverted"] is False


def test_the_models_are_the_trained_runs_and_each_can_be_asked(client: httpx.Client) -> None:
    run = pretend("mine")
    models = client.get("/models").json()["models"]
    assert [(one["name"], one["first"]) for one in models] == [("shipped", True), ("mine", False)]
    assert models[1]["test_accuracy"] == run.figures("evaluate")["test_accuracy"]
    answer = client.post("/predict?model=mine", content=SEVEN.read_bytes(), headers=PNG).json()
    assert (answer["model"], answer["digit"]) == ("mine", 7)


def test_many_at_once_each_get_their_own_answer(client: httpx.Client) -> None:
    pictures = [SEVEN.read_bytes(), TWO.read_bytes()] * 12
    with ThreadPoolExecutor(12) as pool:
        answers = list(
            pool.map(lambda one: client.post("/predict", content=one, headers=PNG).json()["digit"], pictures)
        )
    assert answers == [7, 2] * 12


def test_the_load_script_counts_what_comes_back(url: str) -> None:
    found = asyncio.run(load(url, pictures(4), connections=4, requests=40))
    assert found.statuses == {"200": 40}
    assert len(found.seconds) == 40
    assert "answers/s" in found.line()
    assert asyncio.run(load(url, [b"none"], connections=2, requests=3)).statuses == {"400": 3}


# Errors

FORM = {"content-type": "multipart/form-data; boundary=b"}
BAD = {
    "an empty body": ("/predict", b"", PNG, 400, "the body is empty"),
    "no picture": ("/predict", b"hello", PNG, 400, "not a picture of a known kind"),
    "a picture cut short": ("/predict", SEVEN.read_bytes()[:500], PNG, 400, "cut short|damaged"),
    "a pickle": ("/predict", b"\x80\x04\x95\x10\0\0\0\0\0\0\0\x8c\x05posix", PNG, 400, "not a picture"),
    "a numpy file": ("/predict", b"\x93NUMPY\x01\0v\0{'descr': '|O'}", PNG, 400, "not a picture"),
    "a path": ("/predict", b"/etc/passwd", PNG, 400, "not a picture"),
    "too many bytes": ("/predict", b"x" * 100_001, PNG, 413, "more than the 100,000 bytes"),
    "too many pixels": ("/predict", headers_of_png(60_000, 60_000), PNG, 422, "60000 x 60000 pixels, more than"),
    "too few pixels": ("/predict", headers_of_png(2, 2), PNG, 422, "too small for a digit"),
    "JSON": ("/predict", b"{}", {"content-type": "application/json"}, 415, "the type 'application/json' is not read"),
    "an SVG": ("/predict", b"<svg/>", {"content-type": "image/svg+xml"}, 415, "the type 'image/svg.xml'"),
    "a form of curl's -d": ("/predict", b"a=b", {"content-type": "application/x-www-form-urlencoded"}, 415, "curl -F"),
    "a form without a boundary": ("/predict", b"x", {"content-type": "multipart/form-data"}, 400, "the form cannot be"),
    "a damaged form": ("/predict", b"--b\r\nnonsense", FORM, 400, "the form|no file in the form"),
    "a form without files": (
        "/predict", b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n', FORM, 400, "no file",
    ),
    "an unknown model": ("/predict?model=none", SEVEN.read_bytes(), PNG, 404, "there is no model 'none'"),
    "a model by its path": ("/predict?model=../../etc", SEVEN.read_bytes(), PNG, 404, "there is no model"),
    "a long model": (f"/predict?model={'x' * 300}", SEVEN.read_bytes(), PNG, 422, "model: "),
    "a wrong parameter": ("/predict?invert=maybe", SEVEN.read_bytes(), PNG, 422, "invert: "),
    "an unknown path": ("/predictt", b"", PNG, 404, "described at /docs"),
}  # fmt: skip


@pytest.mark.parametrize(("path", "body", "headers", "status", "words"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_told_in_words(
    client: httpx.Client, path: str, body: bytes, headers: dict[str, str], status: int, words: str
) -> None:
    answer = client.post(path, content=body, headers=headers)
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]
    assert re.search(words, answer.json()["error"])
    assert "Traceback" not in answer.text


def test_several_pictures_go_to_the_batch_and_not_too_many(client: httpx.Client) -> None:
    two = [("file", ("a.png", b"1")), ("file", ("b.png", b"2"))]
    assert "/predict/batch" in client.post("/predict", files=two).json()["error"]
    many = client.post("/predict/batch", files=[("file", ("a.png", b"1"))] * (uploads.MOST_PICTURES + 1))
    assert many.status_code == 413


def test_another_method_is_refused_in_words(client: httpx.Client) -> None:
    answer = client.get("/predict")
    assert (answer.status_code, answer.json()) == (405, {"error": "GET is not answered here"})
    assert answer.headers["allow"] == "POST"


def test_a_bug_is_told_as_one_without_a_traceback(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "as_png", lambda _: 1 / 0)
    answer = client.post("/predict?steps=true", content=SEVEN.read_bytes(), headers=PNG)
    assert (answer.status_code, list(answer.json())) == (500, ["error"])
    assert "ZeroDivision" not in answer.text
    assert client.get("/healthz").status_code == 200


# Headers, the key, other origins


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/static/page.js", "/models", "/nowhere"])
def test_every_answer_has_the_headers_that_browsers_heed(client: httpx.Client, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert not {"set-cookie", "access-control-allow-origin", "server"} & set(headers)


def test_the_pages_hold_no_inline_code_and_name_nothing_elsewhere(client: httpx.Client) -> None:
    for path in ("/", "/docs", "/draw/"):
        text = client.get(path).text
        assert not re.search(r"<script(?![^>]*(src=|json))|<style| on\w+=| style=|https?:", text)
        for wanted in re.findall(r'(?:src|href)="((?!data:)[^"]*)"', text):
            assert client.get(urljoin(path, wanted)).status_code == 200, wanted


def test_the_page_to_draw_on_holds_the_model(client: httpx.Client) -> None:
    assert client.get("/draw").headers["location"] == "/draw/"
    assert 'id="model"' in client.get("/draw/").text
    assert client.get("/draw/../../pyproject.toml").status_code == client.get("/draw/nothing").status_code == 404


def test_a_key_is_asked_for_and_compared(serve: Serve) -> None:
    url = serve(Settings(100_000, key="a-key-that-nobody-knows"))
    statuses = [
        httpx.get(f"{url}/models", headers=headers).status_code
        for headers in ({}, {"x-api-key": "a-key"}, {"x-api-key": "a-key-that-nobody-knows"})
    ]
    bearer = httpx.get(f"{url}/metrics", headers={"authorization": "Bearer a-key-that-nobody-knows"})
    assert [*statuses, bearer.status_code] == [401, 401, 200, 200]
    assert [httpx.get(url + path).status_code for path in ("/", "/docs", "/healthz", "/static/page.js")] == [200] * 4


def test_another_origin_is_let_in_where_it_is_named(serve: Serve) -> None:
    url = serve(Settings(100_000, key="a-key-that-nobody-knows", origins=("https://one.example",)))
    asked = {"origin": "https://one.example", "access-control-request-method": "POST"}
    assert httpx.options(f"{url}/predict", headers=asked).status_code == 200
    refused = httpx.post(f"{url}/predict", headers={"origin": "https://one.example"})
    assert refused.headers["access-control-allow-origin"] == "https://one.example"
    other = httpx.get(f"{url}/healthz", headers={"origin": "https://two.example"})
    assert "access-control-allow-origin" not in other.headers


# Clients that are slow, too many or of ill will


def spoken(url: str, *pieces: bytes) -> bytes:
    """What a server says to these bytes before it hangs up."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        for piece in pieces:
            connection.sendall(piece)
        said = b""
        while piece := connection.recv(65536):
            said += piece
        return said


def test_who_is_slow_is_let_go(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_PATIENCE", 0.2)
    monkeypatch.setattr(uploads, "_GRACE", 0.2)
    url = serve(Settings(100_000))
    head = b"POST /predict HTTP/1.1\r\nhost: a\r\ncontent-type: image/png\r\ncontent-length: 50\r\n"
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as broken_off:
        broken_off.sendall(head + b"\r\nhalf")
    with ThreadPoolExecutor(4) as pool:
        silent, half_a_head, half_a_body, good = pool.map(
            lambda pieces: spoken(url, *pieces),
            [(), (head,), (head, b"\r\n", b"half"), (b"GET /healthz HTTP/1.0\r\n\r\n",)],
        )
    assert silent == half_a_head == b""
    assert 'mnist_requests_total{path="/predict",status="408"} 2' in httpx.get(f"{url}/metrics").text.splitlines()
    assert half_a_body.startswith(b"HTTP/1.1 408 ")
    assert b'{"error":"the upload took too long' in half_a_body
    assert good.endswith(b'{"state":"alive"}')


def test_too_large_a_body_is_refused_before_it_has_come(url: str) -> None:
    host, port = url.removeprefix("http://").split(":")
    told = b"POST /predict HTTP/1.1\r\nhost: a\r\ncontent-type: image/png\r\ncontent-length: 999999999\r\n\r\n"
    counted = b"POST /predict HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ncontent-type: image/png\r\n\r\n"
    for pieces in ([told], [counted, b"30000\r\n" + b"x" * 0x30000]):
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            for piece in pieces:
                connection.sendall(piece)
            assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("sent", "status"), [(b"nonsense\r\n\r\n", b"400"), (b"GET / HTTP/1.1\r\na: " + b"b" * 40_000, b"431")]
)
def test_what_is_no_request_is_told_so(url: str, sent: bytes, status: bytes) -> None:
    said = spoken(url, sent)
    assert said.startswith(b"HTTP/1.1 " + status)
    assert json.loads(said.partition(b"\r\n\r\n")[2])["error"]


def test_who_comes_when_too_many_wait_is_sent_away_and_then_answered(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "WAITING", 2)
    url, picture = serve(Settings(100_000)), SEVEN.read_bytes()

    def statuses(count: int) -> list[int]:
        with ThreadPoolExecutor(count) as pool, httpx.Client(base_url=url, timeout=120) as client:
            sent = [
                pool.submit(client.post, "/predict?explain=true", content=picture, headers=PNG) for _ in range(count)
            ]
            answers = [one.result() for one in sent]
        assert all(one.headers.get("retry-after") == "1" for one in answers if one.status_code == 503)
        return [one.status_code for one in answers]

    assert set(statuses(16)) == {200, 503}
    assert statuses(1) == [200]


def test_the_numbers_are_those_of_what_was_asked(serve: Serve) -> None:
    url = serve(Settings(100_000))
    for body in (SEVEN.read_bytes(), b"none"):
        httpx.post(f"{url}/predict", content=body, headers=PNG)
    httpx.get(f"{url}/nowhere")
    told = httpx.get(f"{url}/metrics").text
    for line in (
        'mnist_requests_total{path="/predict",status="200"} 1', 'mnist_requests_total{path="/predict",status="400"} 1',
        'mnist_requests_total{path="other",status="404"} 1', 'mnist_pictures_total{outcome="read"} 1',
        'mnist_predict_seconds_bucket{le="+Inf"} 2', "mnist_predict_seconds_count 2", "mnist_workers 1",
    ):  # fmt: skip
        assert line in told.splitlines()
    assert re.fullmatch(r"((# (HELP|TYPE) mnist_\w+ .+|mnist_\w+(\{.*\})? [\d.]+)\n)+", told)


def test_the_description_names_every_answer_and_its_shape(client: httpx.Client) -> None:
    described = client.get("/openapi.json").json()
    assert set(described["paths"]) == {
        "/predict", "/predict/batch", "/predict/page", "/models", "/healthz", "/readyz", "/metrics",
    }  # fmt: skip
    answers = described["paths"]["/predict"]["post"]["responses"]
    assert set(answers) == {"200", "400", "401", "404", "408", "413", "415", "422", "503"}
    assert answers["422"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Error"}
