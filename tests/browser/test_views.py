"""Modals and Home."""

from __future__ import annotations

import copy

from playwright.sync_api import Page, expect

from tests.browser import showcase
from tests.browser.conftest import Open
from tests.browser.double import Double


def modal(page: Page, double: Double) -> None:
    """Open the form, as the app would."""
    double.show_view(copy.deepcopy(showcase.MODAL))
    expect(page.get_by_role("dialog", name="Correct the request")).to_be_visible()


def test_a_form_posts_every_value_under_its_block(double: Double, open_page: Open) -> None:
    page = open_page()
    modal(page, double)
    page.get_by_label("Replicas").fill("5")
    page.get_by_role("button", name="Service: checkout").click()
    page.get_by_role("option", name="payments").click()
    page.get_by_role("dialog").get_by_label("At once").check()
    page.get_by_label("Reason").fill("more traffic")
    page.keyboard.press("Enter")
    page.keyboard.type("tonight")
    page.get_by_role("button", name="Continue").click()
    assert double.wait_for("views") == {
        "user": "U0ANA",
        "view_id": "V1",
        "values": {"service": "payments", "replicas": "5", "speed": "fast", "reason": "more traffic\ntonight"},
    }


def test_a_form_says_what_is_missing_before_it_asks_the_app(double: Double, open_page: Open) -> None:
    page = open_page()
    modal(page, double)
    replicas = page.get_by_label("Replicas")
    for entered, complaint in (
        ("", "Please complete this field."),
        ("5.5", "A whole number, please."),
        ("-1", "At least 0"),
    ):
        replicas.fill(entered)
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_role("dialog")).to_contain_text(complaint)
        expect(replicas).to_be_focused()
        expect(replicas).to_have_value(entered)
    assert double.to("views") == []


def test_the_apps_complaint_stands_beside_its_field_and_nothing_is_lost(double: Double, open_page: Open) -> None:
    complaint = "checkout may have at most 12 replicas."
    double.answers["views"] = lambda _: (
        200,
        {"ok": True, "response_action": "errors", "errors": {"replicas": complaint}},
    )
    page = open_page()
    modal(page, double)
    page.get_by_label("Replicas").fill("400")
    page.get_by_label("Reason").fill("why not")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("[data-block-id=replicas]")).to_contain_text(complaint)
    expect(page.get_by_label("Replicas")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Replicas")).to_be_focused()
    expect(page.get_by_label("Reason")).to_have_value("why not")


def test_a_form_that_cannot_be_sent_stays_and_says_so(double: Double, open_page: Open) -> None:
    double.answers["views"] = lambda _: (504, {"ok": False, "error": "operation_timeout"})
    page = open_page()
    modal(page, double)
    page.get_by_label("Replicas").fill("5")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("This app didn't respond")
    expect(page.get_by_label("Replicas")).to_have_value("5")


def test_an_updated_view_keeps_what_was_typed_and_the_focus(double: Double, open_page: Open) -> None:
    page = open_page()
    modal(page, double)
    page.get_by_label("Reason").fill("half a sen")
    page.get_by_label("Reason").focus()
    updated = copy.deepcopy(showcase.MODAL)
    updated["blocks"][0]["text"]["text"] = "Something is known now."
    updated["blocks"][4]["hint"] = showcase.text("A new hint")
    double.show_view(updated)
    expect(page.get_by_role("dialog")).to_contain_text("A new hint")
    expect(page.get_by_label("Reason")).to_have_value("half a sen")
    expect(page.get_by_label("Reason")).to_be_focused()


def test_escape_closes_the_window_on_top_and_the_focus_returns(double: Double, open_page: Open) -> None:
    def closed(body: dict[str, object]) -> tuple[int, dict[str, object]]:
        double.state["views"] = [view for view in double.state["views"] if view["id"] != body["view_id"]]
        return 200, {"ok": True}

    double.answers["views/close"] = closed
    page = open_page()
    page.get_by_role("textbox", name="Message #ops").focus()
    modal(page, double)
    double.show_view({**copy.deepcopy(showcase.MODAL), "id": "V2", "title": showcase.text("On top")})
    expect(page.get_by_role("dialog", name="On top")).to_be_visible()
    page.get_by_role("button", name="Service: checkout").click()
    page.keyboard.press("Escape")  # the menu alone
    expect(page.get_by_role("listbox")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Correct the request")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert [body["view_id"] for body in double.to("views/close")] == ["V2", "V1"]
    expect(page.get_by_role("textbox", name="Message #ops")).to_be_focused()


def test_another_persons_window_is_not_shown(double: Double, open_page: Open) -> None:
    page = open_page("#/ben/ops")
    double.show_view(copy.deepcopy(showcase.MODAL))
    page.get_by_role("button", name="Become ana").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.evaluate("location.hash = '#/ben/ops'")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_home_is_asked_for_on_each_visit_and_its_buttons_name_the_view(double: Double, open_page: Open) -> None:
    page = open_page()
    page.get_by_role("link", name="Home").click()
    assert double.wait_for("home") == {"user": "U0ANA"}
    expect(page.get_by_role("heading", name="Health of Twokey")).to_be_visible()
    page.get_by_role("button", name="Approve").click()
    assert double.wait_for("actions") == {"user": "U0ANA", "view_id": "H1", "action_id": "approve", "value": "r2"}
    page.get_by_role("link", name="ops").click()
    page.get_by_role("link", name="Home").click()
    double.wait_for("home", 2)
    page.get_by_role("button", name="Become ben").click()
    assert double.wait_for("home", 3) == {"user": "U0BEN"}
    expect(page.get_by_text("twokey has put nothing here for you yet.")).to_be_visible()
