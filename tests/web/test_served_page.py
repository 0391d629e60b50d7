"""The page in a real browser: pictures in, answers on the page, at the sizes of a desk and of a phone."""

import base64
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from mnist_pipeline.prediction.predictor import Predictor
from mnist_pipeline.web.app import Settings
from tests.samples import pretend
from tests.web.conftest import serving

playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright for Python")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or ""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason="needs the browser Chromium (Debian: apt-get install chromium)"),
]
EXAMPLES = Path(__file__).parents[2] / "examples"
DESK = {"viewport": {"width": 1200, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "color_scheme": "dark"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A browser without a window."""
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        yield found
        found.close()


@pytest.fixture(scope="module")
def address(shipped_model: Predictor) -> Iterator[str]:
    """A service that asks for no key."""
    with serving(shipped_model, Settings(10_000_000)) as url:
        yield url


@pytest.fixture(params=[DESK, PHONE], ids=["desk", "phone"])
def page(request: pytest.FixtureRequest, browser: Any, address: str) -> Iterator[Any]:
    """The page, which must say nothing on the console and ask nobody but its server."""
    context = browser.new_context(**request.param)
    opened = context.new_page()
    said: list[str] = []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("request", lambda asked: said.append(asked.url) if not _own(asked.url, address) else None)
    opened.goto(address)
    yield opened
    context.close()
    assert said == []


def _own(url: str, address: str) -> bool:
    return url.startswith((address, "blob:", "data:"))


def upload(page: Any, *names: str | Path) -> None:
    page.locator("#file").set_input_files([EXAMPLES / name for name in names])


def answer_is(page: Any, words: str) -> None:
    playwright.expect(page.locator("#answer")).to_have_text(words, timeout=60_000)


def test_a_photo_is_answered_with_its_box_and_every_step(page: Any) -> None:
    upload(page, "4-on-squared-paper.jpg")
    answer_is(page, "This is a 4")
    playwright.expect(page.locator("#steps li")).to_have_count(7, timeout=60_000)
    assert "as the model saw it, 28 × 28" in page.locator("#steps").inner_text()
    box = page.locator(".box")
    assert box.count() == 1
    edges, sheet = box.bounding_box(), page.locator(".sheet").bounding_box()
    assert sheet["x"] <= edges["x"] < edges["x"] + edges["width"] <= sheet["x"] + sheet["width"]
    assert re.fullmatch(r"(> )?9\d\.\d %", page.locator(".bars .best .share").inner_text())
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_several_digits_are_read_and_each_can_be_looked_at(page: Any, tmp_path: Path) -> None:
    seven, two = (cv2.imread(str(EXAMPLES / name), cv2.IMREAD_GRAYSCALE) for name in ("7.png", "2-on-paper.png"))
    assert seven is not None
    assert two is not None
    both = np.hstack([255 - seven, cv2.resize(two, (280, 280)), 255 - seven])
    cv2.imwrite(str(tmp_path / "both.png"), both)
    upload(page, tmp_path / "both.png")
    answer_is(page, "727")
    page.locator(".box").nth(1).click()
    answer_is(page, "This is a 2")
    assert page.locator(".box").nth(1).get_attribute("aria-pressed") == "true"


def test_what_is_no_picture_is_told_and_the_next_one_is_read(browser: Any, address: str, tmp_path: Path) -> None:
    page = browser.new_page()  # whose console notes that the service has refused something
    page.goto(address)
    (tmp_path / "none.png").write_bytes(b"hello")
    upload(page, tmp_path / "none.png")
    playwright.expect(page.locator("#state")).to_contain_text("not a picture of a known kind", timeout=60_000)
    assert page.locator("#result").is_hidden()
    upload(page, "7.png")
    answer_is(page, "This is a 7")
    page.close()


def test_a_picture_is_pasted_and_dropped(page: Any) -> None:
    for event, holder in (("paste", "clipboardData"), ("drop", "dataTransfer")):
        name = "7.png" if event == "paste" else "2-on-paper.png"
        data = base64.b64encode((EXAMPLES / name).read_bytes()).decode()
        page.evaluate(
            """([event, holder, data]) => {
              const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
              const given = new DataTransfer();
              given.items.add(new File([bytes], "given.png", { type: "image/png" }));
              const kind = event === "paste" ? ClipboardEvent : DragEvent;
              document.dispatchEvent(new kind(event, { [holder]: given, bubbles: true, cancelable: true }));
            }""",
            [event, holder, data],
        )
        answer_is(page, f"This is a {name[0]}")


def test_a_model_is_chosen_among_the_runs(page: Any) -> None:
    pretend("mine")
    page.reload()
    playwright.expect(page.locator("#model option")).to_have_count(2)
    upload(page, "7.png")
    playwright.expect(page.locator("#facts")).to_contain_text("model shipped", timeout=60_000)
    page.locator("#model").select_option("mine")
    playwright.expect(page.locator("#facts")).to_contain_text("model mine", timeout=60_000)


def test_nothing_stands_in_the_way_of_a_screen_reader(page: Any, address: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
    source = Path(axe.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
    upload(page, "4-on-squared-paper.jpg")
    playwright.expect(page.locator("#steps li")).to_have_count(7, timeout=60_000)
    for path in ("", "/docs"):
        if path:
            page.goto(address + path)
            page.locator("details").first.wait_for()
        page.evaluate(source)
        found = page.evaluate("axe.run()")["violations"]
        assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found] == []


def test_a_digit_is_drawn_on_the_page_that_the_service_has(page: Any, address: str) -> None:
    page.get_by_role("link", name="Draw").click()
    page.wait_for_url(f"{address}/draw/")
    area = page.locator("canvas").first.bounding_box()
    for share, press in ((0.2, True), (0.5, None), (0.8, False)):  # a one: a stroke from the top to the bottom
        page.mouse.move(area["x"] + area["width"] / 2, area["y"] + share * area["height"], steps=8)
        if press is not None:
            (page.mouse.down if press else page.mouse.up)()
    playwright.expect(page.locator("#number")).to_contain_text("1", timeout=60_000)
    page.get_by_role("link", name="Read a photo").click()
    page.wait_for_url(f"{address}/")


def test_a_keyboard_reaches_everything(page: Any) -> None:
    reached = set()
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id"))
    assert {"file", "model", "what", "invert"} <= reached


def test_the_description_of_the_api_is_shown(page: Any, address: str) -> None:
    page.goto(f"{address}/docs")
    page.locator("summary", has_text="/predict/batch").click()
    assert "list of Prediction" in page.locator("details", has_text="/predict/batch").inner_text()


def test_the_page_asks_for_the_key(browser: Any, shipped_model: Predictor) -> None:
    with serving(shipped_model, Settings(10_000_000, key="a-key-that-nobody-knows")) as url:
        page = browser.new_page()
        page.goto(url)
        page.locator("#key").fill("a-key-that-nobody-knows")
        page.locator("#key").press("Tab")
        upload(page, "7.png")
        answer_is(page, "This is a 7")
        page.close()
