"""Any screen, any eyes, no mouse: small, dark, keyboard only; and the cluster below."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser import showcase
from tests.browser.conftest import PHONE, Open
from tests.browser.double import Double

THREAD = f"#/ana/ops/{showcase.START + 120}.000100"

# Every text that is seen, against what it stands on; what is wrong is returned. WCAG 2.2, 1.4.3.
CONTRAST = """() => {
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const paint = (colours) => {
    context.clearRect(0, 0, 1, 1);
    for (const colour of colours) { context.fillStyle = colour; context.fillRect(0, 0, 1, 1); }
    return [...context.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const below = (node) => {
    const layers = [];
    for (let at = node; at; at = at.parentElement) layers.unshift(getComputedStyle(at).backgroundColor);
    return layers;
  };
  const wrong = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
    const isSeen = node.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    if (!own || !isSeen || node.closest(".sr-only, .skip, noscript")) continue;
    const layers = below(node);
    const back = light(paint(["#fff", ...layers]));
    const front = light(paint(["#fff", ...layers, getComputedStyle(node).color]));
    const ratio = (Math.max(back, front) + 0.05) / (Math.min(back, front) + 0.05);
    const what = `${node.className || node.tagName} ${node.textContent.slice(0, 30)}`;
    if (ratio < 4.5) wrong.push(`${what}: ${ratio.toFixed(2)}`);
  }
  return wrong;
}"""


def overflows(page: Page) -> bool:
    """Whether the page can be scrolled sideways."""
    return bool(
        page.evaluate("document.documentElement.scrollWidth > innerWidth || document.body.scrollWidth > innerWidth")
    )


@pytest.mark.parametrize("address", ["#/ana/ops", THREAD, "#/ana/home", "#/ana/twokey"])
def test_a_phone_never_scrolls_sideways(double: Double, open_page: Open, address: str) -> None:
    double.state["messages"].append(showcase.message(1990, "U0BEN", "x" * 300 + " `" + "y" * 300 + "`"))
    page = open_page(address, **PHONE)
    expect(page.get_by_role("list", name="Services in prod")).to_have_count(1)
    assert not overflows(page)
    double.show_view(copy.deepcopy(showcase.MODAL))
    expect(page.get_by_role("dialog")).to_be_visible()
    assert not overflows(page)


def test_on_a_phone_the_list_is_a_drawer_and_the_thread_fills_the_screen(open_page: Open) -> None:
    page = open_page(**PHONE)
    expect(page.get_by_role("link", name="incidents")).to_be_hidden()
    page.get_by_role("button", name="Channels and people").click()
    page.get_by_role("link", name="incidents").click()
    expect(page.get_by_role("heading", name="#incidents")).to_be_visible()
    expect(page.get_by_role("link", name="random")).to_be_hidden()
    page.evaluate(f"location.hash = '{THREAD}'")
    thread = page.get_by_role("complementary", name="Thread")
    expect(thread).to_be_visible()
    bounds = thread.bounding_box()
    assert bounds is not None
    assert (bounds["x"], bounds["y"], bounds["width"], bounds["height"]) == (0, 0, 390, 844)
    page.get_by_role("button", name="Close the thread").click()
    expect(page.get_by_role("textbox", name="Message #ops")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(double: Double, open_page: Open, scheme: Any) -> None:
    """At least 4.5 : 1 everywhere, in a channel with its thread, in a form with complaints, and on Home."""
    page = open_page(THREAD, color_scheme=scheme, reduced_motion="reduce")
    expect(page.get_by_role("list", name="Services in prod")).to_be_visible()
    assert page.evaluate(CONTRAST) == []
    page.evaluate("location.hash = '#/ana/home'")
    double.show_view(copy.deepcopy(showcase.MODAL))
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Please complete this field.")).to_be_visible()
    assert page.evaluate(CONTRAST) == []


def test_dark_follows_the_system_until_somebody_chooses(open_page: Open) -> None:
    page = open_page(color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    assert dark != "rgb(255, 255, 255)"
    page.get_by_role("button", name="Colours: as the system").click()
    page.get_by_role("button", name="Colours: light").wait_for()
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    page.reload()
    page.get_by_role("button", name="Colours: light").click()
    page.get_by_role("button", name="Colours: dark").wait_for()
    assert page.evaluate(ground) == dark


def test_a_request_is_approved_with_the_keyboard_alone(double: Double, open_page: Open) -> None:
    """From the box where one writes, back to the card's button, through the confirmation."""
    page = open_page("#/ben/ops")
    expect(page.get_by_role("textbox", name="Message #ops")).to_be_focused()
    approve = page.locator("#stage [data-action-id=approve]")
    for _ in range(80):
        page.keyboard.press("Shift+Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).boxShadow")
        assert outline != "none" or page.evaluate("document.activeElement.matches('input')"), "the focus is not seen"
        if approve.evaluate("node => node === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("alertdialog").get_by_role("button", name="Approve")).to_be_focused()
    page.keyboard.press("Enter")
    assert double.wait_for("actions")["action_id"] == "approve"


def test_the_ribbon_shows_each_pod_by_shape_and_words(open_page: Open) -> None:
    page = open_page()
    checkout = page.locator("[data-service=checkout]")
    expect(checkout.get_by_role("img", name="3 of 5 pods ready")).to_be_visible()
    expect(checkout).to_contain_text("1.4.1 / 1.4.2")
    kinds = [f"pod pod-{kind}" for kind in ("ready", "ready", "leaving", "starting", "ready")]
    expect(checkout.locator(".pod")).to_have_class(kinds)
    cart = page.locator("[data-service=cart]")
    expect(cart).to_contain_text("errors 31 %")
    expect(cart.locator(".pod-failing").first).to_have_attribute("title", "cart-1 · 2.2.0 · crashes")


def test_the_ribbon_follows_the_cluster_and_shows_other_environments(double: Double, open_page: Open) -> None:
    page = open_page()
    page.get_by_role("group", name="Environment").get_by_role("button", name="staging").click()
    cart = page.locator("[data-service=cart]")
    expect(cart).to_contain_text("1/1 ready")
    healed = showcase.town()
    healed["services"][1]["environments"][1]["pods"].append({"name": "cart-9", "version": "1.1", "state": "starting"})
    double.town = healed
    expect(cart.locator(".pod-starting")).to_have_count(1)
    page.get_by_role("button", name="Cluster").click()
    expect(cart).to_have_count(0)


def test_without_a_town_there_is_no_ribbon(double: Double, open_page: Open) -> None:
    double.town = {}
    page = open_page()
    expect(page.get_by_text("212 error lines")).to_be_visible()
    expect(page.get_by_role("region", name="The simulated cluster")).to_be_hidden()


def test_nothing_moves_for_who_asked_for_that(open_page: Open) -> None:
    page = open_page(reduced_motion="reduce")
    starting = page.locator(".tile .pod-starting").first
    starting.wait_for()
    assert starting.evaluate("node => getComputedStyle(node).animationIterationCount") == "1"
