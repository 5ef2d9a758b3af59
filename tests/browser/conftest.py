"""A browser, a stand-in for the emulator, and pages that complain about every error on their console."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from bot.playground.host import Host
from tests.browser import showcase
from tests.browser.double import DEADLINE, Double

CHROMIUM = shutil.which("chromium")
BACKGROUND = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", *BACKGROUND]

HABITS: dict[str, Any] = {"timezone_id": "Europe/Athens", "locale": "en-GB"}
Open = Callable[..., Page]

expect.set_options(timeout=DEADLINE * 1000)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's chromium, closed before tests of other rooms run: the sync API holds the thread's event loop."""
    if CHROMIUM is None:
        pytest.skip("no browser: apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield started
        started.close()


@pytest.fixture(scope="package")
def stand_in() -> Iterator[tuple[Double, str]]:
    """One server for all tests, so that the browser loads the page's files once."""
    double = Double()
    with Host(double.app()) as address:
        yield double, address


@pytest.fixture
def double(stand_in: tuple[Double, str]) -> Double:
    """The stand-in, showing everything once."""
    stand_in[0].start(showcase.state(), showcase.town())
    return stand_in[0]


@pytest.fixture
def url(stand_in: tuple[Double, str]) -> str:
    """Where the stand-in answers."""
    return stand_in[1]


@pytest.fixture(scope="package")
def usual(browser: Browser) -> Iterator[BrowserContext]:
    """The window that most tests use; it keeps the page's files."""
    with browser.new_context(**HABITS) as context:
        yield context


@pytest.fixture
def open_page(browser: Browser, usual: BrowserContext, double: Double, url: str) -> Iterator[Open]:
    """`open_page("#/ana/ops", viewport=…)`: the page once it shows something. Errors on the console fail the test."""
    contexts: list[BrowserContext] = []
    pages: list[Page] = []
    errors: list[str] = []

    def note(said: ConsoleMessage) -> None:
        is_refusal = said.text.startswith("Failed to load resource") and "/emulator/" in said.location["url"]
        if said.type in ("error", "warning") and not is_refusal:  # the browser itself notes every refused post
            errors.append(said.text)

    def opened(address: str = "#/ana/ops", **options: Any) -> Page:
        context = browser.new_context(**HABITS | options) if options else usual
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(DEADLINE * 1000)
        pages.append(page)
        page.on("console", note)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{url}/{address}")
        page.get_by_role("button", name="You are").first.wait_for()
        return page

    yield opened
    for page in pages:
        page.close()
    for context in contexts:
        if context is not usual:
            context.close()
    assert errors == []


PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
