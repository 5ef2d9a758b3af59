"""What stands in place of a card that came twice."""

from __future__ import annotations

from bot.blocks import message as kit
from bot.blocks.message import Message
from bot.blocks.text import escape

_SAY = "This card came twice: Slack took it, and its answer was lost on the way. What was pressed here was heard."


def twin(link: str | None) -> Message:
    """Without buttons; `link` is the address of the card that counts."""
    more = f" <{escape(link)}|The card that counts> goes on." if link else ""
    return Message(text=kit.fallback(_SAY), blocks=(kit.section(f"{escape(_SAY)}{more}"),))
