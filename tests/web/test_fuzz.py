"""Requests of every kind that the API's description allows, and of kinds that it does not: none ends in a bug."""

import random
from pathlib import Path

import httpx
import pytest

schemathesis = pytest.importorskip("schemathesis", reason="needs schemathesis")
pytestmark = pytest.mark.slow
EXAMPLES = Path(__file__).parents[2] / "examples"


def test_what_follows_from_the_description_is_answered_as_described(url: str) -> None:
    from hypothesis import HealthCheck, given, settings
    from schemathesis.checks import CHECKS
    from schemathesis.generation import GenerationMode

    described = schemathesis.openapi.from_url(f"{url}/openapi.json")
    described.config.generation.update(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
    # Bytes at random are no picture, which no description can say: they are refused although they fit it.
    left_out = {"positive_data_acceptance"}
    checks = [check for check in CHECKS.get_all() if check.__name__ not in left_out]
    operations = [found.ok() for found in described.get_all_operations()]
    assert len(operations) == 7
    for operation in operations:

        @given(case=operation.as_strategy())
        @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        def try_out(case: object) -> None:
            case.call_and_validate(checks=checks)  # type: ignore[attr-defined]

        try_out()


def test_damaged_pictures_and_forms_end_in_words(client: httpx.Client) -> None:
    seeded = random.Random(0)
    whole = [(EXAMPLES / name).read_bytes() for name in ("7.png", "2-on-paper.png", "4-on-squared-paper.jpg")]
    statuses = set()
    for number in range(400):
        data = bytearray(seeded.choice(whole))
        for _ in range(seeded.randint(1, 30)):
            data[seeded.randrange(len(data))] = seeded.randrange(256)
        cut = bytes(data[: seeded.randrange(len(data))] if number % 3 == 0 else data)
        if number % 2:
            form = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + cut + b"\r\n--b--\r\n"
            spoilt = bytearray(form)
            spoilt[seeded.randrange(80)] = seeded.randrange(256)
            form_type = {"content-type": "multipart/form-data; boundary=b"}
            answer = client.post("/predict", content=bytes(spoilt), headers=form_type)
        else:
            path = "/predict" if number % 20 else "/predict/page"
            answer = client.post(path, content=cut, headers={"content-type": "image/png"})
        statuses.add(answer.status_code)
        assert answer.status_code in (200, 400, 422), answer.text
        assert "digit" in answer.text or answer.json()["error"]
    assert {200, 400} <= statuses
