"""Clicks: what is posted, what is asked first, what is shown meanwhile and afterwards."""

from __future__ import annotations

import copy
from threading import Event
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import showcase
from tests.browser.conftest import Open
from tests.browser.double import Double

CARD_TS = f"{showcase.START + 120}.000100"
KINDS_TS = f"{showcase.START + 1502 * 60}.000100"


def card(page: Page) -> Locator:
    """The request card in the channel."""
    return page.locator(f"#stage [data-ts='{CARD_TS}']")


def card_message(double: Double) -> dict[str, Any]:
    """A copy of the card's message."""
    found: dict[str, Any] = next(m for m in double.state["messages"] if m["ts"] == CARD_TS)
    return copy.deepcopy(found)


def test_a_click_says_who_clicked_what_where(double: Double, open_page: Open) -> None:
    card(open_page("#/ben/ops")).get_by_role("button", name="Details").click()
    assert double.wait_for("actions") == {
        "user": "U0BEN",
        "channel": showcase.OPS,
        "message_ts": CARD_TS,
        "action_id": "details",
        "value": "r1",
    }


def test_a_button_is_pending_until_the_app_answers_and_cannot_be_pressed_twice(double: Double, open_page: Open) -> None:
    answered = double.held["actions"] = Event()
    details = card(open_page("#/ben/ops")).get_by_role("button", name="Details")
    details.click()
    expect(details).to_have_attribute("aria-busy", "true")
    details.click()
    double.post_message(card_message(double) | {"edited": True}, "message_changed")
    expect(card(details.page)).to_contain_text("(edited)")
    expect(details).to_have_attribute("aria-busy", "true")
    answered.set()
    expect(details).not_to_have_attribute("aria-busy", "true")
    assert len(double.to("actions")) == 1


def test_a_confirmation_is_asked_for_before_anything_is_posted(double: Double, open_page: Open) -> None:
    page = open_page("#/ben/ops")
    approve = card(page).get_by_role("button", name="Approve")
    question = page.get_by_role("alertdialog", name="Approve in prod?")
    for way in ("Escape", "Not now"):
        approve.click()
        expect(question).to_contain_text("replicas 3 → 5")
        if way == "Escape":
            page.keyboard.press(way)
        else:
            question.get_by_role("button", name=way).click()
        expect(question).to_have_count(0)
        expect(approve).to_be_focused()
    assert double.to("actions") == []
    approve.click()
    question.get_by_role("button", name="Approve").click()
    assert double.wait_for("actions")["action_id"] == "approve"


@pytest.mark.parametrize("error", ["operation_timeout", "no_such_element", "something_else"])
def test_a_failed_click_says_so_beside_the_button(double: Double, open_page: Open, error: str) -> None:
    double.answers["actions"] = lambda _: (504, {"ok": False, "error": error})
    page = open_page("#/ben/ops")
    card(page).get_by_role("button", name="Details").click()
    expected = "That button is gone" if error == "no_such_element" else "This app didn't respond"
    expect(card(page).get_by_role("alert")).to_contain_text(expected)
    double.answers.clear()
    card(page).get_by_role("button", name="Details").click()
    expect(card(page).get_by_role("alert")).to_have_count(0)


def test_every_kind_of_choice_posts_its_value(double: Double, open_page: Open) -> None:
    page = open_page()
    kinds = page.locator(f"[data-ts='{KINDS_TS}']")
    kinds.locator("[data-action-id=environment]").click()
    page.get_by_role("option", name="staging").click()
    kinds.locator("[data-action-id=services]").click()
    page.get_by_role("option", name="cart").click()
    page.get_by_role("option", name="search").click()
    page.keyboard.press("Escape")
    kinds.locator("[data-action-id=more]").click()
    page.get_by_role("menuitem", name="History").click()
    kinds.locator("[data-action-id=day]").fill("2026-11-20")
    kinds.locator("[data-action-id=day]").blur()
    kinds.get_by_label("At once").check()
    kinds.get_by_label("Watch latency").check()
    double.wait_for("actions", 6)
    assert {body["action_id"]: body["value"] for body in double.to("actions")} == {
        "environment": "staging",
        "services": ["cart", "search"],
        "more": "history",
        "day": "2026-11-20",
        "speed": "fast",
        "checks": ["latency"],
    }


def test_a_menu_works_with_the_keyboard_alone(double: Double, open_page: Open) -> None:
    page = open_page()
    menu = page.locator("[data-action-id=environment]")
    menu.focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("option", name="dev")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("option", name="prod")).to_be_focused()
    page.keyboard.press("s")
    expect(page.get_by_role("option", name="staging")).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu).to_be_focused()
    assert double.to("actions") == []
    page.keyboard.press("Enter")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    assert double.wait_for("actions")["value"] == "prod"


def test_a_change_of_the_message_keeps_focus_scroll_and_open_question(double: Double, open_page: Open) -> None:
    page = open_page("#/ben/ops")
    approve = card(page).get_by_role("button", name="Approve")
    approve.click()
    question = page.get_by_role("alertdialog")
    place = page.evaluate("document.querySelector('#stage .flow').scrollTop")
    changed = card_message(double)
    changed["attachments"][0]["blocks"][-1]["elements"][1]["text"]["text"] = "Refuse"
    double.post_message(changed, "message_changed")
    expect(card(page)).to_contain_text("Refuse")
    expect(question).to_be_visible()
    assert page.evaluate("document.querySelector('#stage .flow').scrollTop") == place
    page.keyboard.press("Escape")
    expect(approve).to_be_focused()


def test_when_the_focused_button_goes_the_focus_stays_on_its_message(double: Double, open_page: Open) -> None:
    """S3, on the page's side: a decided card has no buttons, and keyboard users are not thrown to the top."""
    page = open_page("#/ben/ops")
    card(page).get_by_role("button", name="Deny").focus()
    decided = card_message(double)
    decided["attachments"][0]["blocks"].pop()
    double.post_message(decided, "message_changed")
    expect(card(page).get_by_role("button")).to_have_count(0)
    expect(card(page)).to_be_focused()


def test_an_unchanged_block_keeps_its_node_when_the_message_changes(double: Double, open_page: Open) -> None:
    page = open_page("#/ben/ops")
    title = card(page).get_by_role("heading").element_handle()
    changed = card_message(double)
    changed["attachments"][0]["blocks"][0] = showcase.rich([showcase.run("running · 0:14")])
    double.post_message(changed, "message_changed")
    expect(card(page)).to_contain_text("running · 0:14")
    assert title.evaluate("node => node.isConnected")
