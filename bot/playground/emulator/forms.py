"""Interactive elements: where they stand, what they hold at first, and what a person's choice makes of them."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Iterator, Sequence

from bot.playground.emulator.wire import ApiError, Json

# element type -> (the field of its state, the field that gives its first value)
STATE_FIELDS = {
    "plain_text_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "rich_text_input": ("rich_text_value", "initial_value"),
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "checkboxes": ("selected_options", "initial_options"),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "users_select": ("selected_user", "initial_user"),
    "multi_users_select": ("selected_users", "initial_users"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "file_input": ("files", "initial_files"),
}
EXTERNAL = {"external_select", "multi_external_select"}


def elements_of(block: Json) -> Iterator[Json]:
    """The interactive elements of one block."""
    if block.get("type") in {"actions", "context_actions"}:
        yield from block.get("elements", [])
    for place in ("accessory", "element"):
        if isinstance(block.get(place), dict) and "action_id" in block[place]:
            yield block[place]


def with_ids(blocks: Sequence[Json]) -> list[Json]:
    """A copy in which every block has a block_id and every interactive element an action_id, as Slack does it."""
    filled = copy.deepcopy(list(blocks))
    for block in filled:
        block.setdefault("block_id", secrets.token_urlsafe(4)[:5])
        candidates = block.get("elements", []) if block["type"] in {"actions", "context_actions"} else []
        accessory = block.get("accessory")
        if isinstance(accessory, dict) and accessory.get("type") != "image":
            candidates = [accessory]
        if block["type"] == "input":
            candidates = [block["element"]]
        for element in candidates:
            element.setdefault("action_id", secrets.token_urlsafe(4)[:5])
    return filled


def find(blocks: Sequence[Json], action_id: str, value: object = None) -> tuple[Json, Json]:
    """The block and the element that is meant; `value` decides between buttons of one action_id.

    Raises no_such_element.
    """
    met = [(block, one) for block in blocks for one in elements_of(block) if one.get("action_id") == action_id]
    if value is not None:
        met = [pair for pair in met if pair[1]["type"] != "button" or pair[1].get("value") == value]
    if not met:
        raise ApiError("no_such_element")
    return met[0]


def options_of(element: Json) -> list[Json]:
    """Every option that the element itself offers."""
    grouped = [option for group in element.get("option_groups", []) for option in group.get("options", [])]
    return [*element.get("options", []), *grouped]


def chosen(element: Json, value: object, suggested: Sequence[Json] = ()) -> Json:
    """The element's state after this choice, e.g. `{"selected_option": {…}}`. Raises no_such_option."""
    field = STATE_FIELDS.get(element["type"], ("selected_option" if element["type"] == "overflow" else "value", ""))[0]
    if field in {"selected_option", "selected_options"}:
        offered = [*options_of(element), *suggested]
        if field == "selected_options":
            return {field: [_option(offered, one) for one in (value if isinstance(value, list) else [value])]}
        return {field: None if value is None else _option(offered, value)}
    if field == "value":
        return {field: None if value in (None, "") else str(value)}
    if field.endswith("s") and not isinstance(value, list):
        return {field: [] if value is None else [value]}
    if field == "selected_date_time" and value is not None:
        return {field: _seconds(value)}
    return {field: value}


def initial_values(blocks: Sequence[Json]) -> Json:
    """`{block_id: {action_id: state}}` of everything that keeps a state."""
    values: Json = {}
    for block in blocks:
        for element in elements_of(block):
            if element["type"] in STATE_FIELDS:
                field, first = STATE_FIELDS[element["type"]]
                empty: object = [] if field.endswith("s") else None
                state = {"type": element["type"], field: element.get(first, empty)}
                values.setdefault(block["block_id"], {})[element["action_id"]] = state
    return values


def keep_values(blocks: Sequence[Json], old: Json) -> Json:
    """The values of revised blocks: what was entered stays where block_id, action_id and type stay."""
    values = initial_values(blocks)
    for block_id, states in values.items():
        for action_id, state in states.items():
            before = old.get(block_id, {}).get(action_id)
            if before and before["type"] == state["type"]:
                states[action_id] = before
    return values


def complaints(blocks: Sequence[Json], values: Json) -> dict[str, str]:
    """What Slack's own dialogue would not let pass, by block_id, before the app is asked."""
    found: dict[str, str] = {}
    for block in blocks:
        if block["type"] != "input":
            continue
        element = block["element"]
        state = values.get(block["block_id"], {}).get(element["action_id"], {})
        value = state.get(STATE_FIELDS.get(element["type"], ("value", ""))[0])
        if value in (None, "", []):
            if not block.get("optional"):
                found[block["block_id"]] = "Please complete this required field."
        elif wrong := _wrong(element, value):
            found[block["block_id"]] = wrong
    return found


def _wrong(element: Json, value: object) -> str:
    if element["type"] == "plain_text_input":
        if len(str(value)) < element.get("min_length", 0):
            return f"Must be at least {element['min_length']} characters."
        if len(str(value)) > element.get("max_length", 3000):
            return f"Must be no longer than {element.get('max_length', 3000)} characters."
    if element["type"] == "number_input":
        return _wrong_number(element, str(value))
    return ""


def _wrong_number(element: Json, value: str) -> str:
    try:
        number = float(value)
    except ValueError:
        return "Please enter a number."
    if not element["is_decimal_allowed"] and not number.is_integer():
        return "Please enter a whole number."
    if "min_value" in element and number < float(element["min_value"]):
        return f"Must be {element['min_value']} or more."
    if "max_value" in element and number > float(element["max_value"]):
        return f"Must be {element['max_value']} or less."
    return ""


def _seconds(value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        raise ApiError("no_such_option") from None


def _option(offered: Sequence[Json], value: object) -> Json:
    for option in offered:
        if option.get("value") == value:
            return option
    raise ApiError("no_such_option")
