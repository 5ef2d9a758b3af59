"""An eval as people see it: what is kept of a run behind buttons, and a deploy that lacks a passing one."""

from __future__ import annotations

from collections.abc import Sequence

from actions.outcome import Evidence, Suggestion, Table, TextFile
from bot.blocks import answers
from bot.blocks import message as kit
from bot.blocks.message import Button, Message
from bot.blocks.text import clip

SHOW = "show"  # the action id of such a button begins like this


def kept(run_id: str, pieces: Sequence[Evidence]) -> list[Button]:
    """A button for each piece that the ledger keeps of a run: `[What got worse] [Report] [CSV]`."""
    return [Button(_label(piece), f"{SHOW}:{n}", f"{run_id}:{n}") for n, piece in enumerate(pieces[:5])]


def piece(found: Evidence) -> Message | None:
    """A table as a message of its own; None for what is uploaded as a file."""
    if not isinstance(found, Table):
        return None
    return Message(text=kit.fallback(found.title), blocks=tuple(answers.table(found)))


def lacking(reason: str, offers: Sequence[Suggestion], link: str | None) -> Message:
    """A deploy that was refused for want of a passing run: why, the last run, and the way to one."""
    said = kit.say(f"⛔ Refused: {clip(reason, 2_500)}", *answers.suggestions(offers))
    more = (kit.context(f"<{link}|Open the last run>"),) if link else ()
    return Message(text=said.text, blocks=(*said.blocks[:1], *more, *said.blocks[1:]))


def _label(found: Evidence) -> str:
    if isinstance(found, TextFile):
        return "Report" if found.name.endswith(".html") else "CSV"
    return found.title
