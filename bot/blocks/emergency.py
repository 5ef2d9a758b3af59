"""Break-glass, as people see it: the form that asks why, the one for the review, and the loud line (A10)."""

from __future__ import annotations

import json

from pydantic import JsonValue

from approvals.breakglass import SHORTEST
from approvals.request import Request
from bot.blocks import message as kit
from bot.blocks.card import Face, key
from bot.blocks.message import Block, Message
from bot.blocks.text import clip, escape, line


def smash(request: Request, face: Face, reply: dict[str, JsonValue]) -> Block:
    """Asks the one who breaks the glass why."""
    say = (
        f"Run *{escape(clip(face.title, 300))}* without a second key? The channel is told at once, and somebody else "
        "reviews it afterwards. Until then nobody can break the glass again."
    )
    return _form("break_glass", "🚨 Break the glass", say, "Why it cannot wait", "🚨 Run it now", key(request), reply)


def review(request: Request, face: Face, reply: dict[str, JsonValue]) -> Block:
    """Asks somebody else what they found."""
    found = request.emergency
    why = line(f"{face.name(found.by)} wrote: “{found.reason}”") if found else ""
    say = f"*{escape(clip(face.title, 300))}* ran without a second key. {escape(why)}"
    return _form("review", "Review", say, "What you found, and what should follow", "Reviewed", key(request), reply)


def announcement(request: Request, face: Face) -> Message:
    """For the channel, not only the thread."""
    found = request.emergency
    who, why = (face.name(found.by), found.reason) if found else ("somebody", "")
    return kit.say(
        f"🚨 BREAK-GLASS: {who} runs “{face.title}” without a second key. Reason: {line(why)}\n"
        "Somebody else has to review it afterwards."
    )


def _form(
    callback: str, title: str, say: str, label: str, submit: str, metadata: str, reply: dict[str, JsonValue]
) -> Block:
    field = {"type": "plain_text_input", "action_id": "reason", "multiline": True, "max_length": 500}
    least = {"min_length": SHORTEST} if callback == "break_glass" else {}
    return {
        "type": "modal",
        "callback_id": callback,
        "title": kit.plain(title, kit.MODAL_TITLE),
        "submit": kit.plain(submit, kit.MODAL_TITLE),
        "close": kit.plain("Not now", kit.MODAL_TITLE),
        "private_metadata": clip(json.dumps({"key": metadata, **reply}), kit.METADATA),
        "blocks": [
            kit.section(say),
            {
                "type": "input",
                "block_id": "reason",
                "label": kit.plain(label, 2_000),
                "element": {**field, **least},
            },
        ],
    }
