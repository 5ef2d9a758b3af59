"""Block Kit: what Slack takes and what it refuses, and where it says the mistake is (S4)."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest

from bot.playground.emulator.blockkit import check_message, check_view
from bot.playground.emulator.wire import ApiError, Json
from tests.emulator.doubles import actions, button, modal, question, section

Change = Callable[[Json], object]


def text(words: str, kind: str = "plain_text") -> Json:
    return {"type": kind, "text": words}


def option(value: str, **more: object) -> Json:
    return {"text": text(value), "value": value, **more}


def select(**more: object) -> Json:
    return {"type": "static_select", "action_id": "pick", "options": [option("a"), option("b")], **more}


def words(words_: str, kind: str = "text") -> Json:
    return {"type": kind, "text": words_}


CONFIRM = {"title": text("Sure?"), "text": text("*Really*", "mrkdwn"), "confirm": text("Yes"), "deny": text("No")}
IMAGE = {"type": "image", "image_url": "https://example.org/a.png", "alt_text": "a"}
RICH = {
    "type": "rich_text",
    "elements": [
        {"type": "rich_text_section", "elements": [words("hi"), {"type": "user", "user_id": "U1"}]},
        {
            "type": "rich_text_list",
            "style": "bullet",
            "elements": [{"type": "rich_text_section", "elements": [{**words("x"), "style": {"bold": True}}]}],
        },
        {"type": "rich_text_preformatted", "elements": [words("code")]},
        {"type": "rich_text_quote", "elements": [{"type": "link", "url": "https://example.org"}]},
    ],
}
TABLE = {"type": "table", "rows": [[words("a", "raw_text"), RICH], [words("b", "raw_text"), words("c", "raw_text")]]}

VALID: dict[str, Json] = {
    "section": section("x" * 3000, block_id="b" * 255),
    "fields": {"type": "section", "fields": [text("f" * 2000, "mrkdwn")] * 10},
    "section with button": section(accessory=button("B" * 75, value="v" * 2000, style="danger", confirm=CONFIRM)),
    "section with image": section(accessory=IMAGE),
    "labelled button": actions(button(accessibility_label="l" * 75, url="https://example.org/" + "u" * 2900)),
    "25 buttons": actions(*[button(action_id=f"a{number}") for number in range(25)]),
    "select": actions(select(placeholder=text("p" * 150), initial_option=option("a"))),
    "option groups": actions(
        {"type": "static_select", "option_groups": [{"label": text("group"), "options": [option("a")]}]}
    ),
    "overflow": section(accessory={"type": "overflow", "options": [option(str(n)) for n in range(5)]}),
    "checkboxes": actions(
        {"type": "checkboxes", "options": [{"text": text("*a*", "mrkdwn"), "value": "a"}], "initial_options": []}
        | {"initial_options": [{"text": text("*a*", "mrkdwn"), "value": "a"}]}
    ),
    "pickers": actions(
        {"type": "datepicker", "initial_date": "2026-11-22"},
        {"type": "timepicker", "initial_time": "09:30"},
        {"type": "datetimepicker", "initial_date_time": 1795306991},
        {"type": "users_select"},
        {"type": "conversations_select", "filter": {"include": ["public", "im"]}},
    ),
    "context": {"type": "context", "elements": [text("c", "mrkdwn")] * 9 + [IMAGE]},
    "divider": {"type": "divider"},
    "header": {"type": "header", "text": {**text("h" * 150), "emoji": True}},
    "image": {**IMAGE, "title": text("t")},
    "image from an upload": {"type": "image", "slack_file": {"id": "F1"}, "alt_text": "a"},
    "input": question(),
    "markdown": {"type": "markdown", "text": "m" * 12_000},
    "rich text": RICH,
    "table": TABLE,
    "feedback": {
        "type": "context_actions",
        "elements": [
            {
                "type": "feedback_buttons",
                "positive_button": {"text": text("Good"), "value": "1"},
                "negative_button": {"text": text("Bad"), "value": "0"},
            }
        ],
    },
    "colons in urls": actions(button(url="mailto:a@example.org")),
}

LONG = "must be less than"
INVALID: list[tuple[str, Json, str, str]] = [
    ("no type", {"text": text("x")}, "missing required field: type", "/blocks/0"),
    ("unknown type", {"type": "banner"}, "unsupported type: banner", "/blocks/0/type"),
    ("long section", section("x" * 3001), f"{LONG} 3001 characters", "/blocks/0/text/text"),
    ("empty section text", section(""), "must be more than 0 characters", "/blocks/0/text/text"),
    ("empty section", {"type": "section"}, "must define either `text` or `fields`", "/blocks/0"),
    ("text as a string", {"type": "section", "text": "x"}, "must be an object", "/blocks/0/text"),
    ("unknown field", section(colour="red"), "invalid additional property: colour", "/blocks/0"),
    ("long block_id", section(block_id="b" * 256), f"{LONG} 256 characters", "/blocks/0/block_id"),
    (
        "11 fields",
        {"type": "section", "fields": [text("f")] * 11},
        "no more than 10 items allowed",
        "/blocks/0/fields",
    ),
    (
        "long field",
        {"type": "section", "fields": [text("f" * 2001)]},
        f"{LONG} 2001 characters",
        "/blocks/0/fields/0/text",
    ),
    ("long header", {"type": "header", "text": text("h" * 151)}, f"{LONG} 151 characters", "/blocks/0/text/text"),
    (
        "mrkdwn header",
        {"type": "header", "text": text("h", "mrkdwn")},
        "must be a valid enum value: plain_text",
        "/blocks/0/text/type",
    ),
    (
        "26 buttons",
        actions(*[button(action_id=str(n)) for n in range(26)]),
        "no more than 25 items allowed",
        "/blocks/0/elements",
    ),
    ("no buttons", actions(), "no less than 1 items allowed", "/blocks/0/elements"),
    ("long button", actions(button("b" * 76)), f"{LONG} 76 characters", "/blocks/0/elements/0/text/text"),
    ("empty button", actions(button("")), "must be more than 0 characters", "/blocks/0/elements/0/text/text"),
    (
        "mrkdwn button",
        actions(button() | {"text": text("*b*", "mrkdwn")}),
        "must be a valid enum value: plain_text",
        "/blocks/0/elements/0/text/type",
    ),
    ("long value", actions(button(value="v" * 2001)), f"{LONG} 2001 characters", "/blocks/0/elements/0/value"),
    ("empty value", actions(button(value="")), "must be more than 0 characters", "/blocks/0/elements/0/value"),
    (
        "button style",
        actions(button(style="default")),
        "must be a valid enum value: primary, danger",
        "/blocks/0/elements/0/style",
    ),
    ("no url", actions(button(url="javascript:alert(1)")), "does not match", "/blocks/0/elements/0/url"),
    (
        "long accessibility label",
        actions(button(accessibility_label="l" * 76)),
        f"{LONG} 76 characters",
        "/blocks/0/elements/0/accessibility_label",
    ),
    (
        "disabled button",
        actions(button(disabled=True)),
        "invalid additional property: disabled",
        "/blocks/0/elements/0",
    ),
    (
        "two buttons of one action_id",
        actions(button("A"), button("B")),
        "`action_id` already exists: go",
        "/blocks/0/elements/1/action_id",
    ),
    (
        "long confirmation",
        actions(button(confirm={**CONFIRM, "text": text("t" * 301)})),
        f"{LONG} 301 characters",
        "/blocks/0/elements/0/confirm/text/text",
    ),
    (
        "incomplete confirmation",
        actions(button(confirm={"title": text("t")})),
        "missing required field: text",
        "/blocks/0/elements/0/confirm",
    ),
    ("text input in actions", actions({"type": "plain_text_input"}), "unsupported type", "/blocks/0/elements/0/type"),
    (
        "select without options",
        actions({"type": "static_select", "action_id": "x"}),
        "must define either `options` or `option_groups`",
        "/blocks/0/elements/0",
    ),
    (
        "101 options",
        actions(select(options=[option(str(n)) for n in range(101)])),
        "no more than 100 items allowed",
        "/blocks/0/elements/0/options",
    ),
    ("no options", actions(select(options=[])), "no less than 1 items allowed", "/blocks/0/elements/0/options"),
    (
        "long option text",
        actions(select(options=[{"text": text("t" * 76), "value": "t"}])),
        f"{LONG} 76 characters",
        "/blocks/0/elements/0/options/0/text/text",
    ),
    (
        "long option value",
        actions(select(options=[{"text": text("t"), "value": "v" * 151}])),
        f"{LONG} 151 characters",
        "/blocks/0/elements/0/options/0/value",
    ),
    (
        "option with a type",
        actions(select(options=[option("a", type="option")])),
        "invalid additional property: type",
        "/blocks/0/elements/0/options/0",
    ),
    (
        "initial option that is none",
        actions(select(initial_option=option("c"))),
        "initial_option must exactly match",
        "/blocks/0/elements/0/initial_option",
    ),
    (
        "long placeholder",
        actions(select(placeholder=text("p" * 151))),
        f"{LONG} 151 characters",
        "/blocks/0/elements/0/placeholder/text",
    ),
    (
        "6 in overflow",
        section(accessory={"type": "overflow", "options": [option(str(n)) for n in range(6)]}),
        "no more than 5 items allowed",
        "/blocks/0/accessory/options",
    ),
    (
        "11 in context",
        {"type": "context", "elements": [text("c")] * 11},
        "no more than 10 items allowed",
        "/blocks/0/elements",
    ),
    (
        "button in context",
        {"type": "context", "elements": [button()]},
        "unsupported type: button",
        "/blocks/0/elements/0/type",
    ),
    (
        "image without words",
        {"type": "image", "image_url": "https://example.org/a.png"},
        "missing required field: alt_text",
        "/blocks/0",
    ),
    ("image of nothing", {"type": "image", "alt_text": "a"}, "must define either", "/blocks/0"),
    (
        "image of two",
        {**IMAGE, "slack_file": {"id": "F1"}},
        "cannot define both `image_url` and `slack_file`",
        "/blocks/0",
    ),
    ("long markdown", {"type": "markdown", "text": "m" * 12_001}, f"{LONG} 12001 characters", "/blocks/0/text"),
    (
        "101 rows",
        {"type": "table", "rows": [[words("a", "raw_text")]] * 101},
        "no more than 100 items allowed",
        "/blocks/0/rows",
    ),
    (
        "21 columns",
        {"type": "table", "rows": [[words("a", "raw_text")] * 21]},
        "no more than 20 items allowed",
        "/blocks/0/rows/0",
    ),
    (
        "empty cell",
        {"type": "table", "rows": [[words("", "raw_text")]]},
        "must be more than 0 characters",
        "/blocks/0/rows/0/0/text",
    ),
    (
        "rich text element",
        {"type": "rich_text", "elements": [words("x")]},
        "unsupported type: text",
        "/blocks/0/elements/0/type",
    ),
    ("bad date", actions({"type": "datepicker", "initial_date": "22.11.2026"}), "does not match", "initial_date"),
    ("number for text", section() | {"text": {"type": "mrkdwn", "text": 5}}, "must be a string", "/blocks/0/text/text"),
    ("yes for true", section(expand="yes"), "must be a boolean", "/blocks/0/expand"),
]


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
