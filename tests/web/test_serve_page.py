"""docs/serve.md is so: its examples answer, its statuses are those described, and deploy/ calls what there is."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.test_docs import unknown_in

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "serve.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8000"


def test_the_python_example_prints_the_answer(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
    exec(code.replace(ADDRESS, url), {})
    assert re.fullmatch(r"7 0\.9\d+ [\d.]+\n", capsys.readouterr().out)


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
@pytest.mark.parametrize("line", re.findall(r"^curl .*", PAGE, flags=re.MULTILINE))
def test_the_curl_examples_answer(url: str, line: str) -> None:
    words = shlex.split(line.replace(ADDRESS, url))
    told = subprocess.run([*words, "--silent"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert '"digit":7' in told


def test_every_status_of_the_description_is_explained(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"].values()
    described = {status for path in paths for method in path.values() for status in method["responses"]} - {"200"}
    explained = set(re.findall(r"\d{3}", " ".join(re.findall(r"^\| ([\d, ]+) \|", PAGE, flags=re.MULTILINE))))
    assert described | {"405"} == explained


def test_every_path_of_the_description_is_in_the_table(client: httpx.Client) -> None:
    assert [path for path in client.get("/openapi.json").json()["paths"] if f"{path}`" not in PAGE] == []


def test_the_files_to_deploy_call_what_there_is() -> None:
    unit = (ROOT / "deploy" / "mnist.service").read_text()
    (started,) = re.findall(r"^ExecStart=/opt/mnist/bin/(.*)$", unit, flags=re.MULTILINE)
    (words,) = re.findall(r'^CMD \["(mnist.*)"\]$', (ROOT / "deploy" / "Dockerfile").read_text(), flags=re.MULTILINE)
    for call in (started, words.replace('", "', " ")):
        assert unknown_in(call) == set()
