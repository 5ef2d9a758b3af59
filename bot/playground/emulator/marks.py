"""Reactions, whoever sets them: the message changes, the page and the bot hear of it."""

from __future__ import annotations

import re

from bot.playground.emulator.core import Core
from bot.playground.emulator.state import message_state
from bot.playground.emulator.wire import ApiError, Json
from bot.playground.emulator.workspace import Message

EMOJI_NAME = re.compile(r"[\w+'-]+(::skin-tone-[2-6])?")


def react(core: Core, message: Message, user: str, name: str) -> None:
    """Raises invalid_name, already_reacted."""
    name = name.strip(":")
    if not EMOJI_NAME.fullmatch(name):
        raise ApiError("invalid_name")
    users = message.reactions.setdefault(name, [])
    if user in users:
        raise ApiError("already_reacted")
    users.append(user)
    _tell(core, message, user, name, "reaction_added")


def unreact(core: Core, message: Message, user: str, name: str) -> None:
    """Raises no_reaction."""
    name = name.strip(":")
    users = message.reactions.get(name, [])
    if user not in users:
        raise ApiError("no_reaction")
    users.remove(user)
    if not users:
        del message.reactions[name]
    _tell(core, message, user, name, "reaction_removed")


def _tell(core: Core, message: Message, user: str, name: str, kind: str) -> None:
    core.feed.publish({"type": "message_changed", **message_state(message)})
    item: Json = {"type": "message", "channel": message.channel, "ts": message.ts}
    core.event({"type": kind, "user": user, "reaction": name, "item_user": message.user, "item": item})
