"""Blocks that Slack takes, and blocks that it refuses with what it says and where."""

from __future__ import annotations

from bot.playground.emulator.wire import Json
from tests.emulator.doubles import actions, button, question, section


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
