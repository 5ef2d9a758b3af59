"""A browser, a stand-in for the emulator, and pages that complain about every error on their console."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from bot.playground.host import Host
from tests.browser import showcase
from tests.browser.double import Double
from tests.waiting import PATIENCE

CHROMIUM = shutil.which("chromium")
BACKGROUND = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
BLANK = "about:blank"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", *BACKGROUND]

HABITS: dict[str, Any] = {"timezone_id": "Europe/Athens", "locale": "en-GB"}
Open = Callable[..., Page]

expect.set_options(timeout=PATIENCE * 1000)


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


class Windows:
    """One page for each kind of window. A page that shows the next test again costs a third of a new one."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._pages: dict[str, Page] = {}
        self.errors: list[str] = []  # what stood on a console

    def page(self, options: dict[str, Any]) -> Page:
        """The empty page for these options."""
        kind = repr(sorted(options.items()))
        return self._pages.get(kind) or self._pages.setdefault(kind, self._opened(options))

    def clear(self) -> None:
        """Leave nothing of a test for the next one."""
        for page in self._pages.values():
            if page.url != BLANK:
                page.evaluate("localStorage.clear(); sessionStorage.clear()")
                page.goto(BLANK)
                page.mouse.move(0, 0)
        self.errors.clear()

    def close(self) -> None:
        """Close every page."""
        for page in self._pages.values():
            page.context.close()

    def _opened(self, options: dict[str, Any]) -> Page:
        page = self._browser.new_context(**HABITS | options).new_page()
        page.set_default_timeout(PATIENCE * 1000)
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        return page

    def _note(self, said: ConsoleMessage) -> None:
        is_refusal = said.text.startswith("Failed to load resource") and "/emulator/" in said.location["url"]
        if said.type in ("error", "warning") and not is_refusal:  # the browser itself notes every refused post
            self.errors.append(said.text)


@pytest.fixture(scope="package")
def windows(browser: Browser) -> Iterator[Windows]:
    found = Windows(browser)
    yield found
    found.close()


@pytest.fixture
def open_page(windows: Windows, double: Double, url: str) -> Iterator[Open]:
    """`open_page("#/ana/ops", viewport=…)`: the page once it shows something. Errors on the console fail the test."""

    def opened(address: str = "#/ana/ops", **options: Any) -> Page:
        page = windows.page(options)
        page.goto(f"{url}/{address}")
        page.get_by_role("button", name="You are").first.wait_for()
        return page

    yield opened
    errors = list(windows.errors)
    windows.clear()
    assert errors == []


PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
