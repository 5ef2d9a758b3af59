"""What Slack's own client makes of what a person types: escapes, mentions, links."""

from __future__ import annotations

import re

from bot.playground import cast
from bot.playground.emulator.wire import Json
from bot.playground.emulator.workspace import Workspace

LINK = re.compile(r"https?://[^\s<>|]+[^\s<>|.,;:!?)'\"]")
NAME = re.compile(r"(?<![\w@#])([@#])([a-z0-9][a-z0-9_.-]*[a-z0-9]|[a-z0-9])(?![\w@])", re.IGNORECASE)
TOKEN = re.compile(r"<([^<>]+)>")
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


def as_rich_text(text: str) -> list[Json]:
    """The `rich_text` block that Slack's client sends beside the text of what a person wrote."""
    parts: list[Json] = []
    last = 0
    for token in TOKEN.finditer(text):
        parts += [_words(text[last : token.start()]), _token(token[1])]
        last = token.end()
    elements = [part for part in [*parts, _words(text[last:])] if part.get("text") != ""]
    section = {"type": "rich_text_section", "elements": elements}
    return [{"type": "rich_text", "block_id": "typed", "elements": [section]}]


def _words(text: str) -> Json:
    return {"type": "text", "text": text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")}


def _token(token: str) -> Json:
    target = token.partition("|")[0]
    if target.startswith("@"):
        return {"type": "user", "user_id": target[1:]}
    if target.startswith("#"):
        return {"type": "channel", "channel_id": target[1:]}
    if target.startswith("!subteam^"):
        return {"type": "usergroup", "usergroup_id": target.removeprefix("!subteam^")}
    if target.startswith("!"):
        return {"type": "broadcast", "range": target[1:]}
    return {"type": "link", "url": _words(target)["text"]}
