"""Block elements: what people press, choose and fill in."""

from __future__ import annotations

from typing import Any

from bot.playground.emulator.blockkit.objects import (
    ACTION_ID,
    CONFIRM,
    DISPATCH,
    FILTER,
    OPTION_GROUP,
    SLACK_FILE,
    URL,
    distinct_options,
    initial_among_options,
    option,
    plain,
)
from bot.playground.emulator.blockkit.rules import (
    Report,
    Rule,
    Shape,
    anything,
    boolean,
    choice,
    each,
    exactly_one,
    integer,
    string,
)

COMMON: dict[str, Rule] = {"action_id": ACTION_ID}
CONFIRMED: dict[str, Rule] = {**COMMON, "confirm": CONFIRM}
FOCUSED: dict[str, Rule] = {**CONFIRMED, "focus_on_load": boolean}
MENU: dict[str, Rule] = {**FOCUSED, "placeholder": plain(150)}
TYPED: dict[str, Rule] = {
    **COMMON,
    "placeholder": plain(150),
    "focus_on_load": boolean,
    "dispatch_action_config": DISPATCH,
}
MULTI: dict[str, Rule] = {**MENU, "max_selected_items": integer(1, 100)}
CONVERSATION: dict[str, Rule] = {"default_to_current_conversation": boolean, "filter": FILTER}
IDS = each(string(255), 1000, 0)
DATE = string(10, pattern=r"\d{4}-\d{2}-\d{2}")
TIME = string(5, pattern=r"([01]\d|2[0-3]):[0-5]\d")
OPTIONS: dict[str, Rule] = {"options": each(option(), 100), "option_groups": each(OPTION_GROUP, 100)}
NUMBER = string(150, pattern=r"-?\d+(\.\d+)?")
FEEDBACK = Shape({"text": plain(75), "value": string(2000)}, {"accessibility_label": string(75)})


def _min_below_max(value: Any, pointer: str, report: Report) -> None:
    low, high = value.get("min_length"), value.get("max_length")
    if isinstance(low, int) and isinstance(high, int) and low > high:
        report.note(f"{pointer}/min_length", "min_length must not be more than max_length")


def _static(chosen: dict[str, Rule], base: dict[str, Rule]) -> Shape:
    whole = (exactly_one("options", "option_groups"), initial_among_options)
    return Shape(optional={**base, **OPTIONS, **chosen}, whole=whole)


def _ticked(chosen: dict[str, Rule]) -> Shape:
    required = {"options": each(option(markdown=True), 10)}
    return Shape(required, {**FOCUSED, **chosen}, (initial_among_options, distinct_options))


ELEMENTS: dict[str, Rule] = {
    "button": Shape(
        {"text": plain(75)},
        {
            **CONFIRMED,
            "url": URL,
            "value": string(2000),
            "style": choice("primary", "danger"),
            "accessibility_label": string(75),
        },
    ),
    "workflow_button": Shape(
        {"text": plain(75), "workflow": anything, **COMMON},
        {"style": choice("primary", "danger"), "accessibility_label": string(75)},
    ),
    "icon_button": Shape(
        {"icon": choice("trash"), "text": plain(75)},
        {**CONFIRMED, "value": string(2000), "accessibility_label": string(75), "visible_to_user_ids": IDS},
    ),
    "feedback_buttons": Shape({"positive_button": FEEDBACK, "negative_button": FEEDBACK}, COMMON),
    "overflow": Shape({"options": each(option(link=True), 5)}, CONFIRMED, (distinct_options,)),
    "checkboxes": _ticked({"initial_options": each(option(markdown=True), 10)}),
    "radio_buttons": _ticked({"initial_option": option(markdown=True)}),
    "datepicker": Shape(optional={**MENU, "initial_date": DATE}),
    "timepicker": Shape(optional={**MENU, "initial_time": TIME, "timezone": string(100)}),
    "datetimepicker": Shape(optional={**FOCUSED, "initial_date_time": integer(10**9, 10**10 - 1)}),
    "static_select": _static({"initial_option": option()}, MENU),
    "multi_static_select": _static({"initial_options": each(option(), 100)}, MULTI),
    "external_select": Shape(optional={**MENU, "initial_option": option(), "min_query_length": integer(0, 150)}),
    "multi_external_select": Shape(
        optional={**MULTI, "initial_options": each(option(), 100), "min_query_length": integer(0, 150)}
    ),
    "users_select": Shape(optional={**MENU, "initial_user": string(255)}),
    "multi_users_select": Shape(optional={**MULTI, "initial_users": IDS}),
    "conversations_select": Shape(
        optional={**MENU, **CONVERSATION, "initial_conversation": string(255), "response_url_enabled": boolean}
    ),
    "multi_conversations_select": Shape(optional={**MULTI, **CONVERSATION, "initial_conversations": IDS}),
    "channels_select": Shape(optional={**MENU, "initial_channel": string(255), "response_url_enabled": boolean}),
    "multi_channels_select": Shape(optional={**MULTI, "initial_channels": IDS}),
    "plain_text_input": Shape(
        optional={
            **TYPED,
            "initial_value": string(3000, 0),
            "multiline": boolean,
            "min_length": integer(0, 3000),
            "max_length": integer(1, 3000),
        },
        whole=(_min_below_max,),
    ),
    "email_text_input": Shape(optional={**TYPED, "initial_value": string(3000, 0)}),
    "url_text_input": Shape(optional={**TYPED, "initial_value": string(3000, 0)}),
    "number_input": Shape(
        {"is_decimal_allowed": boolean},
        {**TYPED, "initial_value": NUMBER, "min_value": NUMBER, "max_value": NUMBER},
    ),
    "rich_text_input": Shape(optional={**TYPED, "initial_value": anything}),
    "file_input": Shape(optional={**COMMON, "filetypes": each(string(50), 100), "max_files": integer(1, 10)}),
    "image": Shape(
        {"alt_text": string(2000)},
        {"image_url": URL, "slack_file": SLACK_FILE},
        (exactly_one("image_url", "slack_file"),),
    ),
}

SELECTS = {
    f"{many}{kind}_select"
    for many in ("", "multi_")
    for kind in ("static", "external", "users", "conversations", "channels")
}
PICKERS = {"checkboxes", "datepicker", "radio_buttons", "timepicker", *SELECTS}
IN_SECTION = {"button", "workflow_button", "image", "overflow", *PICKERS}
IN_ACTIONS = {"button", "workflow_button", "overflow", "datetimepicker"} | {
    name for name in PICKERS if not name.startswith("multi_")
}
IN_INPUT = {"datetimepicker", "rich_text_input", "file_input", *PICKERS} | {
    name for name in ELEMENTS if name.endswith("_text_input") or name == "number_input"
}
IN_CONTEXT_ACTIONS = {"feedback_buttons", "icon_button"}
