"""Writing, threads, what is unread, and being several people."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser import showcase
from tests.browser.conftest import Open
from tests.browser.double import Double

CARD_TS = f"{showcase.START + 120}.000100"


def box(page: Page, name: str = "Message #ops") -> None:
    """Put the cursor where one writes."""
    page.get_by_role("textbox", name=name).click()


def test_enter_sends_and_shift_enter_makes_a_line(double: Double, open_page: Open) -> None:
    page = open_page()
    box(page)
    page.keyboard.type("two")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("lines")
    page.keyboard.press("Enter")
    assert double.wait_for("messages") == {"user": "U0ANA", "channel": showcase.OPS, "text": "two\nlines"}
    expect(page.get_by_role("textbox", name="Message #ops")).to_have_value("")


def test_three_suggestions_wait_and_one_fills_the_box(double: Double, open_page: Open) -> None:
    page = open_page()
    chips = page.get_by_role("group", name="Suggestions").get_by_role("button")
    expect(chips).to_have_count(3)
    writing = page.get_by_role("textbox", name="Message #ops")
    expect(writing).to_have_attribute("placeholder", "Message #ops, e.g. “@twokey scale checkout to 5 in prod”")
    chips.first.click()
    expect(writing).to_have_value("@twokey scale checkout to 5 in prod")
    expect(writing).to_be_focused()
    page.keyboard.press("Enter")
    assert double.wait_for("messages")["text"] == "@twokey scale checkout to 5 in prod"
    expect(writing).to_have_attribute("placeholder", "Message #ops, e.g. “@twokey how are payments doing in prod?”")


def test_a_slash_makes_a_command(double: Double, open_page: Open) -> None:
    page = open_page("#/ana/twokey")
    box(page, "Message twokey")
    page.keyboard.type("/twokey status of cart in prod")
    page.keyboard.press("Enter")
    assert double.wait_for("commands") == {
        "user": "U0ANA",
        "channel": showcase.DIRECT,
        "command": "/twokey",
        "text": "status of cart in prod",
    }


def test_what_could_not_be_sent_is_not_lost(double: Double, open_page: Open) -> None:
    double.answers["messages"] = lambda _: (400, {"ok": False, "error": "msg_too_long"})
    page = open_page()
    box(page)
    page.keyboard.type("precious words")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("too long for one message")
    expect(page.get_by_role("textbox", name="Message #ops")).to_have_value("precious words")


def test_a_draft_stays_with_its_person_and_place(open_page: Open) -> None:
    page = open_page()
    writing = page.get_by_role("textbox", name="Message")
    writing.fill("a draft of ana")
    page.get_by_role("button", name="Become ben").click()
    expect(writing).to_have_value("")
    page.get_by_role("button", name="Become ana").click()
    expect(writing).to_have_value("a draft of ana")
    page.get_by_role("link", name="incidents").click()
    expect(page.get_by_role("textbox", name="Message #incidents")).to_have_value("")


def test_a_thread_opens_beside_takes_replies_and_closes_with_escape(double: Double, open_page: Open) -> None:
    page = open_page()
    page.get_by_role("link", name="2 replies").click()
    thread = page.get_by_role("complementary", name="Thread")
    expect(thread.get_by_role("article")).to_have_count(3)
    expect(thread).to_contain_text("looking at it")
    reply = thread.get_by_role("textbox", name="Reply in the thread")
    expect(reply).to_be_focused()
    page.keyboard.type("go ahead")
    page.keyboard.press("Enter")
    assert double.wait_for("messages") == {
        "user": "U0ANA",
        "channel": showcase.OPS,
        "text": "go ahead",
        "thread_ts": CARD_TS,
    }
    double.post_message(showcase.message(1600, "U0ANA", "go ahead", thread_ts=CARD_TS))
    expect(thread.get_by_role("separator")).to_have_text("3 replies")
    page.keyboard.press("Escape")
    expect(thread).to_be_hidden()
    expect(page.get_by_role("link", name="3 replies")).to_be_focused()


def test_the_menu_makes_one_somebody_else(double: Double, open_page: Open) -> None:
    page = open_page()
    page.get_by_role("button", name="You are ana").last.click()
    expect(page.get_by_role("menuitem")).to_have_count(4)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="You are ben").last).to_be_focused()
    page.get_by_role("link", name="twokey").click()
    box(page, "Message twokey")
    page.keyboard.type("help")
    page.keyboard.press("Enter")
    assert double.wait_for("messages") == {"user": "U0BEN", "channel": "D0BEN", "text": "help"}
    page.reload()
    expect(page.get_by_role("button", name="You are ben").last).to_be_visible()


def test_what_is_said_to_one_person_is_shown_to_nobody_else(open_page: Open) -> None:
    page = open_page()
    private = page.get_by_text("You asked for this one")
    expect(private).to_be_visible()
    expect(page.get_by_text("Only visible to you")).to_be_visible()
    page.get_by_role("button", name="Become ben").click()
    expect(page.get_by_role("button", name="You are ben").last).to_be_visible()
    expect(private).to_have_count(0)


def test_what_is_new_is_marked_where_nobody_looks_and_for_whom_it_is(double: Double, open_page: Open) -> None:
    page = open_page()
    double.post_message(showcase.message(2000, showcase.BOT, "something happened", showcase.INCIDENTS))
    double.post_message(showcase.message(2001, showcase.BOT, "your key is needed", "D0BEN"))
    expect(page.get_by_role("link", name="incidents, 1 unread")).to_be_visible()
    expect(page.get_by_role("button", name="Become ben, 1 waiting")).to_be_visible()
    page.get_by_role("link", name="incidents").click()
    expect(page.get_by_role("separator", name="New")).to_be_visible()
    expect(page.get_by_role("link", name="incidents", exact=True)).to_be_visible()
    page.get_by_role("button", name="Become ben").click()
    page.get_by_role("link", name="twokey, 1 unread").click()
    expect(page.get_by_text("your key is needed")).to_be_visible()
    page.get_by_role("button", name="Become ana").click()
    expect(page.get_by_role("button", name="Become ben", exact=True)).to_be_visible()


@pytest.mark.parametrize("reads_along", [True, False])
def test_the_list_follows_new_messages_only_for_who_is_at_its_end(
    double: Double, open_page: Open, reads_along: bool
) -> None:
    page = open_page()
    flow = page.locator("#stage .flow")
    expect(page.get_by_text("212 error lines")).to_be_in_viewport()
    if not reads_along:
        flow.hover()
        page.mouse.wheel(0, -5000)
        expect(page.get_by_text("Hello, I am twokey")).to_be_in_viewport()
    double.post_message(showcase.message(2000, "U0BEN", "the newest of all"))
    newest = page.get_by_text("the newest of all")
    if reads_along:
        expect(newest).to_be_in_viewport()
        return
    expect(newest).not_to_be_in_viewport()
    expect(page.get_by_text("Hello, I am twokey")).to_be_in_viewport()
    page.get_by_role("button", name="New messages").click()
    expect(newest).to_be_in_viewport()


def test_after_a_broken_connection_what_was_missed_is_read_again(double: Double, open_page: Open) -> None:
    page = open_page()
    expect(page.get_by_text("212 error lines")).to_be_visible()
    double.state["messages"].append(showcase.message(2000, "U0BEN", "said while nobody listened"))
    double.cut()
    expect(page.get_by_text("said while nobody listened")).to_be_visible()
    double.post_message(showcase.message(2001, "U0BEN", "and live again"))
    expect(page.get_by_text("and live again")).to_be_visible()


def test_a_deleted_message_goes(double: Double, open_page: Open) -> None:
    page = open_page()
    gone = next(m for m in double.state["messages"] if m["text"].startswith("Hello"))
    expect(page.get_by_text("Hello, I am twokey")).to_have_count(1)
    double.state["messages"].remove(gone)
    double.tell({"type": "message_deleted", **gone})
    expect(page.get_by_text("Hello, I am twokey")).to_have_count(0)
