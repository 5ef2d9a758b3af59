"""The page with the whole product behind it: what somebody sees who has just typed `make demo`."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect

from tests.browser.conftest import HABITS
from tests.journeys.stage import Stage, stage
from tests.waiting import PATIENCE

PICTURE = os.environ.get("TWOKEY_PICTURE")  # where `make picture` wants the README's screenshot
SPEED = 1.0 if PICTURE else 6.0  # times the machine's own; a rollout should be seen, not waited for
SLOWLY = 0.05  # before, so that what is good for three seconds (a trigger of Slack's) outlasts a busy machine's pauses


class Hurried:
    """Time that passes slowly, and from `hurry` on faster than the machine's own."""

    def __init__(self) -> None:
        self._hurried, self._start = threading.Condition(), datetime.now(UTC)
        self._speed, self._passed, self._seen = SLOWLY, 0.0, time.monotonic()

    def hurry(self) -> None:
        with self._hurried:
            self.steady()
            self._speed = SPEED
            self._hurried.notify_all()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.steady())

    def sleep(self, seconds: float) -> None:
        with self._hurried:
            until = self.steady() + seconds
            while (left := until - self.steady()) > 0:
                self._hurried.wait(left / self._speed)

    def steady(self) -> float:
        with self._hurried:
            seen = time.monotonic()
            self._passed, self._seen = self._passed + (seen - self._seen) * self._speed, seen
            return self._passed


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path, Hurried()) as found:
        yield found


@pytest.fixture
def page(browser: Browser, whole: Stage) -> Iterator[Page]:
    errors: list[str] = []

    def note(said: ConsoleMessage) -> None:
        if said.type in ("error", "warning"):
            errors.append(said.text)

    with browser.new_context(**HABITS, viewport={"width": 1360, "height": 900}, device_scale_factor=1) as context:
        found = context.new_page()
        found.set_default_timeout(PATIENCE * 1000)
        found.on("console", note)
        found.on("pageerror", lambda error: errors.append(str(error)))
        found.goto(f"{whole.addresses.url}/#/ana/ops")
        yield found
    assert errors == []


def write(page: Page, text: str) -> None:
    """Type into the channel's composer, and send."""
    composer = page.get_by_label("Message #ops")
    composer.fill(text)
    composer.press("Enter")


def become(page: Page, name: str) -> None:
    page.get_by_role("button", name=f"Become {name}").first.click()
    expect(page.get_by_role("button", name=f"You are {name}").first).to_be_visible()


def take_picture(page: Page, card: Locator, path: str) -> None:
    """One card under way with its thread beside it, another waiting; in few colours, to keep the file small."""
    card.get_by_role("link", name="repl").or_(card.get_by_role("button", name="repl")).first.click()
    expect(page.locator("#thread")).to_contain_text("of 5 ready")
    page.wait_for_function("document.querySelectorAll('[data-service=checkout] .pod').length === 5")
    page.mouse.move(10, 700)  # nothing is under the pointer
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    Path(path).parent.mkdir(exist_ok=True)
    shot.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


def test_a_new_user_posts_clarifies_approves_as_another_and_watches(page: Page, whole: Stage) -> None:
    """Post, clarify, look at details, approve as somebody else, watch the progress, open Home: no console errors."""
    # 0. The empty channel says what to do.
    expect(page.locator(".first-steps")).to_contain_text("Become ben")

    # 1. A sentence that leaves the environment open is a question with buttons.
    write(page, "@twokey scale checkout to 5")
    page.locator("article").get_by_role("button", name="prod", exact=True).last.click()

    # 2. The answer is a card that shows exactly what would change.
    card = page.locator("#stage article", has_text="Scale checkout in prod").last
    expect(card).to_contain_text("PRODUCTION")
    expect(card).to_contain_text("waiting for 1 of sre")

    # 3. Details open in a modal; Escape closes it.
    card.get_by_role("button", name="Details").click()
    modal = page.get_by_role("dialog")
    expect(modal).to_contain_text("replicas")
    page.keyboard.press("Escape")
    expect(modal).to_be_hidden()

    # 4. Another request waits while ben, in Home, turns the key of the first.
    write(page, "@twokey deploy payments 3.11.1 to prod")
    expect(page.get_by_text("waiting for 2")).to_be_visible()
    become(page, "ben")
    card.get_by_role("button", name="Approve").click()
    assert isinstance(whole.clock, Hurried)
    whole.clock.hurry()

    # 5. Progress is seen in the same message, and then the end of it.
    expect(card).to_contain_text("approved by")
    expect(card).to_contain_text("running · 0:0")
    if PICTURE:
        take_picture(page, card, PICTURE)
        return
    expect(card).to_contain_text("done in")
    expect(page.locator("#ribbon")).to_contain_text("5/5 ready")

    # 6. Home says what waits for ben, and what happened lately.
    page.get_by_role("link", name="Home").or_(page.get_by_role("button", name="Home")).first.click()
    home = page.locator("#stage")
    expect(home).to_contain_text("Deploy payments")
    expect(home).to_contain_text("Scale checkout")


def test_a_read_brings_a_chart_that_loads(page: Page) -> None:
    write(page, "@twokey p99 of payments in prod last 6 hours")
    page.get_by_role("link", name="replies").last.click()
    expect(page.locator("#thread article").nth(1)).to_be_in_viewport()  # the answer's first line
    chart = page.locator("#thread img[alt*='p99']")
    expect(chart).to_be_visible()
    assert chart.evaluate("picture => picture.naturalWidth") >= 1000
