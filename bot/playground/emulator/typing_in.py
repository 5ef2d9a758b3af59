"""What Slack's own client makes of what a person types: escapes, mentions, links."""

from __future__ import annotations

import re

from bot.playground import cast
from bot.playground.emulator.workspace import Workspace

LINK = re.compile(r"https?://[^\s<>|]+[^\s<>|.,;:!?)'\"]")
NAME = re.compile(r"(?<![\w@#])([@#])([a-z0-9][a-z0-9_.-]*[a-z0-9]|[a-z0-9])(?![\w@])", re.IGNORECASE)
EVERYBODY = {"here", "channel", "everyone"}


def as_sent(workspace: Workspace, text: str) -> str:
    """The message text on the wire (docs.slack.dev, "Formatting message text")."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    parts, last = [], 0
    for link in LINK.finditer(escaped):
        parts += [_names(workspace, escaped[last : link.start()]), f"<{link.group()}>"]
        last = link.end()
    return "".join([*parts, _names(workspace, escaped[last:])])


def _names(workspace: Workspace, text: str) -> str:
    return NAME.sub(lambda met: _name(workspace, met), text)


def _name(workspace: Workspace, met: re.Match[str]) -> str:
    name = met[2].lower()
    if met[1] == "#":
        known = {one.name: one.id for one in workspace.conversations.values() if not one.is_im}
        return f"<#{known[name]}|{name}>" if name in known else met[0]
    people = {person.name: person.id for person in workspace.people.values()} | {cast.BOT_NAME: cast.BOT_USER_ID}
    groups = {group.handle: group.id for group in workspace.usergroups.values()}
    if name in people:
        return f"<@{people[name]}>"
    if name in groups:
        return f"<!subteam^{groups[name]}|@{name}>"
    return f"<!{name}>" if name in EVERYBODY else met[0]
