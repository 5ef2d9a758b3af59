"""The payloads of interactions, as docs.slack.dev's reference of interaction payloads shows them. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

from bot.playground import cast
from bot.playground.emulator import forms
from bot.playground.emulator.wire import VERIFICATION_TOKEN, ApiError, Json
from bot.playground.emulator.workspace import Message


def interaction(kind: str, person: cast.Person) -> Json:
    """What every interaction of this person carries."""
    return {
        "type": kind,
        "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": cast.TEAM_ID},
        "api_app_id": cast.APP_ID,
        "token": VERIFICATION_TOKEN,
        "team": {"id": cast.TEAM_ID, "domain": "playground"},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def blocks_with(message: Message, action_id: str, value: object) -> tuple[list[Json], int | None]:
    """The blocks of the message or of that attachment of it in which the element stands."""
    places: list[tuple[list[Json], int | None]] = [(message.blocks, None)]
    places += [(one.get("blocks", []), int(one["id"])) for one in message.attachments]
    holding = []
    for blocks, attachment_id in places:
        met = [one for block in blocks for one in forms.elements_of(block) if one.get("action_id") == action_id]
        if any(value is not None and one.get("value") == value for one in met):
            return blocks, attachment_id
        if met:
            holding.append((blocks, attachment_id))
    if not holding:
        raise ApiError("no_such_element")
    return holding[0]


def message_container(message: Message, attachment_id: int | None) -> Json:
    """Where in which message the element stands."""
    container: Json = {
        "type": "message" if attachment_id is None else "message_attachment",
        "message_ts": message.ts,
        "channel_id": message.channel,
        "is_ephemeral": message.ephemeral_to is not None,
    }
    if attachment_id is not None:
        container |= {"attachment_id": attachment_id, "is_app_unfurl": False}
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    return container


def action(block: Json, element: Json, value: object, suggested: Sequence[Json], stamp: str) -> Json:
    """One entry of `actions` in a block_actions payload."""
    kind = element["type"]
    action: Json = {"type": kind, "action_id": element["action_id"], "block_id": block["block_id"], "action_ts": stamp}
    copied = ("text", "value", "style", "url") if kind in {"button", "workflow_button", "icon_button"} else ()
    for name in (*copied, "placeholder", "confirm"):
        if name in element:
            action[name] = element[name]
    if kind in forms.STATE_FIELDS or kind == "overflow":
        action |= forms.chosen(element, value, suggested)
    elif kind == "feedback_buttons":
        action |= _feedback(element, value)
    return action


def _feedback(element: Json, value: object) -> Json:
    for name in ("positive_button", "negative_button"):
        if element[name].get("value") == value:
            return {"value": value, "text": element[name]["text"]}
    raise ApiError("no_such_option")
