"""The state of the workspace as the page (and any test) sees it: `GET /emulator/state`. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable

from bot.playground import cast
from bot.playground.emulator.events import render_file, render_reactions
from bot.playground.emulator.views import View
from bot.playground.emulator.wire import Json
from bot.playground.emulator.workspace import Message, Workspace


def render_state(workspace: Workspace, views: Iterable[View]) -> Json:
    """People, channels, messages (oldest first) and open views."""
    return {
        "team": {"id": cast.TEAM_ID, "name": "Playground"},
        "bot_user_id": cast.BOT_USER_ID,
        "users": _users(workspace),
        "usergroups": [
            {"id": group.id, "handle": group.handle, "members": list(group.members)}
            for group in workspace.usergroups.values()
        ],
        "channels": [
            {
                "id": one.id,
                "name": one.name,
                "is_im": one.is_im,
                "purpose": one.purpose,
                "members": sorted(one.members),
                **({"user": one.user} if one.user else {}),
            }
            for one in workspace.conversations.values()
        ],
        "messages": [message_state(one) for one in sorted(workspace.messages(), key=lambda one: _order(one.ts))],
        "views": [view_state(view) for view in views],
    }


def message_state(message: Message) -> Json:
    """One message; fields that say nothing are left out."""
    shown: Json = {
        "channel": message.channel,
        "ts": message.ts,
        "thread_ts": message.thread_ts,
        "user": message.user,
        "text": message.text,
        "blocks": message.blocks,
        "attachments": message.attachments,
        "files": [render_file(file) for file in message.files],
        "reactions": render_reactions(message),
        "edited": message.edited_ts is not None,
        "ephemeral_to": message.ephemeral_to,
        "reply_broadcast": message.reply_broadcast,
        "pinned": message.pinned,
    }
    needed = {"channel", "ts", "user", "text"}
    return {name: value for name, value in shown.items() if value or name in needed}


def view_state(view: View) -> Json:
    """One view: what Slack's view object has, and whose it is."""
    shown = view.render()
    if shown["previous_view_id"] is None:
        del shown["previous_view_id"]
    return {**shown, "user": view.user}


def _users(workspace: Workspace) -> list[Json]:
    people: list[Json] = [
        {
            "id": person.id,
            "name": person.name,
            "real_name": person.real_name,
            "title": person.title,
            "is_bot": False,
            "groups": [group.handle for group in workspace.usergroups.values() if person.id in group.members],
        }
        for person in workspace.people.values()
    ]
    bot: Json = {"id": cast.BOT_USER_ID, "name": cast.BOT_NAME, "real_name": "Twokey", "title": ""}
    return [*people, {**bot, "is_bot": True, "groups": []}]


def _order(ts: str) -> tuple[int, int]:
    seconds, _, micros = ts.partition(".")
    return int(seconds), int(micros)
