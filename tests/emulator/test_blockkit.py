"""Block Kit: what Slack takes and what it refuses, and where it says the mistake is (S4)."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest

from bot.playground.emulator.blockkit import check_message, check_view
from bot.playground.emulator.wire import ApiError, Json
from tests.emulator.blockkit_cases import INVALID, TABLE, VALID, text
from tests.emulator.doubles import button, modal, question, section

Change = Callable[[Json], object]


@pytest.mark.parametrize("name", VALID)
def test_what_slack_takes_is_taken(name: str) -> None:
    check_message([VALID[name]], [])


@pytest.mark.parametrize(
    ("block", "problem", "place"), [case[1:] for case in INVALID], ids=[case[0] for case in INVALID]
)
def test_what_slack_refuses_is_refused_with_the_place(block: Json, problem: str, place: str) -> None:
    """S4: the error names the JSON pointer of the mistake."""
    with pytest.raises(ApiError) as refusal:
        check_message([block], [])
    assert refusal.value.error == "invalid_blocks"
    assert any(problem in one and place in one for one in refusal.value.messages), refusal.value.messages
    body = refusal.value.body()
    assert body["response_metadata"]["messages"] == [f"[ERROR] {one}" for one in body["errors"]]


@pytest.mark.parametrize("name", VALID)
def test_no_field_of_a_valid_block_may_be_replaced_by_garbage(name: str) -> None:
    """Garbage at any depth is refused or harmless, and never breaks the validator itself."""
    junk: tuple[object, ...] = (None, 7, -1, "", [], {}, [[]], [None], {"type": 3}, True)
    for garbage in junk:
        for spot in _spots(VALID[name]):
            broken = copy.deepcopy(VALID[name])
            _place(broken, spot, garbage)
            try:
                check_message([broken], [])
            except ApiError as refusal:
                assert refusal.error == "invalid_blocks" and refusal.messages


def test_a_message_has_at_most_50_blocks_and_a_view_100() -> None:
    check_message([section()] * 50, [])
    check_view(modal(*[section()] * 100), ("modal",))
    with pytest.raises(ApiError, match="invalid_blocks") as message:
        check_message([section()] * 51, [])
    with pytest.raises(ApiError, match="invalid_arguments") as view:
        check_view(modal(*[section()] * 101), ("modal",))
    assert message.value.messages == ("no more than 50 items allowed [json-pointer:/blocks]",)
    assert view.value.messages == ("no more than 100 items allowed [json-pointer:/view/blocks]",)


def test_block_ids_are_unique() -> None:
    with pytest.raises(ApiError) as refusal:
        check_message([section(block_id="one"), section(block_id="one")], [])
    assert refusal.value.messages == ("`block_id` already exists: one [json-pointer:/blocks/1/block_id]",)


def test_one_table_and_12000_characters_of_markdown_a_message() -> None:
    with pytest.raises(ApiError) as tables:
        check_message([TABLE, TABLE], [])
    assert "only_one_table_allowed [json-pointer:/blocks/1]" in tables.value.messages
    with pytest.raises(ApiError, match="msg_too_long"):
        check_message([{"type": "markdown", "text": "m" * 7000}] * 2, [])


def test_blocks_in_attachments_are_checked_too() -> None:
    check_message([], [{"color": "#f00", "blocks": [section()]}])
    with pytest.raises(ApiError, match="invalid_attachments") as refusal:
        check_message([], [{"color": "#f00"}, {"blocks": [section("")]}])
    assert "json-pointer:/attachments/1/blocks/0/text/text" in refusal.value.messages[-1]


@pytest.mark.parametrize(
    ("change", "problem", "place"),
    [
        (lambda view: view.update(title=text("t" * 25)), "must be less than 25 characters", "/view/title/text"),
        (lambda view: view.pop("title"), "missing required field: title", "/view"),
        (lambda view: view.update(submit=text("s" * 25)), "must be less than 25 characters", "/view/submit/text"),
        (lambda view: view.pop("submit"), "missing required field: submit", "/view/submit"),
        (lambda view: view.update(close=text("x", "mrkdwn")), "must be a valid enum value", "/view/close/type"),
        (lambda view: view.update(private_metadata="p" * 3001), "must be less than 3001", "/view/private_metadata"),
        (lambda view: view.update(callback_id="c" * 256), "must be less than 256", "/view/callback_id"),
        (lambda view: view.update(type="home"), "unsupported type: home", "/view/type"),
        (lambda view: view.update(colour="red"), "invalid additional property: colour", "/view"),
        (lambda view: view.pop("blocks"), "missing required field: blocks", "/view"),
        (
            lambda view: view["blocks"].append({"type": "markdown", "text": "m"}),
            "unsupported type: markdown",
            "/view/blocks/1/type",
        ),
        (lambda view: view["blocks"].append(question()), "`block_id` already exists", "/view/blocks/1/block_id"),
        (
            lambda view: view["blocks"][0]["element"].update(max_length=3001),
            "must be between 1 and 3000",
            "/view/blocks/0/element/max_length",
        ),
        (
            lambda view: view["blocks"][0]["element"].update(min_length=5, max_length=4),
            "min_length must not be more",
            "/view/blocks/0/element/min_length",
        ),
        (
            lambda view: view["blocks"][0].update(element={"type": "number_input"}),
            "missing required field: is_decimal_allowed",
            "/view/blocks/0/element",
        ),
        (
            lambda view: view["blocks"].extend(
                question(name, element={"type": "plain_text_input", "focus_on_load": True}) for name in ("a", "b")
            ),
            "only one element can have focus_on_load",
            "/view/blocks",
        ),
        (
            lambda view: view["blocks"][0].update(element=button()),
            "unsupported type: button",
            "/view/blocks/0/element/type",
        ),
    ],
)
def test_a_view_that_slack_refuses_is_refused(change: Change, problem: str, place: str) -> None:
    view = modal(question())
    check_view(copy.deepcopy(view), ("modal",))
    change(view)
    with pytest.raises(ApiError) as refusal:
        check_view(view, ("modal",))
    assert refusal.value.error == "invalid_arguments"
    assert any(problem in one and place in one for one in refusal.value.messages), refusal.value.messages


def _spots(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value[:2]))
    return [spot for name, item in items for spot in [(*path, name), *_spots(item, (*path, name))]]


def _place(value: Json, spot: tuple[str | int, ...], garbage: object) -> None:
    holder: object = value
    for name in spot[:-1]:
        holder = holder[name]  # type: ignore[index]
    holder[spot[-1]] = garbage  # type: ignore[index]
