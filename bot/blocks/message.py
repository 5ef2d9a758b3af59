"""Messages, and the few Block Kit pieces they are made of, each within Slack's limits (S4).

Source of the limits: docs.slack.dev, reference of Block Kit, November 2026.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import JsonValue

from actions import quantities
from bot.blocks.text import clip, escape, form, local, seen

Block = dict[str, Any]

FALLBACK = 3_000  # chat.update takes 4,000 characters; escapes make a text longer
SECTION, HEADER, CONTEXT, BUTTON, BUTTON_VALUE = 3_000, 150, 10, 75, 2_000
OPTION, OPTION_VALUE, OPTIONS, BLOCK_ID = 75, 75, 100, 255
FOLDED_VALUE = 150  # Slack's limit for the value of any option
CONFIRM_TEXT, CONFIRM_TITLE, CONFIRM_BUTTON = 300, 100, 30
MODAL_TITLE, METADATA, MESSAGE_BLOCKS, VIEW_BLOCKS = 24, 3_000, 50, 100
ELEMENT = 2_500  # Slack states no limit for rich text; this stays below that of sections
ACCESSIBLE = 75


@dataclass(frozen=True)
class Message:
    """What `chat.postMessage` and `chat.update` take: blocks, a coloured part, and a text that says the same."""

    text: str
    blocks: tuple[Block, ...] = ()
    attachments: tuple[Block, ...] = ()

    def payload(self) -> dict[str, Any]:
        """Nothing in it is turned into links or previews."""
        return {
            "text": self.text,
            "blocks": list(self.blocks),
            "attachments": list(self.attachments),
        }

    def all_blocks(self) -> list[Block]:
        """The blocks in the order in which they are read."""
        return [*self.blocks, *(b for a in self.attachments for b in a.get("blocks", ()))]


@dataclass(frozen=True)
class Button:
    """A button before it is one: `value` is what the press brings back."""

    text: str
    action_id: str
    value: str
    label: str = ""  # what a screen reader says; the text if empty
    style: str | None = None
    confirm: Block | None = field(default=None)
    folded: bool = False  # rarely used: the one entry of a "⋯" menu, out of the way of what is pressed daily

    def block(self) -> Block:
        """The element. A value that is too long is a mistake of ours: ValueError."""
        if len(self.value) > (FOLDED_VALUE if self.folded else BUTTON_VALUE):
            raise ValueError(f"a button's value is {len(self.value)} characters long")
        if self.folded:
            return {"type": "overflow", "action_id": self.action_id, "options": [option(self.text, self.value)]}
        found: Block = {
            "type": "button",
            "text": plain(self.text, BUTTON),
            "action_id": self.action_id,
            "value": self.value,
            "accessibility_label": plain(self.label or self.text, ACCESSIBLE)["text"],
        }
        if self.style:
            found["style"] = self.style
        if self.confirm:
            found["confirm"] = self.confirm
        return found


def plain(text: str, limit: int) -> Block:
    """A plain_text object; never empty, emoji codes in it are not turned into pictures."""
    return {"type": "plain_text", "text": clip(seen(text).strip() or "–", limit), "emoji": False}


def mrkdwn(text: str, limit: int = SECTION) -> Block:
    """A mrkdwn object of text that is already escaped; `verbatim` keeps Slack from making links of it."""
    return {"type": "mrkdwn", "text": _said(_clip_escaped(text, limit)), "verbatim": True}


def section(text: str) -> Block:
    """A paragraph of mrkdwn."""
    return {"type": "section", "text": mrkdwn(text)}


def context(*texts: str, block_id: str | None = None) -> Block:
    """Small grey lines."""
    found: Block = {"type": "context", "elements": [mrkdwn(t, 2_000) for t in texts[:CONTEXT]]}
    return {**found, "block_id": block_id} if block_id else found


def header(text: str) -> Block:
    """A title."""
    return {"type": "header", "text": plain(text, HEADER)}


def actions(buttons: Sequence[Button], block_id: str | None = None) -> list[Block]:
    """A row of buttons; no block at all where there are none, 25 at most."""
    if not buttons:
        return []
    found: Block = {"type": "actions", "elements": [b.block() for b in buttons[:25]]}
    return [{**found, "block_id": block_id[:BLOCK_ID]} if block_id else found]


def piece(text: str, *, bold: bool = False, code: bool = False) -> Block:
    """A run of rich text, shown verbatim."""
    found: Block = {"type": "text", "text": clip(text, ELEMENT) or " "}
    style = {name: True for name, on in (("bold", bold), ("code", code)) if on}
    return {**found, "style": style} if style else found


def clock(at: datetime) -> Block:
    """A time of the day in rich text, in the reader's own zone."""
    return {"type": "date", "timestamp": int(at.timestamp()), "format": "{time}", "fallback": f"{at:%H:%M} UTC"}


def pieces(text: str, now: datetime) -> list[Block]:
    """Runs of rich text written about `now`, in which every time in UTC is the reader's own."""
    found: list[Block] = []
    start = 0
    for match, at in quantities.moments(text, now):
        if match.start() > start:
            found.append(piece(text[start : match.start()]))
        shown = {"timestamp": int(at.timestamp()), "format": form(match), "fallback": match[0]}
        found.append({"type": "date", **shown})
        start = match.end()
    return [*found, piece(text[start:])] if start < len(text) or not found else found


def rich(*rows: Sequence[Block], block_id: str | None = None) -> Block:
    """Lines of rich text, each a sequence of pieces."""
    found: Block = {
        "type": "rich_text",
        "elements": [{"type": "rich_text_section", "elements": list(row)} for row in rows],
    }
    return {**found, "block_id": block_id} if block_id else found


def preformatted(text: str, block_id: str | None = None) -> Block:
    """Text exactly as it is, in a fixed-width box."""
    inner = {"type": "rich_text_preformatted", "elements": [piece(seen(text))]}
    found: Block = {"type": "rich_text", "elements": [inner]}
    return {**found, "block_id": block_id} if block_id else found


def option(text: str, value: str) -> Block:
    """A choice of a menu."""
    return {"text": plain(text, OPTION), "value": value}


def say(text: str, *buttons: Button, now: datetime | None = None) -> Message:
    """A short message in words (not yet escaped), with buttons below it; `now` is when times in them were written."""
    words = escape(text)
    return Message(
        text=_said(_clip_escaped(words, FALLBACK)),
        blocks=(section(local(words, now) if now else words), *actions(buttons)),
    )


def pack(value: JsonValue) -> str | None:
    """A value for a button, or None where it does not fit into one."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True, sort_keys=True)
    return text if len(text) <= BUTTON_VALUE else None


def fallback(text: str) -> str:
    """A text that stands for the blocks, from words that are not yet escaped."""
    return _said(_clip_escaped(escape(text), FALLBACK))


def _said(text: str) -> str:
    """Slack refuses texts that are empty or blank."""
    return text if text.strip() else "–"


def _clip_escaped(text: str, limit: int) -> str:
    """Cuts without leaving half of `&amp;` or of `<!date…>` behind."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    for start, end in (("&", ";"), ("<", ">")):
        if cut.rfind(start) > cut.rfind(end):
            cut = cut[: cut.rfind(start)]
    return cut + "…"
