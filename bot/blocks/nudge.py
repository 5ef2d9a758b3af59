"""The line that asks approvers again. The only text of ours that pings: it names people by their ids."""

from __future__ import annotations

from collections.abc import Sequence

from approvals.request import Request
from bot.blocks import message as kit
from bot.blocks.card import Face, needed
from bot.blocks.message import Block, Message


def nudge(request: Request, face: Face, people: Sequence[str], escalated: bool) -> Message:
    """Who is still needed, until when; `people` are the user ids that are pinged."""
    wait = f"still waiting for {needed(request.missing)}"
    if escalated:
        said = f"⏫ Nobody approved in time, so {' and '.join(request.escalate_to)} may approve now, too: {wait}."
    else:
        said = f"⏰ {wait[0].upper()}{wait[1:]}."
    row: list[Block] = [kit.piece(f"{said} ")]
    for user in people:
        row += [{"type": "user", "user_id": user}, kit.piece(" ")]
    if request.approve_by:
        at = request.approve_by
        row += [kit.piece("It expires at "), kit.clock(at), kit.piece(".")]
    return Message(text=kit.fallback(f"{said} ({face.title})"), blocks=(kit.rich(row),))
