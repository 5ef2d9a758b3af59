"""Composition objects: texts, options, confirmations, filters."""

from __future__ import annotations

from typing import Any

from bot.playground.emulator.blockkit.rules import (
    Report,
    Rule,
    Shape,
    boolean,
    choice,
    each,
    exactly_one,
    string,
    without_type,
)

URL = string(3000, pattern=r"(https?|mailto|slack):\S+")
ACTION_ID = string(255)


def text(high: int, markdown: bool = True, low: int = 1) -> Rule:
    """A text object of at most `high` characters; `plain_text` only where `markdown` is false."""
    kinds = ("plain_text", "mrkdwn") if markdown else ("plain_text",)
    shapes = {
        "plain_text": Shape({"text": string(high, low)}, {"emoji": boolean}),
        "mrkdwn": Shape({"text": string(high, low)}, {"verbatim": boolean}),
    }

    def rule(value: Any, pointer: str, report: Report) -> None:
        inner = Report()
        kind = value.get("type") if isinstance(value, dict) else None
        if not isinstance(value, dict):
            inner.note(pointer, "must be an object")
        elif kind not in kinds:
            inner.note(f"{pointer}/type", f"must be a valid enum value: {', '.join(kinds)}")
        else:
            shapes[str(kind)](without_type(value), pointer, inner)
        if inner.problems:
            report.note(pointer, "failed to match all allowed schemas")
            report.problems.extend(inner.problems)

    return rule


def plain(high: int) -> Rule:
    """A `plain_text` object."""
    return text(high, markdown=False)


def option(markdown: bool = False, link: bool = False) -> Rule:
    """An option; checkboxes and radio buttons may use mrkdwn, overflow menus a url."""
    optional: dict[str, Rule] = {"description": text(75, markdown)}
    if link:
        optional["url"] = URL
    return Shape({"text": text(75, markdown), "value": string(150)}, optional)


CONFIRM = Shape(
    {"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30)},
    {"style": choice("primary", "danger")},
)
OPTION_GROUP = Shape({"label": plain(75), "options": each(option(), 100)})
DISPATCH = Shape(optional={"trigger_actions_on": each(choice("on_enter_pressed", "on_character_entered"), 2)})
FILTER = Shape(
    optional={
        "include": each(choice("im", "mpim", "private", "public"), 4),
        "exclude_external_shared_channels": boolean,
        "exclude_bot_users": boolean,
    }
)
SLACK_FILE = Shape(optional={"id": string(255), "url": URL}, whole=(exactly_one("id", "url"),))


def initial_among_options(value: Any, pointer: str, report: Report) -> None:
    """What is chosen at first must be one of the options, exactly."""
    offered = _list(value.get("options"))
    for group in _list(value.get("option_groups")):
        offered = offered + _list(group.get("options")) if isinstance(group, dict) else offered
    first = value.get("initial_option")
    if first is not None and first not in offered:
        report.note(f"{pointer}/initial_option", "initial_option must exactly match one of the options")
    for number, one in enumerate(_list(value.get("initial_options"))):
        if one not in offered:
            place = f"{pointer}/initial_options/{number}"
            report.note(place, "initial_options must exactly match some of the options")


def distinct_options(value: Any, pointer: str, report: Report) -> None:
    """Two options of one value could not be told apart."""
    seen = [one.get("value") for one in _list(value.get("options")) if isinstance(one, dict)]
    for number, one in enumerate(seen):
        if one in seen[:number]:
            report.note(f"{pointer}/options/{number}/value", f"option value already exists: {one}")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
